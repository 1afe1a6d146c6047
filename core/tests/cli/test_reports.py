"""What `backends`, `plugins` and `doctor` print, and their exit status."""

from __future__ import annotations

import json

import pytest
from helpers.distributions import Site
from pullback.cli import main
from pullback.plugins import discovery

Output = pytest.CaptureFixture[str]


def test_backends_as_text(site: Site, capsys: Output) -> None:
    site.add_hostile("liar")
    assert main(["backends"]) == 0
    text = capsys.readouterr().out
    lines = {line.split()[0]: line.split() for line in text.splitlines()}
    assert lines["numpy"][1:] == ["usable", "pullback-numpy", "0.1.0", "cpu"]
    assert lines["liar"][1] == "unavailable"
    assert "asked too much" in text
    assert "cannot: mutable views" in text


def test_backends_as_json(site: Site, capsys: Output) -> None:
    site.add_hostile("native")
    assert main(["backends", "--json"]) == 0
    found = {backend["name"]: backend for backend in json.loads(capsys.readouterr().out)}
    assert found["numpy"]["devices"] == ["cpu"]
    assert found["numpy"]["capabilities"]["lazy"] is False
    assert found["native"]["state"] == "failed"
    assert "libfoo" in found["native"]["reason"]


def test_plugins_are_listed_and_a_broken_one_is_status_1(site: Site, capsys: Output) -> None:
    site.add_backend("fine")
    assert main(["plugins"]) == 0
    site.add_hostile("native")
    site.add("future", backends={"future": "gone"}, group="pullback.ops.v2")
    assert main(["plugins"]) == 1
    text = capsys.readouterr().out
    assert "libfoo.so.12" in text
    assert "pullback.ops.v2" in text
    assert "Traceback" not in text


def test_plugins_verbose_shows_the_traceback(site: Site, capsys: Output) -> None:
    site.add_hostile("native")
    main(["plugins", "-v"])
    text = capsys.readouterr().out
    assert "--- native of hostile-native 1.0\nTraceback" in text
    assert "hostile_native.py" in text


def test_plugins_as_json_has_everything(site: Site, capsys: Output) -> None:
    site.add_hostile("noisy")
    assert main(["plugins", "--json"]) == 1
    captured = capsys.readouterr()
    found = {plugin["name"]: plugin for plugin in json.loads(captured.out)}
    assert "not your output" in captured.err
    assert found["numpy"]["group"] == discovery.BACKENDS
    assert found["numpy"]["load_ms"] >= 0
    assert found["noisy"]["cause"] == "RuntimeError: half way"
    assert "hostile_noisy.py" in found["noisy"]["trace"]


def test_a_blocked_plugin_stays_visible_and_is_no_problem(
    site: Site, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.add_hostile("native")
    monkeypatch.setenv("PULLBACK_BLOCK_PLUGINS", "native")
    discovery.refresh()
    assert main(["plugins"]) == 0
    assert main(["doctor"]) == 0
    assert "blocked" in capsys.readouterr().out


def test_doctor_says_what_to_do(site: Site, capsys: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    assert main(["doctor"]) == 0
    assert "Nothing to mend." in capsys.readouterr().out
    monkeypatch.setenv("PULLBACK_DEVICE", "tpu")
    assert main(["doctor"]) == 1
    text = capsys.readouterr().out
    assert "error: PULLBACK_DEVICE=tpu: nobody knows the device 'tpu'" in text
    assert "what to do: unset PULLBACK_DEVICE" in text


def test_doctor_as_json(site: Site, capsys: Output) -> None:
    site.add_hostile("native")
    assert main(["doctor", "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert report["healthy"] is False
    assert report["distributions"]["pullback"] == "0.1.0"
    assert any(finding["level"] == "error" and "native" in finding["subject"] for finding in report["findings"])


OPS = """
from pullback.extend import hookimpl, op

@op
def quick(xp, x):
    return x

@hookimpl
def pullback_register_ops(register):
    register(quick, overrides="acme::quick")
    for i in range(9):
        register(quick, name=f"quick{i}")
"""


def test_plugins_show_their_ops_and_what_they_override(
    site: Site, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.add_ops("fast", OPS)
    assert main(["plugins"]) == 0
    text = capsys.readouterr().out
    assert "ops: fast::quick fast::quick0" in text
    assert "and 2 more" in text
    assert "overrides acme::quick (not in use)" in text
    monkeypatch.setenv("PULLBACK_ALLOW_OVERRIDES", "fast")
    discovery.refresh()
    main(["plugins", "--json"])
    (found,) = [plugin for plugin in json.loads(capsys.readouterr().out) if plugin["name"] == "fast"]
    assert (found["overrides"], found["overriding"], len(found["ops"])) == (["acme::quick"], True, 10)
