"""Is the whole standard differentiable? Each of its names, by its class, has what the class promises.

`data/standard-2025.12.json` sorts the functions of the 2025.12 standard: a smooth, linear or kinked one has both modes, a
second order and a row in the tests of its chapter; one that is constant almost everywhere has zeros; a linear one is
transposed exactly; any other never makes an output that requires grad.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pullback as pb
import pytest
from helpers import standard
from helpers.checks import host, inner, is_differentiable, listed, normal, tensor
from helpers.classes import CLASSES, STANDARD, first, names_of, rows
from pullback.errors import NoDerivativeError
from pullback.ops import elementwise_functions as ew

# --- the data --------------------------------------------------------------------------------------------------------


def test_the_data_are_the_whole_standard() -> None:
    sorted_names: dict[str, set[str]] = {"main": set(), "linalg": set(), "fft": set()}
    groups = (*CLASSES.values(), *(STANDARD[key] for key in ("non_differentiable", "creation", "inspection")))
    for group in groups:
        for chapter, names in group.items():
            owner = sorted_names[chapter if chapter in sorted_names else "main"]
            assert not owner & set(names), f"{chapter}: a name is in two classes"
            owner |= set(names)
    assert sorted_names["main"] == set(standard.read(standard.MAIN)) - {"__array_namespace_info__"}
    assert sorted_names["linalg"] == set(standard.read(standard.LINALG))
    assert sorted_names["fft"] == set(standard.read(standard.FFT))
    assert sum(len(names) for chapters in CLASSES.values() for names in chapters.values()) == 118


# --- what is differentiable ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("chapter", "name"), names_of("smooth", "linear", "kinked", "zero_ae"))
def test_it_has_rules_for_both_modes_and_again(chapter: str, name: str) -> None:
    """`first` fails where there is no row."""
    check_rules(*first(chapter, name))


def check_rules(call: Callable[..., Any], arrays: list[np.ndarray]) -> None:
    """Reverse mode, forward mode, and each of them over each. That the numbers are right, the chapters' tests say."""
    wrt = [i for i, x in enumerate(arrays) if is_differentiable(x)]
    points = [tensor(arrays[i]) for i in wrt]
    rng = np.random.default_rng(3)
    tangents = tuple(tensor(normal(rng, arrays[i])) for i in wrt)

    def outputs(*xs: Any) -> tuple[Any, ...]:
        given = [tensor(x) for x in arrays]
        for i, x in zip(wrt, xs, strict=True):
            given[i] = x
        outs = listed(call(given[0].__array_namespace__(), *given))
        return tuple(out for out in outs if out.dtype.name.startswith(("float", "complex")))

    def total(*xs: Any) -> Any:
        return sum((pb.real(out) ** 2).sum() for out in outputs(*xs))

    leaves = [x.clone().requires_grad_() for x in points]
    assert all(out.requires_grad for out in outputs(*leaves))
    gradient = pb.func.grad(total, tuple(range(len(wrt))))
    for g, x in zip(gradient(*points), points, strict=True):
        assert (g.shape, g.dtype) == (x.shape, x.dtype)
    for function in (outputs, gradient):  # forward, and forward over reverse
        primals, pushed = pb.func.jvp(function, tuple(points), tangents)
        assert [(t.shape, t.dtype) for t in pushed] == [(p.shape, p.dtype) for p in primals]

    def pushed_total(*xs: Any) -> Any:
        return pb.func.jvp(total, xs, tangents)[1]

    pb.func.jvp(pushed_total, tuple(points), tangents)  # forward over forward
    pb.func.grad(pushed_total)(*points)  # reverse over forward
    again = pb.func.grad(
        lambda *xs: sum(pb.sum(pb.real(g * pb.conj(g))) for g in gradient(*xs)), tuple(range(len(wrt)))
    )
    for g, x in zip(again(*points), points, strict=True):  # reverse over reverse
        assert (g.shape, g.dtype) == (x.shape, x.dtype)


