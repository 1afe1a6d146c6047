"""A few faults of every kind: each is killed by the check that the catalogue names. (All of them: --mutate.)"""

from __future__ import annotations

import multiprocessing

import pytest
from pullback_conformance import mutants

SOME = ["R01", "R04", "R10", "R16", "R18", "R23", "R48", "R50", "R51", "E01", "E03", "E09", "E28", "E31", "E32"]


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="a mutant lives in a forked process")
def test_some_faults_are_killed_by_their_checks() -> None:
    results = mutants.run_catalogue(2, SOME)
    assert [r["id"] for r in results] == SOME
    assert [(r["id"], r["found"]) for r in results if not r["killed"]] == []


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="a mutant lives in a forked process")
def test_a_healthy_rule_is_not_killed() -> None:
    assert mutants.in_child(lambda: mutants.hunt(lambda: None, ["sin", "square"])) == []


def test_one_entry_is_seen_to_two_parts_in_ten_million() -> None:
    limits = mutants.detection_limit()
    assert limits["single_entry"] <= 2e-7
    assert limits["uniform"] <= 2e-7
