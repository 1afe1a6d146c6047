"""Random Tensors: reproducible, the same on every backend, from the distribution that they claim."""

from __future__ import annotations

import threading
from typing import Any

import pullback as pb
import pytest
from helpers import toy
from helpers.checks import host
from pullback import random
from pullback.errors import ArgumentError, BackendUnavailableError, DTypeError

FLOATING = [pb.float32, pb.float64, pb.complex64, pb.complex128]
DRAWS = {
    "randn": lambda **options: pb.randn(3, 2, **options),
    "rand": lambda **options: pb.rand(3, 2, **options),
    "randint": lambda **options: pb.randint(-5, 5, (3, 2), **options),
}


@pytest.fixture(autouse=True)
def seeded() -> None:
    pb.manual_seed(0)


@pytest.mark.parametrize("name", DRAWS)
def test_a_seed_repeats_the_numbers_on_every_backend(name: str, device: str) -> None:
    drawn = DRAWS[name]()
    assert str(drawn.device) == device
    following = DRAWS[name]()
    assert drawn.tolist() != following.tolist()
    pb.manual_seed(0)
    assert DRAWS[name]().tolist() == drawn.tolist()
    assert DRAWS[name](generator=pb.Generator(0), device="cpu").tolist() == drawn.tolist()
    assert DRAWS[name](generator=pb.Generator().manual_seed(0)).tolist() == drawn.tolist()
    pb.manual_seed(1)
    assert DRAWS[name]().tolist() != drawn.tolist()


@pytest.mark.parametrize("name", ["randn", "rand"])
def test_dtypes_see_the_same_stream(name: str, device: str) -> None:
    wide = host(DRAWS[name](dtype=pb.float64, generator=pb.Generator(5)))
    narrow = host(DRAWS[name](dtype=pb.float32, generator=pb.Generator(5)))
    assert narrow.dtype == "float32"
    assert (narrow == wide.astype("float32")).all()


def test_a_generator_is_independent_of_the_others() -> None:
    alone = [pb.randn(2, generator=pb.Generator(3)).tolist() for _ in range(2)]
    assert alone[0] == alone[1]
    mine = pb.Generator(3)
    pb.randn(5)
    assert pb.randn(2, generator=mine).tolist() == alone[0]
    pb.manual_seed(9)
    assert pb.randn(2, generator=mine).tolist() != alone[0]


def test_manual_seed_returns_the_default_generator() -> None:
    generator = pb.manual_seed(4)
    first = pb.randn(2, generator=generator).tolist()
    pb.manual_seed(4)
    assert pb.randn(2).tolist() == first


def test_a_negative_seed_counts_from_2_to_the_64() -> None:
    assert pb.randn(2, generator=pb.Generator(-1)).tolist() == pb.randn(2, generator=pb.Generator(2**64 - 1)).tolist()


# --- distributions -----------------------------------------------------------------------------------------------------

N = 100_000


@pytest.mark.parametrize("dtype", FLOATING, ids=str)
def test_normal(dtype: Any) -> None:
    x = host(pb.randn(N, dtype=dtype))
    assert x.dtype.name == dtype.name
    assert abs(x.mean()) < 0.015
    assert abs((abs(x) ** 2).mean() - 1) < 0.02
    if dtype.is_complex:
        assert abs(x.real.var() - 0.5) < 0.01
        assert abs((x.real * x.imag).mean()) < 0.01
    else:
        assert abs((abs(x) < 1).mean() - 0.6827) < 0.006


@pytest.mark.parametrize("dtype", FLOATING, ids=str)
def test_uniform(dtype: Any) -> None:
    x = host(pb.rand(N, dtype=dtype))
    assert x.dtype.name == dtype.name
    for part in (x.real, x.imag) if dtype.is_complex else (x,):
        assert part.min() >= 0
        assert part.max() < 1
        assert abs(part.mean() - 0.5) < 0.005
        assert abs(part.var() - 1 / 12) < 0.002
    if dtype.is_complex:
        assert abs(((x.real - 0.5) * (x.imag - 0.5)).mean()) < 0.002


def test_uniform_never_rounds_up_to_one() -> None:
    x = host(pb.rand(200_000, dtype=pb.float16))  # one in 4096 would
    assert x.max() < 1


def test_integers(device: str) -> None:
    x = host(pb.randint(-2, 3, (2000,)))
    assert x.dtype.name == "int64"
    assert set(x.tolist()) == {-2, -1, 0, 1, 2}
    for made in (pb.randint(5, (2, 3)), pb.randint(0, 5, (2, 3)), pb.randint(low=0, high=5, size=(2, 3))):
        assert made.shape == (2, 3)
    assert pb.randint(3).shape == ()
    assert pb.randint(5, 9, 4).shape == (4,)
    assert pb.randint(0, 256, (10,), dtype=pb.uint8).dtype is pb.uint8
    assert pb.randint(0, 3, (10,), dtype=pb.float32).dtype is pb.float32


