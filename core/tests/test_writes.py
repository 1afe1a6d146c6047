"""Which arrays were written, and when: what a reverse pass asks of nodes that are older."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import numpy as np
import pytest
from pullback import writes
from pullback.graph import next_seq
from pullback.writes import record_write, written_since


@pytest.fixture
def no_collector() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


def test_only_older_nodes_are_concerned() -> None:
    array = np.zeros(3)
    older = next_seq()
    seq = next_seq()
    record_write(array, seq)
    newer = next_seq()
    assert written_since(array, older)
    assert not written_since(array, newer)
    assert not written_since(array, seq)
    assert not written_since(np.zeros(3), older)


def test_the_newest_write_counts() -> None:
    array = np.zeros(3)
    record_write(array, next_seq())
    between = next_seq()
    assert not written_since(array, between)
    record_write(array, next_seq())
    assert written_since(array, between)


def test_the_time_of_the_last_event_moves_on() -> None:
    record_write(np.zeros(3), seq := next_seq())
    assert writes.last.event == seq


def test_what_dies_is_forgotten(no_collector: None) -> None:
    before = len(writes._writes)
    arrays = [np.zeros(3) for _ in range(50)]
    for array in arrays:
        record_write(array, next_seq())
        record_write(array, next_seq())
    assert len(writes._writes) == before + 50
    del array
    arrays.clear()
    assert len(writes._writes) == before


def test_scalars_are_remembered_within_bounds() -> None:
    for i in range(3 * writes._VALUES_KEPT):
        record_write(np.float64(i), next_seq())
    assert len(writes._values) <= writes._VALUES_KEPT
    assert len(writes._writes) <= len(writes._watched)
    recent = np.float64(0.5)
    older = next_seq()
    record_write(recent, next_seq())
    assert written_since(recent, older)
