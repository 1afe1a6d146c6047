"""Hand SciPy's minimisers exact derivatives: `jac` from `func.value_and_grad`, `hessp` from `func.hvp`, `hess`.

Two functions that minimisers are measured by. Rosenbrock's valley in many variables: finite differences need one more
value per variable for every gradient. And NIST's MGH17 (M. R. Osborne, 1972), a sum of two decays fitted to 33
measurements: half of the digits are lost to finite differences, and they stop short of the certified answer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pullback as pb
from _support import expect, parser, picture
from scipy.optimize import minimize

MEASURED = (
    *(0.844, 0.908, 0.932, 0.936, 0.925, 0.908, 0.881, 0.850, 0.818, 0.784, 0.751, 0.718, 0.685, 0.658, 0.628, 0.603, 0.580),
    *(0.558, 0.538, 0.522, 0.506, 0.490, 0.478, 0.467, 0.457, 0.448, 0.438, 0.431, 0.424, 0.420, 0.414, 0.411, 0.406),
)  # fmt: skip
"""At the times 0, 10, ..., 320: https://www.itl.nist.gov/div898/strd/nls/data/mgh17.shtml (here the unit is 100)"""
CERTIFIED = np.asarray([3.7541005211e-01, 1.9358469127e00, -1.4646871366e00, 1.2867534640, 2.2122699662])


class Problem(NamedTuple):
    """A function of one Tensor, where to begin, and where its least value is."""

    name: str
    function: Callable[[pb.Tensor], pb.Tensor]
    start: np.ndarray
    answer: np.ndarray


def rosenbrock(variables: int) -> Problem:
    """The sum of 100 (x[i+1] - x[i]^2)^2 + (1 - x[i])^2."""

    def function(x: pb.Tensor) -> pb.Tensor:
        return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()

    return Problem(f"Rosenbrock's valley, {variables} variables", function, np.zeros(variables), np.ones(variables))


def decays(device: pb.Device) -> Problem:
    """The sum of squares of b1 + b2 exp(-t b4) + b3 exp(-t b5) - y."""
    times = pb.arange(33, dtype=pb.float64, device=device) / 10
    measured = pb.tensor(MEASURED, dtype=pb.float64, device=device)

    def function(b: pb.Tensor) -> pb.Tensor:
        residual = b[0] + b[1] * pb.exp(-times * b[3]) + b[2] * pb.exp(-times * b[4]) - measured
        return (residual * residual).sum()

    return Problem("two decays, 5 parameters", function, np.asarray([0.5, 1.5, -1.0, 1.0, 2.0]), CERTIFIED)


class Counted:
    """A problem as SciPy asks for it, NumPy arrays in and out, and how often it asked."""

    def __init__(self, function: Callable[[pb.Tensor], pb.Tensor], device: pb.Device) -> None:
        self.function, self.device = function, device
        self.gradient = pb.func.value_and_grad(function)
        self.values = self.gradients = self.products = 0
        self.course: list[float] = []

    def value(self, x: np.ndarray) -> float:
        """The function."""
        self.values += 1
        return self._seen(self.function(self._tensor(x)).item())

    def value_and_gradient(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        """The function and its gradient, of one pass."""
        self.gradients += 1
        value, gradient = self.gradient(self._tensor(x))
        return self._seen(value.item()), self._array(gradient)

    def product(self, x: np.ndarray, direction: np.ndarray) -> np.ndarray:
        """The second derivatives times a direction; no matrix is made."""
        self.products += 1
        return self._array(pb.func.hvp(self.function, (self._tensor(x),), (self._tensor(direction),)))

    def matrix(self, x: np.ndarray) -> np.ndarray:
        """All second derivatives: as many products as there are variables, as one batch."""
        self.products += x.size
        return self._array(pb.func.hessian(self.function)(self._tensor(x)))

    def _seen(self, value: float) -> float:
        self.course.append(min(value, self.course[-1]) if self.course else value)
        return value

    def _tensor(self, x: np.ndarray) -> pb.Tensor:
        return pb.asarray(x, device=self.device, copy=True)

    def _array(self, x: pb.Tensor) -> np.ndarray:
        return x.to("cpu").numpy()


def solve(problem: Problem, method: str, derivatives: str, device: pb.Device) -> tuple[Counted, float]:
    """Minimise with a method and these derivatives; returns what it took, and the largest relative error."""
    counted = Counted(problem.function, device)
    exact = {
        "differences": {"fun": counted.value},
        "jac": {"fun": counted.value_and_gradient, "jac": True},
        "jac, hessp": {"fun": counted.value_and_gradient, "jac": True, "hessp": counted.product},
        "jac, hess": {"fun": counted.value_and_gradient, "jac": True, "hess": counted.matrix},
    }[derivatives]
    options = {"maxiter": 20 * problem.start.size + 200}
    found = minimize(x0=problem.start, method=method, tol=1e-10, options=options, **exact)
    error = np.abs(found.x / problem.answer - 1).max()
    print(
        f"  {method:11} {derivatives:12} {counted.values:7} {counted.gradients:10} {counted.products:9} "
        f"{found.fun:13.6e} {error:9.0e}"
    )
    return counted, error


def compare(problem: Problem, device: pb.Device, second: tuple[str, str]) -> dict[str, tuple[Counted, float]]:
    """Minimise three times: with differences, with `jac`, and with second derivatives."""
    print(f"{problem.name}\n  method      derivatives   values  gradients  products         least     error")
    ways = (("BFGS", "differences"), ("BFGS", "jac"), second)
    return {derivatives: solve(problem, method, derivatives, device) for method, derivatives in ways}


def main() -> None:
    """Run the example."""
    options = parser(__doc__, plot=True)
    options.add_argument("--variables", type=int, default=50, metavar="N", help="of Rosenbrock's valley (default: 50)")
    options = options.parse_args()
    device = pb.get_default_device()

    valley = compare(rosenbrock(options.variables), device, ("trust-ncg", "jac, hessp"))
    fit = compare(decays(device), device, ("trust-exact", "jac, hess"))
    if options.plot:
        with picture(options.plot, 2) as panels:
            for axes, name, found in zip(panels, ("valley", "two decays"), (valley, fit), strict=True):
                for derivatives, (counted, _) in found.items():
                    axes.plot(counted.course, label=derivatives)
                axes.set(xlabel="values and gradients taken", ylabel=f"{name}: least value so far")
                axes.set(xscale="log", yscale="log")
                axes.legend()

    evaluated = valley["differences"][0].values / valley["jac"][0].gradients
    print(f"for each gradient in the valley, differences took {evaluated:.0f} values")
    expect(evaluated > options.variables, "differences take one value more per variable")
    expect(valley["differences"][1] < 1e-3, "every method finds the end of the valley")
    expect(max(valley["jac"][1], valley["jac, hessp"][1]) < 1e-9, "exact derivatives find it to nine digits")
    expect(fit["jac"][1] < 1e-6, "the gradient finds six digits of NIST's parameters")
    expect(fit["jac, hess"][1] < 1e-7, "second derivatives find seven digits of NIST's parameters")
    expect(fit["differences"][1] > 100 * fit["jac"][1], "differences stop sooner")


if __name__ == "__main__":
    main()
