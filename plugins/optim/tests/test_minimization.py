"""`minimize`: SciPy's methods get the gradients and Hessians that pullback computes, and give Tensors back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pullback as pb
import pullback_optim as optim
import pytest
from helpers.checks import host
from pullback.errors import ArgumentError, DTypeError, ShapeError
from scipy import optimize

METHODS = [
    None,
    "BFGS",
    "L-BFGS-B",
    "CG",
    "TNC",
    "SLSQP",
    "Newton-CG",
    "trust-ncg",
    "trust-krylov",
    "trust-exact",
]
METHODS += ["trust-constr", "Nelder-Mead"]


def rosenbrock(params: Any) -> Any:
    x, y = params["x"], params["rest"][0]
    return ((1 - x) ** 2 + 100 * (y - x**2) ** 2).sum() + 0 * y.sum() ** 2


def start(device: str = "cpu") -> dict[str, Any]:
    return {
        "x": pb.tensor([0.8, 1.2], dtype=pb.float64, device=device),
        "rest": (pb.tensor([0.9, 1.1], dtype=pb.float64, device=device),),
    }


@pytest.mark.parametrize("method", METHODS)
def test_every_method_finds_the_minimum(method: str | None) -> None:
    options = {"maxiter": 500} if method == "trust-constr" else {}
    begin = start()
    found = optim.minimize(rosenbrock, begin, method=method, options=options)
    assert list(found.x) == ["x", "rest"]
    assert type(found.x["rest"]) is tuple
    np.testing.assert_allclose(host(found.x["x"]), [1.0, 1.0], atol=2e-3)
    np.testing.assert_allclose(host(found.x["rest"][0]), [1.0, 1.0], atol=4e-3)
    assert begin["x"].tolist() == [0.8, 1.2]


def test_a_method_for_convex_functions() -> None:
    found = optim.minimize(lambda x: pb.exp(x - 1).sum() - x.sum(), pb.tensor([0.5, 2.0], dtype=pb.float64), "dogleg")
    np.testing.assert_allclose(host(found.x), [1.0, 1.0], rtol=1e-4)


def test_scipy_is_given_the_derivatives(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}

    def spy(fun: Any, x0: Any, **options: Any) -> Any:
        seen.update(options, value=fun(x0), x0=x0)
        return optimize.OptimizeResult(x=x0 + 1)

    monkeypatch.setattr(optimize, "minimize", spy)
    scale = pb.tensor([[2.0, 1.0], [1.0, 3.0]], dtype=pb.float64)

    def quadratic(x: Any) -> Any:
        return (x @ scale @ x) / 2 + x[0]

    x = pb.tensor([1.0, -2.0], dtype=pb.float64)
    found = optim.minimize(quadratic, x, method="trust-exact", tol=0.5)
    assert seen["value"][0] == 6.0
    np.testing.assert_allclose(seen["value"][1], [1.0, -5.0])
    np.testing.assert_allclose(seen["hess"](seen["x0"]), host(scale))
    assert (seen["tol"], seen["jac"]) == (0.5, True)
    assert found.x.tolist() == [2.0, -1.0]
    optim.minimize(quadratic, x, method="Newton-CG")
    np.testing.assert_allclose(seen["hessp"](seen["x0"], np.array([1.0, 1.0])), [3.0, 4.0])


def test_bounds_and_devices_and_dtypes(device: str) -> None:
    params = [pb.tensor([3.0], dtype=pb.float32), pb.tensor(2.0, dtype=pb.float64, device="cpu")]
    found = optim.minimize(
        lambda p: ((p[0] - 1) ** 2).sum().to("cpu", pb.float64) + (p[1] + 1) ** 2,
        params,
        bounds=[(None, None), (0, None)],
    )
    assert found.x[0].dtype is pb.float32
    assert str(found.x[0].device) == device
    assert host(found.x[0])[0] == pytest.approx(1.0, abs=1e-3)
    assert found.x[1].item() == 0.0


def test_what_cannot_be_minimised_is_refused() -> None:
    x = pb.ones(2)
    with pytest.raises(ArgumentError, match="minimize: jac comes from pullback"):
        optim.minimize(lambda x: x.sum(), x, jac=True)
    with pytest.raises(ArgumentError, match="params are Tensors in tuples, lists and dicts, got float"):
        optim.minimize(lambda x: x, [1.0])
    with pytest.raises(DTypeError, match="real floating Tensors are needed, got complex64"):
        optim.minimize(lambda x: x, x * 1j)
    with pytest.raises(ShapeError, match=r"must return one number as a Tensor, got a Tensor of shape \(2,\)"):
        optim.minimize(lambda x: x, x)
    with pytest.raises(ShapeError, match="got float"):
        optim.minimize(lambda x: 1.0, x)
