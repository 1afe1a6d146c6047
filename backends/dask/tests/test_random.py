"""Random numbers: those of the host where one chunk holds them; else equal for equal seeds and chunks."""

from __future__ import annotations

from typing import Any

import dask
import numpy as np
import pullback as pb
import pytest

DRAWS = {
    "randn": lambda shape, **o: pb.randn(size=shape, **o),
    "rand": lambda shape, **o: pb.rand(size=shape, **o),
    "randint": lambda shape, **o: pb.randint(0, 100, shape, **o),
}


@pytest.mark.parametrize("draw", DRAWS.values(), ids=list(DRAWS))
def test_one_chunk_has_the_numbers_of_the_host(draw: Any) -> None:
    here, there = pb.Generator(3), pb.Generator(3)
    for shape in [(4, 3), (), (5,)]:
        assert draw(shape, device="dask", generator=there).tolist() == draw(shape, generator=here).tolist()


@pytest.mark.parametrize("draw", DRAWS.values(), ids=list(DRAWS))
def test_chunks_have_streams_of_their_own_that_a_seed_brings_back(draw: Any, computes: Any) -> None:
    generator = pb.Generator(3)
    state = generator.get_state()
    x = draw((400,), device="dask", generator=generator)
    assert computes.calls == 0
    assert x._array.npartitions > 20
    values = x.tolist()
    assert x.tolist() == values
    with dask.config.set(scheduler="threads"):
        assert x.tolist() == values, "on whatever runs it"
    parts = np.split(np.asarray(values), np.cumsum(x._array.chunks[0])[:-1])
    assert len({tuple(part) for part in parts}) == len(parts)
    assert draw((400,), device="dask", generator=generator).tolist() != values
    generator.set_state(state)
    assert draw((400,), device="dask", generator=generator).tolist() == values


def test_the_numbers_of_many_chunks_are_distributed_as_they_should_be() -> None:
    with dask.config.set({"array.chunk-size": "4kB"}):
        x = pb.randn(40_000, device="dask", dtype=pb.float64, generator=pb.Generator(0))
        y = pb.rand(40_000, device="dask", dtype=pb.complex128, generator=pb.Generator(0))
    assert x._array.npartitions > 50
    assert abs(x.mean().item()) < 0.02
    assert abs(x.std().item() - 1) < 0.02
    assert abs(y.mean().item() - (0.5 + 0.5j)) < 0.01
