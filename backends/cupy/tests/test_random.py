"""Random numbers: drawn on their device, by seed, with a state that is saved and set without waiting for anything."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pullback as pb
import pytest

Install = Callable[..., Any]
DRAWS = {
    "randn": lambda **o: pb.randn(300, **o),
    "rand": lambda **o: pb.rand(300, **o),
    "randint": lambda **o: pb.randint(-3, 1000, (300,), device=o["device"]),
    "float64": lambda **o: pb.randn(300, dtype=pb.float64, **o),
    "complex64": lambda **o: pb.randn(300, dtype=pb.complex64, **o),
    "complex128": lambda **o: pb.rand(300, dtype=pb.complex128, **o),
}


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_a_seed_gives_the_same_numbers_on_every_device(install: Install, draw: Callable[..., Any]) -> None:
    driver = install(2)
    found = {}
    for device in ("cuda:0", "cuda:1"):
        pb.manual_seed(7)
        x, y = draw(device=device), draw(device=device)
        assert (x.device, y.device) == (device, device)
        assert not bool((x == y).all()), "the stream goes on"
        found[device] = [x.tolist(), y.tolist()]
    assert found["cuda:0"] == found["cuda:1"]
    pb.manual_seed(8)
    assert draw(device="cuda:0").tolist() != found["cuda:0"][0]
    assert driver.current == 0


def test_drawing_moves_nothing(install: Install) -> None:
    driver = install(2)
    with driver.forbidding("wait", "to host", "to device", "between"):
        pb.randn(100, device="cuda:1")
        state = pb.get_rng_state()
        pb.set_rng_state(state)


def test_the_state_is_saved_and_set(install: Install) -> None:
    install(2)
    pb.manual_seed(3)
    pb.randn(4, device="cuda:0")
    state = pickle.loads(pickle.dumps(pb.get_rng_state()))
    numbers = [pb.randn(4, device=d).tolist() for d in ("cuda:0", "cuda:1", "cpu")]
    pb.set_rng_state(state)
    assert [pb.randn(4, device=d).tolist() for d in ("cuda:0", "cuda:1", "cpu")] == numbers


def test_reading_the_state_changes_no_number(install: Install) -> None:
    install(1)
    pb.manual_seed(3)
    first = [pb.randn(2, device="cuda").tolist() for _ in range(3)]
    pb.manual_seed(3)
    again = []
    for _ in range(3):
        pb.get_rng_state()
        again.append(pb.randn(2, device="cuda").tolist())
    assert again == first


def test_without_a_seed_numbers_differ(install: Install) -> None:
    install(1)
    a, b = (pb.randn(8, generator=pb.Generator(), device="cuda").tolist() for _ in range(2))
    assert a != b


def test_the_numbers_are_of_their_distributions(install: Install) -> None:
    install(1)
    pb.manual_seed(0)
    n = pb.randn(20_000, device="cuda").cpu().numpy()
    u = pb.rand(20_000, device="cuda").cpu().numpy()
    c = pb.randn(20_000, dtype=pb.complex64, device="cuda").cpu().numpy()
    k = pb.randint(-2, 3, (20_000,), device="cuda").cpu().numpy()
    assert abs(n.mean()) < 0.03
    assert abs(n.std() - 1) < 0.03
    assert 0 <= u.min() < u.max() < 1
    assert abs(np.mean(np.abs(c) ** 2) - 1) < 0.03
    assert sorted(set(k.tolist())) == [-2, -1, 0, 1, 2]
    assert (n.dtype, u.dtype, c.dtype, k.dtype) == ("float32", "float32", "complex64", "int64")
    assert pb.randint(0, 200, (3,), dtype=pb.uint8, device="cuda").dtype is pb.uint8


def test_no_two_draws_have_one_stream(install: Install) -> None:
    """CuPy takes 32 bits of a seed. Of 100,000 that are drawn at random two would most likely be equal."""
    driver = install(1)
    pb.manual_seed(2**64 - 1)
    for _ in range(2000):
        pb.rand((), device="cuda")
    seeds = [seed for _, _, seed in driver.noted("seed")]
    assert seeds == [(seeds[0] + i) % 2**32 for i in range(2000)]
    pb.manual_seed(1)
    pb.rand((), device="cuda")
    assert driver.noted("seed")[-1][2] not in seeds


def test_a_draw_that_fails_uses_up_no_stream(install: Install) -> None:
    driver = install(1)
    pb.manual_seed(5)
    first = pb.randn(3, device="cuda").tolist()
    pb.manual_seed(5)
    enough, driver.memory = driver.memory, 0
    with pytest.raises(MemoryError):
        pb.randn(3, device="cuda")
    driver.memory = enough
    assert pb.randn(3, device="cuda").tolist() == first