@pytest.mark.parametrize("mode", ["vjp", "jvp"])
def test_a_missing_rule_is_noticed(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    without = ew.elementwise("half_differentiable", forward=lambda xp, x: xp.sin(x), x=lambda xp, t, x: t * xp.cos(x))
    monkeypatch.setattr(without.primitive, mode, {} if mode == "jvp" else {"other": None})
    with pytest.raises(NoDerivativeError, match=f"{'reverse' if mode == 'vjp' else 'forward'}-mode rule"):
        check_rules(lambda xp, x: without(x), [np.ones(2)])


@pytest.mark.parametrize(("chapter", "name"), names_of("zero_ae"))
def test_steps_have_zeros_at_every_order(chapter: str, name: str, device: str) -> None:
    call, arrays = first(chapter, name)
    xs = [tensor(x, device, requires_grad=True) for x in arrays]
    total = call(xs[0].__array_namespace__(), *xs).sum()
    for _ in range(3):
        grads = pb.autograd.grad(total, xs, create_graph=True, allow_unused=True, materialize_grads=True)
        assert all(not host(g).any() for g in grads)
        total = sum(g.sum() for g in grads)
    tangents = tuple(pb.ones_like(x) for x in xs)
    _, pushed = pb.func.jvp(lambda *xs: call(xs[0].__array_namespace__(), *xs), tuple(x.detach() for x in xs), tangents)
    assert not host(pushed).any()


ROUNDS = {"mean": 16, "fft": 16}
"""Functions, or chapters, that divide or multiply by numbers that are no sums of powers of two: units in the last place."""


@pytest.mark.parametrize(("chapter", "name"), names_of("linear"))
def test_linear_functions_are_transposed_exactly(chapter: str, name: str, device: str) -> None:
    """<v, J u> = <J^T v, u> in integers, which floats add and multiply without rounding."""
    tolerance = ROUNDS.get(name, ROUNDS.get(chapter, 0)) * np.finfo(float).eps
    rng = np.random.default_rng(4)
    for call, given in rows(chapter, name):
        arrays = [np.asarray(np.round(8 * x)) if is_differentiable(x) else x for x in given]
        wrt = [i for i, x in enumerate(arrays) if is_differentiable(x)]
        us = [np.asarray(np.round(8 * normal(rng, arrays[i]))) for i in wrt]

        def outputs(*xs: Any, call: Any = call, arrays: Any = arrays, wrt: Any = wrt) -> tuple[Any, ...]:
            full = [tensor(x, device) for x in arrays]
            for i, x in zip(wrt, xs, strict=True):
                full[i] = x
            return tuple(listed(call(full[0].__array_namespace__(), *full)))

        points = tuple(tensor(arrays[i], device) for i in wrt)
        outs, pushed = pb.func.jvp(outputs, points, tuple(tensor(u, device) for u in us))
        vs = [np.asarray(np.round(8 * normal(rng, host(out)))) for out in outs]
        _, pullback = pb.func.vjp(outputs, *points)
        pulled = pullback(tuple(tensor(v, device) for v in vs))
        left = [inner(v, host(t)) for v, t in zip(vs, pushed, strict=True)]
        right = [inner(host(g), u) for g, u in zip(listed(pulled), us, strict=True)]
        size = sum(float(np.sum(np.abs(v * host(t)))) for v, t in zip(vs, pushed, strict=True))
        assert abs(sum(left) - sum(right)) <= tolerance * size


# --- what is not -----------------------------------------------------------------------------------------------------


def integers(device: str) -> Any:
    return pb.asarray([3, 1, 2], device=device)


CONSTANT: dict[str, Callable[[Any, Any], Any]] = {
    **{
        name: lambda xp, x, name=name: getattr(xp, name)(integers(str(x.device)), integers(str(x.device)))
        for name in ("bitwise_and", "bitwise_left_shift", "bitwise_or", "bitwise_right_shift", "bitwise_xor")
    },
    "bitwise_invert": lambda xp, x: xp.bitwise_invert(integers(str(x.device))),
    **{
        name: lambda xp, x, name=name: getattr(xp, name)(x, 2 * x)
        for name in ("equal", "greater", "greater_equal", "less", "less_equal", "not_equal", "nextafter")
    },
    **{name: lambda xp, x, name=name: getattr(xp, name)(x) for name in ("isfinite", "isinf", "isnan", "signbit")},
    **{
        name: lambda xp, x, name=name: getattr(xp, name)(x > 0, x < 1)
        for name in ("logical_and", "logical_or", "logical_xor")
    },
    "logical_not": lambda xp, x: xp.logical_not(x > 0),
    "isin": lambda xp, x: xp.isin(integers(str(x.device)), integers(str(x.device))),
    "matrix_rank": lambda xp, x: xp.linalg.matrix_rank(xp.stack([x, x])),
    "searchsorted": lambda xp, x: xp.searchsorted(xp.sort(x), x),
    **{
        name: lambda xp, x, name=name: getattr(xp, name)(x)
        for name in (
            *("argmax", "argmin", "argsort", "count_nonzero", "nonzero", "unique_all", "unique_counts"),
            *("unique_inverse", "unique_values", "all", "any"),
        )
    },
    **{name: lambda xp, x, name=name: getattr(xp, name)(x) for name in ("empty_like", "ones_like", "zeros_like")},
    "full_like": lambda xp, x: xp.full_like(x, 2.0),
}


def test_every_function_without_a_derivative_has_a_call() -> None:
    names = {name for names in STANDARD["non_differentiable"].values() for name in names}
    likes = {name for names in STANDARD["creation"].values() for name in names if name.endswith("_like")}
    assert set(CONSTANT) == names | likes


@pytest.mark.parametrize("name", CONSTANT)
def test_its_outputs_never_require_grad(name: str, device: str) -> None:
    x = tensor(np.asarray([0.5, -1.0, 2.0]), device, requires_grad=True) * 1.0
    outs = listed(CONSTANT[name](x.__array_namespace__(), x))
    assert outs
    for out in outs:
        assert not out.requires_grad
        assert out.grad_fn is None
