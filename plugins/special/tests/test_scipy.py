"""SciPy's own functions on Tensors: all that it dispatches comes here, and no gradient is lost on the way."""

from __future__ import annotations

import numpy as np
import pullback as pb
import pullback_special
import pytest
import scipy.special
import scipy.stats
from helpers.checks import host
from pullback_special.conformance.table import ROWS
from scipy.special import _support_alternative_backends as dispatch

DISPATCHED = sorted(function.name for function in dispatch._special_funcs)


def tensors(name: str, device: str) -> tuple[list, list[int]]:
    row = ROWS["digamma" if name == "psi" else name]
    floats = [pb.asarray(np.asarray(column)).to(device) for column in zip(*row.points, strict=True)]
    return floats, list(range(len(floats)))


def test_all_that_scipy_dispatches_is_here() -> None:
    assert len(DISPATCHED) >= 90
    assert {"erf", "betainc", "chdtrc", "stdtr", "xlogy"} <= set(DISPATCHED)
    namespace = pb.ones(2).__array_namespace__()
    assert [name for name in DISPATCHED if not hasattr(namespace.special, name)] == []


@pytest.mark.parametrize("name", DISPATCHED)
def test_scipys_function_is_ours(name: str, device: str) -> None:
    arguments, places = tensors(name, device)
    extra = [3] if name == "multigammaln" else []
    for i in places:
        arguments[i].requires_grad_()
    found = getattr(scipy.special, name)(*arguments, *extra)
    expected = getattr(pullback_special, name)(*(x.detach() for x in arguments), *extra)
    assert isinstance(found, pb.Tensor)
    assert found.requires_grad
    np.testing.assert_array_equal(host(found), host(expected))


@pytest.mark.parametrize("name", [name for name in DISPATCHED if name != "psi" and len(ROWS[name].names) > 1])
def test_python_numbers_beside_tensors(name: str) -> None:
    arguments, places = tensors(name, "cpu")
    for i in places:
        mixed = [float(x[0]) for x in arguments]
        mixed[i] = arguments[i][:1]
        found = getattr(scipy.special, name)(*mixed)
        np.testing.assert_allclose(host(found), host(getattr(pullback_special, name)(*arguments))[:1], rtol=1e-15)


def test_the_p_value_of_a_test_moves_with_the_data() -> None:
    x = pb.asarray(np.asarray([0.1, 0.4, -0.2, 0.9, 0.5])).requires_grad_()
    result = scipy.stats.ttest_1samp(x, 0.0)
    result.pvalue.backward()
    raw = host(x)
    step = 1e-6
    for i in range(5):
        shifted = [scipy.stats.ttest_1samp(raw + s * step * np.eye(5)[i], 0.0).pvalue for s in (1, -1)]
        assert float(x.grad[i]) == pytest.approx((shifted[0] - shifted[1]) / (2 * step), rel=1e-7)


def test_the_functions_are_ops_of_the_plugin() -> None:
    assert pb.ops.special.erf is pullback_special.erf
    assert pb.ops.special.psi is pullback_special.digamma
    assert {"erf", "logsumexp", "zeta"} <= set(dir(pb.ops.special))
    assert pb.tensor(1.0, requires_grad=True).__array_namespace__().special.erf is pullback_special.erf
    names = [function.primitive.name for function in vars(pullback_special).values() if hasattr(function, "primitive")]
    assert len(names) > 90
    assert all(name.startswith("special::") for name in names)
    x = pb.tensor(1.0, requires_grad=True)
    assert repr(pullback_special.gammaln(x).grad_fn).startswith("<GammalnBackward0")