def test_integers_fill_the_whole_range() -> None:
    high = host(pb.randint(2**63, 2**64, (50,), dtype=pb.uint64))
    assert (high >= 2**63).all()
    assert len(set(high.tolist())) == 50
    low = host(pb.randint(-(2**63), 2**63, (50,)))
    assert low.min() < 0 < low.max()


# --- errors ------------------------------------------------------------------------------------------------------------

WRONG = [
    (lambda: pb.randn(2, dtype=pb.int64), DTypeError, "randn: a floating .* got int64; for integers write pb.randint"),
    (lambda: pb.rand(2, dtype=pb.bool), DTypeError, "rand: a floating or complex dtype is needed, got bool"),
    (lambda: pb.randn(2, generator=3), ArgumentError, "randn: generator must be a pb.Generator, got 3"),
    (lambda: pb.randint(5, 5, (2,)), ArgumentError, "randint: there is no integer from 5 up to but without 5"),
    (lambda: pb.randint(0, 500, (2,), dtype=pb.uint8), DTypeError, "randint: 499 does not fit into uint8"),
    (lambda: pb.randint(-1, 5, (2,), dtype=pb.uint8), DTypeError, "randint: -1 does not fit into uint8"),
    (lambda: pb.randint(0, 2, (2,), dtype=pb.bool), DTypeError, "randint: an integer .* got bool"),
    (lambda: pb.randint(0.5, 2, (2,)), ArgumentError, "randint: the bounds must be integers, got 0.5 and 2"),
    (lambda: pb.manual_seed("a"), ArgumentError, "manual_seed: the seed must be an integer, got 'a'"),
    (lambda: pb.manual_seed(1.5), ArgumentError, "manual_seed: the seed must be an integer, got 1.5"),
    (lambda: pb.Generator("a"), ArgumentError, "Generator: the seed must be an integer, got 'a'"),
]


@pytest.mark.parametrize(("call", "error", "match"), WRONG, ids=[match for _, _, match in WRONG])
def test_wrong_input_is_refused_and_draws_nothing(call: Any, error: type[Exception], match: str, device: str) -> None:
    pb.manual_seed(0)
    expected = pb.randn(2).tolist()
    pb.manual_seed(0)
    with pytest.raises(error, match=match):
        call()
    assert pb.randn(2).tolist() == expected


def test_a_backend_without_a_generator_says_where_to_draw() -> None:
    pb.asarray(toy.asarray([1.0]))
    with pytest.raises(BackendUnavailableError, match=r"'toy' has no random generator; .*device='cpu'\).to\('toy'\)"):
        pb.randn(2, device="toy")
    assert pb.randn(2, device="cpu").to("toy").shape == (2,)


def test_threads_share_a_generator_without_losing_numbers() -> None:
    generator = pb.Generator(11)
    drawn: list[float] = []

    def draw() -> None:
        drawn.extend(pb.rand((), generator=generator, dtype=pb.float64).item() for _ in range(200))

    threads = [threading.Thread(target=draw) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    alone = pb.Generator(11)
    assert sorted(drawn) == sorted(pb.rand((), generator=alone, dtype=pb.float64).item() for _ in range(800))


def test_vmap_must_be_told_what_randomness_means() -> None:
    def f(x: Any) -> Any:
        return x + pb.randn(())

    x = pb.zeros(4)
    with pytest.raises(pb.errors.AutogradError, match=r"randomness='different'"):
        pb.func.vmap(f)(x)
    same = pb.func.vmap(f, randomness="same")(x).tolist()
    assert len(set(same)) == 1
    assert len(set(pb.func.vmap(f, randomness="different")(x).tolist())) == 4


def test_a_stream_of_a_backend_that_cannot_run_here_is_kept_for_one_that_can(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = pb.Generator(3)
    pb.rand(2, generator=generator)
    state = generator.get_state()
    state["streams"] |= {"cupy": {"seed": 3, "drawn": {0: 1}}, "not installed": {"any": 1}}
    other = pb.Generator(4)
    other.set_state(state)
    assert other.get_state() == state
    assert bool((pb.rand(2, generator=other) == pb.rand(2, generator=generator)).all())
    other.manual_seed(3)
    assert other.get_state()["streams"] == {}
    state = pb.Generator(3).get_state() | {"streams": state["streams"]}
    usable = random._usable
    monkeypatch.setattr(random, "_usable", lambda name: None)
    other.set_state(state)
    monkeypatch.setattr(random, "_usable", usable)
    generator.set_state(state)
    assert bool((pb.rand(2, generator=other) == pb.rand(2, generator=generator)).all())
