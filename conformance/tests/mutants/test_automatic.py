"""The automatic mutants: all of the rule table is reached, a mutant dies, and the balance cannot be forged."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest
from pullback_conformance import mutants
from pullback_conformance.mutants import automatic, users
from pullback_conformance.mutants.automatic import Mutation, listed, settle

forked = pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="a mutant lives in a forked process"
)


@pytest.fixture(scope="module")
def everything() -> list[Mutation]:
    return automatic.mutations()


def test_every_function_of_the_table_is_reached(everything: list[Mutation]) -> None:
    sources = list(automatic.sources())
    living = everything[0].living
    dead = [s.owner for s in sources if not any(s.codes[i] in living for i in s.chain)]
    assert dead == []
    assert {s.owner for s in sources} > {
        "elementwise_functions.sin.x",
        "decompositions._svd_vjp",
        "linalg._power_norm_slope",
    }


def test_ids_are_told_apart_and_last(everything: list[Mutation]) -> None:
    assert len({m.id for m in everything}) == len({m.digest for m in everything}) == len(everything) > 1000
    assert not any("elementwise_functions.py" in m.id or ":1" in m.id.partition(" ")[0] for m in everything)


def test_survivors_that_are_listed_exist(everything: list[Mutation]) -> None:
    assert set(listed()) <= {m.id for m in everything}


@forked
def test_a_mutant_is_put_in_and_dies_and_only_there(everything: list[Mutation]) -> None:
    chosen = [m for m in everything if m.id.startswith("elementwise_functions.tanh.x:")]
    users.prepare(["tanh", "sin"])
    for mutation in chosen:
        assert mutants.in_child(lambda m=mutation: users.hunt(m.put_in, ["tanh"], m.what)), mutation.id
        assert mutants.in_child(lambda m=mutation: users.hunt(m.put_in, ["sin"], m.what)) == []
    assert mutants.in_child(lambda: users.hunt(lambda: None, ["tanh", "sin"], "")) == []


@forked
def test_a_lost_device_is_seen_on_another_device(everything: list[Mutation]) -> None:
    (mutation,) = [m for m in everything if m.id.startswith("matrices.identity:") and m.what == users.NO_DEVICE]
    users.prepare(["linalg.pinv"])
    assert mutants.in_child(lambda: users.hunt(mutation.put_in, ["linalg.pinv"], mutation.what))


@forked
def test_what_fails_in_the_machinery_is_no_kill(everything: list[Mutation], monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Mutation) -> None:
        raise LookupError("nothing that is alive has changed")

    monkeypatch.setattr(Mutation, "put_in", broken)
    users.prepare(["sin"])
    with pytest.raises(RuntimeError, match="nothing that is alive has changed"):
        automatic._fate(everything[0], ["sin"])


def test_the_balance() -> None:
    known = {"a": {"kind": "equivalent", "reason": "0 is 0"}, "b": {"kind": "unseen", "reason": "far away"}}
    found: dict[str, list[str]] = {f"killed {i}": ["V05.fd"] for i in range(98)} | {"a": [], "b": []}
    balance = settle(found, known, whole=True)
    assert balance["ok"]
    assert (balance["total"], balance["killed"], balance["equivalent"]) == (100, 98, 1)
    assert balance["rate"] == 98 / 99
    assert settle(found | {"c": []}, known, whole=True)["unlisted"] == ["c"]
    assert not settle(found | {"c": []}, known, whole=True)["ok"]
    assert settle(found | {"b": ["V01.runs"]}, known, whole=True)["stale"] == ["b"]
    assert settle({"a": []}, known, whole=True)["stale"] == ["b"], "a mutant that is no more"
    assert settle({"a": []}, known, whole=False)["stale"] == []
    many = {f"u{i}": known["b"] for i in range(3)}
    few = {f"killed {i}": ["V05.fd"] for i in range(97)} | {id: [] for id in many}
    assert not settle(few, many, whole=True)["ok"]


@pytest.mark.parametrize("left_out", ["id", "kind", "reason"])
def test_a_survivor_says_who_and_why(left_out: str, tmp_path: Path) -> None:
    entry = {"id": "a", "kind": "equivalent", "reason": "b"}
    entry[left_out] = ""
    path = tmp_path / "survivors.toml"
    path.write_text("[[survivor]]\n" + "".join(f'{key} = "{value}"\n' for key, value in entry.items()))
    with pytest.raises(ValueError, match="a survivor needs"):
        listed(path)


@forked
def test_a_run_that_was_cut_off_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "found.jsonl"
    monkeypatch.setattr(users, "of", lambda mutations, kept: {m.id: ["tan"] for m in mutations})
    chosen = [m for m in automatic.mutations() if m.id.startswith("elementwise_functions.tan.")]
    monkeypatch.setattr(automatic, "mutations", lambda: chosen)
    monkeypatch.setattr(automatic, "listed", dict)
    first = automatic.run_automatic(resume=path)
    assert first["killed"] == first["total"] > 3
    monkeypatch.setattr(automatic, "_fate", lambda *_: pytest.fail("it is known already"))
    assert automatic.run_automatic(resume=path) == first
