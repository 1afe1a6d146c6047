"""The adversarial samples that every op gets for free: what hides a wrong rule is what one ordinary sample looks like.

Shapes that are 0-d, empty, of size 1, square, and that broadcast both ways; axes of every form; Python numbers on either
side; one array twice; memory that is transposed, backwards, or has NaN in its gaps; integers among the arguments. Values
come from a generator that is seeded by the op; more shapes are drawn by hypothesis, derandomised unless a seed is given.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as hypothesis_seed
from hypothesis.extra.numpy import mutually_broadcastable_shapes

from pullback_conformance.spec import Arg, Family, OpSpec, Sample

Shape = tuple[int, ...]

LAYOUTS = ("transposed", "gaps", "reversed", "broadcast")
"""How memory may lie, besides C order; see `placing.py`."""

ALONE: tuple[Shape, ...] = ((3,), (), (2, 3), (1,), (1, 2), (0,), (2, 0))
PAIRS: tuple[tuple[Shape, Shape], ...] = (
    *(((3,), (3,)), ((), ()), ((2, 3), (3,)), ((3,), (2, 3)), ((2, 1), (1, 3)), ((2, 2), (2, 1)), ((1, 2), (2, 2))),
    *(((), (3,)), ((3,), ()), ((1,), (1, 1)), ((0, 2), (2,)), ((1, 2), (0, 2)), ((2, 2), (2,))),
)
_DRAWN = 3


def samples_of(spec: OpSpec, family: Family, seed: int = 0) -> list[Sample]:
    """All smooth samples of an op for real or complex numbers; the same list in every process.

    >>> from pullback_conformance.specs import find
    >>> [s.id for s in samples_of(find("sin"), "real")][:3]
    ['s00:(3,)', 's01:()', 's02:(2, 3)']
    """
    rng = np.random.default_rng([zlib.crc32(f"{spec.op}/{family}".encode()), seed])
    found = [
        Sample(f"s{i:02}:{name}", args, kwargs, layout)
        for i, (name, args, kwargs, layout) in enumerate(_structures(spec, family, rng, seed))
    ]
    if not found:
        raise ValueError(f"{spec.op}: no samples for {family} numbers; give cases= or samples=")
    return found


def _structures(
    spec: OpSpec, family: Family, rng: np.random.Generator, seed: int
) -> Iterator[tuple[str, Any, Any, str]]:
    listed: list[tuple[str, Sequence[Any], dict[str, Any]]] = []
    if spec.cases:
        listed += [(_named(case.args, case.kwargs), case.args, case.kwargs) for case in spec.cases]
    elif spec.samples is None or spec.kind in ("elementwise", "reduction"):
        options = [dict(zip(spec.kwargs, values, strict=True)) for values in _product(list(spec.kwargs.values()))]
        for kwargs in options:
            listed += [(_named(shapes, kwargs), shapes, kwargs) for shapes in _shapes(spec, seed)]
    for name, args, kwargs in listed:
        yield name, _draw(spec, args, family, rng), kwargs, "C"
    if listed and spec.claims:
        name, args, kwargs = next((one for one in listed if _has_matrix(one[1])), listed[0])
        for layout in LAYOUTS if spec.kind in ("elementwise", "linear", "structural") else LAYOUTS[:3]:
            yield f"{layout}:{name}", _draw(spec, args, family, rng), kwargs, layout
    if spec.kind == "elementwise" and len(spec.args) == 2:
        for name, args in _with_numbers(spec, family, rng):
            yield name, args, {}, "C"
    if spec.samples is not None and family == "real":
        for extra in spec.samples(rng):
            if isinstance(extra, Sample):
                yield extra.id, extra.args, extra.kwargs, extra.layout
            else:
                name, args, *rest = extra
                yield name, args, (rest[0] if rest else {}), "C"


def _product(values: list[Sequence[Any]]) -> list[tuple[Any, ...]]:
    """The first value of every option, and every other value of one option while the others stay."""
    first = tuple(options[0] for options in values)
    others = [(*first[:i], value, *first[i + 1 :]) for i, options in enumerate(values) for value in options[1:]]
    return [first, *others]


def _named(args: Sequence[Any], kwargs: dict[str, Any]) -> str:
    shapes = [str(x if isinstance(x, tuple) else np.shape(x)) for x in args]
    return ",".join(
        [*shapes, *(f"{k}={np.asarray(v).tolist() if isinstance(v, np.ndarray) else v}" for k, v in kwargs.items())]
    )


def _has_matrix(args: Sequence[Any]) -> bool:
    shapes = [x for x in args if isinstance(x, tuple)]
    return bool(shapes) and all(len(shape) >= 2 and 0 not in shape for shape in shapes)


def _shapes(spec: OpSpec, seed: int) -> list[tuple[Shape, ...]]:
    count = len(spec.args)
    if count == 1:
        alone: list[tuple[Shape, ...]] = [(shape,) for shape in ALONE]
        return alone + [(shapes[0],) for shapes in _drawn(1, seed) if shapes[0] not in ALONE]
    if count == 2:
        return [*PAIRS, *(shapes for shapes in _drawn(2, seed) if shapes not in PAIRS)]
    return [(first, *((second,) * (count - 1))) for first, second in PAIRS] + _drawn(count, seed)


@lru_cache(maxsize=256)
def _drawn(count: int, seed: int) -> list[tuple[Shape, ...]]:
    """Shapes that broadcast together, from hypothesis."""
    found: list[tuple[Shape, ...]] = []

    @settings(
        derandomize=seed == 0,
        max_examples=25,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(mutually_broadcastable_shapes(num_shapes=count, max_dims=4, max_side=3, min_side=0))
    def collect(drawn: Any) -> None:
        shapes = tuple(drawn.input_shapes)
        if int(np.prod(drawn.result_shape, dtype=int)) <= 24 and len(drawn.result_shape) > 2:
            found.append(shapes)

    (hypothesis_seed(seed)(collect) if seed else collect)()
    return list(dict.fromkeys(found))[:_DRAWN]


def _draw(spec: OpSpec, args: Sequence[Any], family: Family, rng: np.random.Generator) -> tuple[Any, ...]:
    declared = [*spec.args, *([spec.args[-1]] * (len(args) - len(spec.args)))]
    return tuple(_value(arg, x, family, rng) for arg, x in zip(declared, args, strict=False))


def _value(arg: Arg, x: Any, family: Family, rng: np.random.Generator) -> Any:
    if not isinstance(x, tuple):
        return x
    drawn = arg.domain.draw(rng, x, "real" if arg.dtype != "floating" else family)
    return drawn.astype(bool) if arg.dtype == "bool" else drawn


def _with_numbers(spec: OpSpec, family: Family, rng: np.random.Generator) -> Iterable[tuple[str, tuple[Any, ...]]]:
    """A Python number on either side; integers on one side; one array twice where the domains agree."""
    first, second = spec.args
    if any(arg.dtype != "floating" for arg in spec.args):
        return
    x, y = (_value(arg, (3,), family, rng) for arg in spec.args)
    number = complex if family == "complex" else float
    yield "array,number", (x, number(_value(second, (), family, rng)))
    yield "number,array", (number(_value(first, (), family, rng)), y)
    if first.domain == second.domain:
        yield "one array twice", (x, Twice)


class Twice:
    """Stands for the argument before it: the same Tensor is given twice."""


def integers(spec: OpSpec) -> list[Sample]:
    """Calls with integers for one of two arguments: it must get no gradient, and the other one the right one."""
    if spec.kind != "elementwise" or len(spec.args) != 2 or not spec.claims:
        return []
    rng = np.random.default_rng(0)
    found = []
    for i in (0, 1):
        args = [arg.domain.draw(rng, (3,), "real") for arg in spec.args]
        if any(arg.dtype != "floating" for arg in spec.args):
            return []
        args[i] = np.asarray([3, 1, 2])
        found.append(Sample(f"integers:{i}", tuple(args), tag="integer"))
    return found


def kinks(spec: OpSpec) -> list[Sample]:
    """The points of the published table."""
    return [
        Sample(
            f"kink{i}:{_point(kink.at)}", tuple(np.asarray(x) for x in kink.at), kink.kwargs, tag="kink", expect=kink
        )
        for i, kink in enumerate(spec.kinks)
    ]


def specials(spec: OpSpec) -> list[Sample]:
    """Infinities, NaN, zeros of both signs, huge and tiny numbers, all in one array per argument."""
    if not spec.specials:
        return []
    dtype = complex if spec.families() == ("complex",) else None
    columns = tuple(np.asarray(column, dtype) for column in zip(*spec.specials, strict=True))
    return [Sample("specials", columns, tag="special")]


def refused(spec: OpSpec) -> list[Sample]:
    """Calls that must raise."""
    return [
        Sample(
            f"refused{i}",
            tuple(np.asarray(x) if not isinstance(x, str) else x for x in fails.args),
            fails.kwargs,
            tag="refused",
            expect=fails,
        )
        for i, fails in enumerate(spec.errors)
    ]


def _point(at: tuple[Any, ...]) -> str:
    return ",".join(str(np.asarray(x).tolist()) for x in at)


def every(spec: OpSpec, family: Family, seed: int = 0) -> list[Sample]:
    """All samples of an op: smooth ones, and for real numbers kinks, specials, integers and refusals."""
    found = samples_of(spec, family, seed) if spec.cases or spec.samples or spec.kind != "general" else []
    if family == "real":
        found = [*found, *kinks(spec), *integers(spec)]
    return [*found, *specials(spec), *refused(spec)] if family == spec.families()[0] else found
