"""A file is replaced as a whole or not at all, whoever is killed when."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from itertools import pairwise
from pathlib import Path

import pytest
from pullback_safetensors import replacing as module
from pullback_safetensors.replacing import replacing

KILLED = Path(__file__).parent / "killed.py"
posix = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked and killed, files locked: POSIX only")


def names(directory: Path) -> list[str]:
    return sorted(entry.name for entry in directory.iterdir())


def test_a_new_file_and_a_replaced_one(tmp_path: Path) -> None:
    path = tmp_path / "x"
    for content in (b"one", b"two"):
        with replacing(path) as file:
            file.write(content)
            assert not path.exists() or path.read_bytes() == b"one"
        assert path.read_bytes() == content
    assert names(tmp_path) == ["x"]


def test_after_an_error_everything_is_as_before(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"old")

    def fail(error: type[BaseException]) -> None:
        with replacing(path) as file:
            file.write(b"new")
            raise error

    for error in (ValueError, KeyboardInterrupt):
        with pytest.raises(error):
            fail(error)
        assert path.read_bytes() == b"old"
        assert names(tmp_path) == ["x"]


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_an_error_of_the_disk_leaves_the_old_file(call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"old")

    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, call, full)
    with pytest.raises(OSError, match="No space left"), replacing(path) as file:
        file.write(b"new")
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["x"]


def test_the_bytes_are_on_the_disk_before_the_name_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order = []
    for name in ("fsync", "replace"):
        original = getattr(os, name)
        monkeypatch.setattr(
            os, name, lambda *args, name=name, original=original: (order.append(name), original(*args))[1]
        )
    with replacing(tmp_path / "x") as file:
        file.write(b"new")
    assert order == ["fsync", "replace", "fsync"]


@pytest.mark.parametrize("works", [True, False])
def test_a_disk_with_a_cache_is_asked_to_write_it(works: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On macOS, where fsync does less than its name says."""
    calls = []

    class Locks:
        LOCK_EX, LOCK_NB, F_FULLFSYNC = 1, 2, 51

        def flock(self, descriptor: int, operation: int) -> None:
            pass

        def fcntl(self, descriptor: int, command: int) -> None:
            calls.append(command)
            if not works:
                raise OSError(45, "Operation not supported")

    monkeypatch.setattr(module, "locks", Locks())
    monkeypatch.setattr(os, "fsync", lambda descriptor: calls.append("fsync"))
    with replacing(tmp_path / "x") as file:
        file.write(b"new")
    assert calls == [51, 51] if works else [51, "fsync", 51, "fsync"]
    assert (tmp_path / "x").read_bytes() == b"new"


@posix
def test_a_link_is_followed_and_a_mode_kept(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    real, link = tmp_path / "there" / "real", tmp_path / "link"
    real.write_bytes(b"old")
    real.chmod(0o640)
    link.symlink_to(real)
    with replacing(link) as file:
        file.write(b"new")
    assert link.is_symlink()
    assert real.read_bytes() == b"new"
    assert real.stat().st_mode & 0o777 == 0o640
    assert names(tmp_path) == ["link", "there"]
    assert names(tmp_path / "there") == ["real"]


@posix
def test_what_a_killed_process_left_is_taken_away_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "run[1].safetensors"
    dead = tmp_path / ".run[1].safetensors.0123abcd.tmp"
    others = [
        ".run[1].safetensors.tmp",
        ".run1.safetensors.0123abcd.tmp",
        "run[1].safetensors.0123abcd.tmp",
        ".other.0123abcd.tmp",
    ]
    for name in (dead.name, *others):
        (tmp_path / name).write_bytes(b"torn")
    with replacing(path) as outer:
        outer.write(b"first")
        with replacing(path) as inner:  # the other one is at work still
            inner.write(b"second")
        assert path.read_bytes() == b"second"
    assert path.read_bytes() == b"first"
    assert names(tmp_path) == sorted([path.name, *others])


@posix
def test_many_writers_at_once_leave_one_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "x"
    contents = [bytes([65 + n]) * 5000 for n in range(8)]
    errors: list[BaseException] = []

    def write(content: bytes) -> None:
        try:
            for _ in range(5):
                with replacing(path) as file:
                    file.write(content[:2500])
                    file.write(content[2500:])
        except BaseException as error:  # noqa: BLE001  said by the test
            errors.append(error)

    threads = [threading.Thread(target=write, args=(content,)) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert errors == []
    assert path.read_bytes() in contents
    assert names(tmp_path) == ["x"]


@posix
def test_one_that_was_taken_for_abandoned_begins_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the making of a file and its lock another process may remove it."""
    original = module._locked
    removed = []

    def locked(descriptor: int, *, wait: bool) -> bool | None:
        if wait and not removed:
            (found,) = tmp_path.iterdir()
            found.unlink()
            removed.append(found)
        return original(descriptor, wait=wait)

    monkeypatch.setattr(module, "_locked", locked)
    with replacing(tmp_path / "x") as file:
        file.write(b"new")
    assert len(removed) == 1
    assert names(tmp_path) == ["x"]


@posix
def test_killed_at_any_point_the_old_file_is_there_or_the_new_one(tmp_path: Path) -> None:
    """Before and after each call that reaches the file system, and in the middle of each write."""
    command = [sys.executable, "-W", "error", str(KILLED), "saves", str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    killed = [run for run in found["runs"] if run["how"] == "killed"]
    assert {run["how"] for run in found["runs"]} == {"killed", "done"}
    assert len(killed) >= 16
    assert {tuple(run["values"]) for run in found["runs"]} == {(1.0,), (2.0,)}
    for earlier, later in pairwise(killed):  # once the new one is there, it stays
        assert earlier["values"] <= later["values"]
    assert any(run["litter"] for run in killed)
    assert found["left"] == ["weights.safetensors"]
