"""Tensors print as PyTorch prints them: `printed.txt` is what it printed."""

from __future__ import annotations

import doctest
import math
import re
from pathlib import Path

import numpy as np
import pullback as pb
import pytest
from hypothesis import given
from hypothesis import strategies as st

EXAMPLES = doctest.DocTestParser().get_examples(Path(__file__).with_name("printed.txt").read_text(encoding="utf-8"))
NAMES = {"pb": pb, "inf": math.inf, "nan": math.nan}


def printed(source: str) -> str:
    return repr(eval(source, dict(NAMES)))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.source.strip()[:60])
def test_as_pytorch(example: doctest.Example, device: str) -> None:
    if device != "cpu" and "float16" in example.source:
        with pytest.raises(pb.errors.DTypeError, match="has no dtype float16"):
            printed(example.source)
        return
    assert printed(example.source) + "\n" == re.sub("<BLANKLINE>", "", example.want)


def test_the_table_covers_every_dtype_and_form() -> None:
    text = "".join(example.source + example.want for example in EXAMPLES)
    for form in ("nan", "inf", "e+", "e-", " ...", "...,\n", "size=(", "requires_grad=True", "grad_fn=<MulBackward0>"):
        assert form in text
    assert len(EXAMPLES) > 150
    for kind in ("bool", "int64", "int32", "uint8", "float16", "float64", "complex64", "complex128"):
        assert f"pb.{kind}" in text


# --- suffixes ---------------------------------------------------------------------------------------------------------


def test_a_device_is_shown_unless_it_is_the_default_or_the_host() -> None:
    x = pb.ones(2, device="strict:device1")
    assert repr(x) == "tensor([1., 1.], device='strict:device1')"
    assert repr(x.to("strict")) == "tensor([1., 1.], device='strict')"
    with pb.device("strict:device1"):
        assert repr(x) == "tensor([1., 1.])"
        assert repr(x.to("strict")) == "tensor([1., 1.], device='strict')"
        assert repr(pb.ones(2, device="cpu")) == "tensor([1., 1.])"


def test_the_order_of_the_suffixes() -> None:
    x = pb.zeros(0, 2, dtype=pb.float64, device="strict", requires_grad=True)
    assert repr(x) == ("tensor([], device='strict', size=(0, 2), dtype=pullback.float64,\n       requires_grad=True)")
    assert repr(x * 2).endswith("dtype=pullback.float64,\n       grad_fn=<MulBackward0>)")


def test_the_default_dtype_is_not_shown() -> None:
    x, y = pb.ones(1, dtype=pb.float64), pb.ones(1)
    z = pb.ones(1, dtype=pb.complex128)
    before = pb.get_default_dtype()
    pb.set_default_dtype(pb.float64)
    try:
        assert repr(x) == "tensor([1.])"
        assert repr(y) == "tensor([1.], dtype=pullback.float32)"
        assert repr(z) == "tensor([1.+0.j])"
    finally:
        pb.set_default_dtype(before)


def test_a_function_is_named_after_its_class() -> None:
    class Square(pb.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * x

        @staticmethod
        def backward(ctx, ct):
            return ct

    y = Square.apply(pb.ones(1, requires_grad=True))
    assert repr(y) == "tensor([1.], grad_fn=<SquareBackward>)"


def test_a_broken_default_device_does_not_stop_printing(monkeypatch: pytest.MonkeyPatch) -> None:
    x = pb.ones(1, device="strict")
    monkeypatch.setenv("PULLBACK_DEVICE", "abacus")
    assert repr(x) == "tensor([1.], device='strict')"


# --- what printing must not do -----------------------------------------------------------------------------------------


def test_printing_a_large_array_brings_only_its_edges_to_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    x = pb.ones(100, 100, device="strict")
    backend = x.device.backend
    seen = []
    tolist = type(backend).tolist
    monkeypatch.setattr(type(backend), "tolist", lambda self, array: seen.append(array.size) or tolist(self, array))
    assert repr(x).count("...") == 7
    assert sum(seen) == 36


def test_printing_records_nothing(device: str) -> None:
    x = pb.arange(2000.0).requires_grad_()
    y = x * 2
    repr(x), repr(y), str(y), f"{y}"
    (grad,) = pb.autograd.grad(y.sum(), x)
    assert float(grad.sum()) == 4000.0


def test_a_tensor_that_stands_for_others_does_not_print_values() -> None:
    seen = []
    pb.func.vmap(lambda x: (seen.append(repr(x)), x)[1])(pb.ones(3, 2))
    (text,) = seen
    assert "1." not in text
    assert "shape=(2,)" in text


# --- str and format ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "spec", "expected"),
    [(1.5, ".2f", "1.50"), (1.5, "", "1.5"), (3, "05d", "00003"), (True, "", "True"), (1 + 2j, ".1f", "1.0+2.0j")],
)
def test_a_scalar_formats_as_its_value(value: complex, spec: str, expected: str, device: str) -> None:
    x = pb.tensor(value)
    assert f"{x:{spec}}" == expected
    if x.dtype.differentiable:
        assert f"{x.requires_grad_() * 1:{spec}}" == expected


def test_an_array_has_no_number_format() -> None:
    with pytest.raises(TypeError, match="unsupported format string"):
        f"{pb.ones(2):.2f}"


# --- properties --------------------------------------------------------------------------------------------------------

FLOATS = st.one_of(
    st.floats(width=32),
    st.floats(-1000, 1000, width=32),
    st.integers(-1000, 1000).map(float),
)


@given(st.lists(FLOATS, min_size=1, max_size=30))
def test_the_text_reads_back_to_the_values(values: list[float]) -> None:
    text = repr(pb.tensor(values))
    read = eval(text.removeprefix("tensor(").removesuffix(")"), dict(NAMES))
    scientific = re.search(r"\de[+-]", text)
    finite = [abs(v) for v in values if math.isfinite(v)]
    for value, back in zip(np.float32(values).tolist(), read, strict=True):
        if math.isfinite(value):
            assert abs(back - value) <= (6e-5 * abs(value) if scientific else 6e-5)
        else:
            assert str(back) == str(value)
    assert max(map(len, text.splitlines())) <= 80
    if scientific:
        low = min(v for v in finite if v)
        assert max(finite) > 1e8 or low < 1.0001e-4 or max(finite) / low > 999.9


@given(st.lists(st.integers(-(2**31), 2**31), min_size=1, max_size=40))
def test_integers_are_aligned(values: list[int]) -> None:
    text = repr(pb.tensor(values))
    assert eval(text.removeprefix("tensor(").removesuffix(")")) == values
    columns = [[m.end() for m in re.finditer(r"-?\d+", line)] for line in text.splitlines()]
    assert all(line == columns[0][: len(line)] for line in columns)
