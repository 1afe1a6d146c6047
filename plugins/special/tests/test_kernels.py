"""Who computes: SciPy for NumPy, cupyx for CuPy, SciPy on the host for others, and nobody across a bus."""

from __future__ import annotations

import subprocess
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import array_api_strict
import numpy as np
import pullback as pb
import pullback_special
import pytest
import scipy.special
from helpers.checks import host
from pullback_special import kernels


class CuPyArray:
    """A stand-in for an array of CuPy: it is known by its module, and knows no way to the host."""

    __module__ = "cupy"

    def __init__(self, values: Any) -> None:
        self.values = np.asarray(values)
        self.dtype = self.values.dtype

    def __array__(self, *args: Any, **options: Any) -> Any:
        raise TypeError("implicit conversion to a NumPy array is not allowed")


@pytest.fixture
def cupyx(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = ModuleType("cupyx.scipy.special")
    monkeypatch.setitem(sys.modules, "cupyx", ModuleType("cupyx"))
    monkeypatch.setitem(sys.modules, "cupyx.scipy", ModuleType("cupyx.scipy"))
    monkeypatch.setitem(sys.modules, "cupyx.scipy.special", module)
    monkeypatch.setattr(kernels, "_of_library", kernels._of_library.__wrapped__)
    return module


def test_cupy_arrays_are_computed_by_cupyx(cupyx: ModuleType) -> None:
    cupyx.erf = lambda x: CuPyArray(x.values + 100)
    out = kernels.library("erf")(None, CuPyArray([1.0, 2.0]))
    assert type(out) is CuPyArray
    assert out.values.tolist() == [101.0, 102.0]


def test_what_cupyx_does_not_have_is_said(cupyx: ModuleType) -> None:
    with pytest.raises(kernels.NoKernelError, match=r"jv: cupyx\.scipy\.special has no such function.*\.to\('cpu'\)"):
        kernels.library("jv")(None, 1.0, CuPyArray([1.0]))


def test_nothing_is_moved_from_an_accelerator_silently() -> None:
    class Remote:
        dtype = np.dtype("float64")

        def __dlpack_device__(self) -> tuple[int, int]:
            return (2, 0)

    with pytest.raises(kernels.NoKernelError, match=r"erf: .*nothing is moved silently.*\.to\('cpu'\)"):
        kernels.library("erf")(np, Remote())


def test_other_libraries_get_arrays_of_their_own_on_their_device() -> None:
    device = array_api_strict.Device("device1")
    x = array_api_strict.asarray([0.5, 1.0], device=device, dtype=array_api_strict.float32)
    out = kernels.library("polygamma")(array_api_strict, 1.0, x)
    assert out.device == device
    assert out.dtype == array_api_strict.float32
    np.testing.assert_allclose(np.from_dlpack(out), scipy.special.polygamma(1, [0.5, 1.0]), rtol=1e-6)


@pytest.mark.parametrize("order", ["C", "F", "strided", "read-only", "0-d", "empty"])
def test_arrays_in_every_layout(order: str) -> None:
    base = np.asarray(np.linspace(0.1, 0.9, 12).reshape(3, 4), order="F" if order == "F" else "C")
    raw = {"strided": base[::2, ::-2], "0-d": base[1, 1].reshape(()), "empty": base[:0]}.get(order, base)
    if order == "read-only":
        raw = np.broadcast_to(base, (2, 3, 4))
    x = pb.from_numpy(raw.copy() if order == "read-only" else raw).requires_grad_()
    out = pullback_special.ndtri(pb.broadcast_to(x, raw.shape))
    np.testing.assert_array_equal(host(out), scipy.special.ndtri(raw))
    out.sum().backward()
    np.testing.assert_allclose(host(x.grad), np.sqrt(2 * np.pi) * np.exp(host(out) ** 2 / 2), rtol=1e-13)
    assert x.grad.shape == raw.shape


def test_shapes_broadcast_and_their_gradients_are_summed(device: str) -> None:
    a = pb.asarray(np.asarray([[0.5], [2.0]])).to(device).requires_grad_()
    b = pb.asarray(np.asarray([1.0, 3.0, 4.5])).to(device).requires_grad_()
    out = pullback_special.betaln(a, b)
    assert out.shape == (2, 3)
    out.sum().backward()
    p, q = np.broadcast_arrays(host(a), host(b))
    psi = scipy.special.psi
    np.testing.assert_allclose(host(a.grad), (psi(p) - psi(p + q)).sum(axis=1, keepdims=True), rtol=1e-13)
    np.testing.assert_allclose(host(b.grad), (psi(q) - psi(p + q)).sum(axis=0), rtol=1e-13)
    with pytest.raises(pb.errors.ShapeError, match="betaln"):
        pullback_special.betaln(a, pb.ones((4, 5), device=device))


def test_integers_become_numbers_of_the_default_dtype(device: str) -> None:
    out = pullback_special.gamma(pb.asarray([1, 2, 5], device=device))
    assert out.dtype is pb.get_default_dtype()
    assert out.tolist() == [1.0, 1.0, 24.0]
    assert pullback_special.polygamma(pb.asarray(1), pb.tensor(2.0, dtype=pb.float64)).dtype is pb.float64


@pytest.mark.parametrize("name", ["bdtr", "bdtrc", "bdtri"])
def test_whole_numbers_are_handed_to_scipy_as_integers(name: str, device: str) -> None:
    """SciPy warns of a number of trials that is a float, and a warning is an error here."""
    p = pb.asarray(np.asarray([0.3, 0.6])).to(device)
    found = getattr(pullback_special, name)(2.0, 5.0, p)
    np.testing.assert_array_equal(host(found), getattr(scipy.special, name)(2.0, 5, host(p)))


def test_importing_the_package_imports_no_library() -> None:
    program = "import sys, pullback_special; assert not {'numpy', 'scipy', 'cupy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_a_refusal_names_function_and_argument() -> None:
    rule = kernels.refuse("f", "a", "because")
    with pytest.raises(pb.errors.NoDerivativeError, match=r"^f: .* 'a': because\. .*\.detach\(\)"):
        rule(SimpleNamespace(), None)
