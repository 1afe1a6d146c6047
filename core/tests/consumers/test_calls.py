"""Unmodified SciPy, scikit-learn, array-api-extra, einops, opt_einsum, autoray and xarray on Tensors."""

from __future__ import annotations

import os
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pullback as pb
import pytest
import scipy.special
from helpers.consumers import INSTALLED, WORKS, Call

from consumers import TABLES

CALLS = [call for table in TABLES for call in table.calls]


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.text)
def test_call(call: Call) -> None:
    call.check()


@pytest.mark.parametrize("call", [call for call in CALLS if call.raises is None], ids=lambda call: call.text)
def test_call_on_a_backend_with_the_standard_only(call: Call) -> None:
    call.check("strict")


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.library)
def test_no_call_stands_twice(table) -> None:
    texts = [call.text for call in table.calls]
    assert sorted(set(texts)) == sorted(texts)


def test_many_calls_are_differentiated() -> None:
    assert sum(call.outcome == WORKS for call in CALLS) >= 150


def test_scipy_finds_special_functions_through_the_door(monkeypatch: pytest.MonkeyPatch) -> None:
    offered = SimpleNamespace(expit=lambda x: 1 / (1 + pb.exp(-x)))
    monkeypatch.setattr("pullback.namespace.special", lambda: offered)
    x = pb.asarray(np.asarray([0.0, 1.0])).requires_grad_()
    scipy.special.expit(x).sum().backward()
    s = scipy.special.expit(1.0)
    np.testing.assert_allclose(x.grad.numpy(), [0.25, s * (1 - s)], rtol=1e-14)


def test_without_a_plugin_the_call_says_what_to_install() -> None:
    program = """
import pullback as pb, scipy.special
try:
    scipy.special.erf(pb.tensor(1.0, requires_grad=True))
except pb.errors.AutogradError as error:
    assert "pullback-special" in str(error), error
else:
    raise AssertionError("the gradient was lost")
"""
    environment = os.environ | {"PULLBACK_BLOCK_PLUGINS": "pullback-special" if INSTALLED else ""}
    run = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        (int, pb.int64),
        (bool, pb.bool),
        (np.float32, pb.float32),
        (np.dtype("float64"), pb.float64),
        (np.dtype("int16"), pb.int16),
        ("complex128", pb.complex128),
    ],
)
def test_dtypes_of_python_and_numpy_are_understood(dtype, expected: pb.DType) -> None:
    xp = pb.asarray(np.ones(2)).__array_namespace__()
    assert xp.astype(xp.ones(2), dtype).dtype is expected
    assert xp.zeros(2, dtype=dtype).dtype is expected
    assert xp.isdtype(dtype, expected)
    assert xp.result_type(expected, dtype) is expected


@pytest.mark.parametrize(("dtype", "kind"), [(float, "real floating"), (complex, "complex floating")])
def test_the_kinds_of_python_numbers_are_understood(dtype: type, kind: str) -> None:
    xp = pb.asarray(np.ones(2)).__array_namespace__()
    assert xp.zeros(2, dtype=dtype).dtype.kind == kind
    assert xp.isdtype(dtype, kind)


def test_numpy_understands_our_dtypes() -> None:
    assert np.dtype(pb.float32) == np.float32
    assert np.issubdtype(pb.int16, np.integer)


def test_numpy_reduces_tensors_by_their_methods() -> None:
    raw = np.arange(6.0).reshape(2, 3)
    x = pb.asarray(raw).requires_grad_()
    for function in (np.sum, np.mean, np.var, np.std):
        found = function(x, axis=0)
        assert found.requires_grad
        np.testing.assert_allclose(found.detach().numpy(), function(raw, axis=0))
        with pytest.raises(TypeError, match="out"):
            function(x, axis=0, out=np.zeros(3))


def test_parts_of_real_numbers_exist_for_those_who_look(device: str) -> None:  # `isinstance(x, Protocol)` looks
    x = pb.asarray([1.0, float("inf")])
    assert x.real is x
    assert x.imag.tolist() == [0.0, 0.0]
