"""Regression with a Gaussian process: its parameters maximise the marginal likelihood, through `linalg.cholesky`.

The kernel is v exp(-d^2 / 2 l^2) with noise s^2 on the diagonal; the logarithms of v, l and s^2 are what is learnt. The
matrix is factored once per step, and the gradient goes back through the factor (C. E. Rasmussen and C. Williams, Gaussian
Processes for Machine Learning, 2006, algorithm 2.1). scikit-learn, with derivatives written by hand, must agree.
"""

import math

import numpy as np
import pullback as pb
from _support import draw_losses, expect, parser, picture, track
from scipy.optimize import minimize
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel


def kernel(logs: pb.Tensor, x: pb.Tensor, other: pb.Tensor) -> pb.Tensor:
    """The covariance of the function between points, without noise."""
    variance, length, _ = pb.exp(logs)
    distance = (x.unsqueeze(1) - other) / length
    return variance * pb.exp(-0.5 * distance**2)


def factor(logs: pb.Tensor, x: pb.Tensor) -> pb.Tensor:
    """The Cholesky factor of the covariance of measurements."""
    noise = pb.exp(logs[2])
    return pb.linalg.cholesky(kernel(logs, x, x) + noise * pb.eye(x.shape[0], dtype=x.dtype, device=x.device))


def loss(logs: pb.Tensor, x: pb.Tensor, y: pb.Tensor) -> pb.Tensor:
    """Minus the logarithm of the marginal likelihood."""
    lower = factor(logs, x)
    whitened = pb.linalg.solve(lower, y)
    half_determinant = pb.log(pb.linalg.diagonal(lower)).sum()
    return 0.5 * (whitened * whitened).sum() + half_determinant + 0.5 * len(y) * math.log(2 * math.pi)


def predict(logs: pb.Tensor, x: pb.Tensor, y: pb.Tensor, new: pb.Tensor) -> tuple[pb.Tensor, pb.Tensor]:
    """Mean and standard deviation of the function at new points, given the measurements."""
    lower = factor(logs, x)
    whitened = pb.linalg.solve(lower, y)
    across = pb.linalg.solve(lower, kernel(logs, x, new))
    variance = pb.exp(logs[0]) - (across * across).sum(0)
    return across.T @ whitened, pb.sqrt(variance)


def main() -> None:
    """Run the example."""
    options = parser(__doc__, steps=100, plot=True).parse_args()
    device = pb.get_default_device()

    random = np.random.default_rng(0)
    times = np.sort(random.uniform(0, 10, 50))
    times = times[(times < 5) | (times > 7)]  # nothing was measured here
    values = np.sin(times) + 0.3 * np.sin(4 * times) + 0.1 * random.standard_normal(times.size)
    x, y = pb.tensor(times, device=device), pb.tensor(values, device=device)

    value_and_grad = pb.func.value_and_grad(lambda logs: loss(logs, x, y))
    losses = []
    progress = track(options.steps)

    def objective(raw):
        value, gradient = value_and_grad(pb.tensor(raw, device=device))
        return value.item(), gradient.to("cpu").numpy()

    def after_each_step(intermediate_result):
        next(progress, None)
        losses.append(intermediate_result.fun)

    found = minimize(
        objective,
        np.zeros(3),
        jac=True,
        method="L-BFGS-B",
        callback=after_each_step,
        options={"maxiter": options.steps, "ftol": 1e-14, "gtol": 1e-6},
    )
    progress.close()
    variance, length, noise = np.exp(found.x)
    print(f"marginal likelihood: {-objective(np.zeros(3))[0]:.4f} -> {-found.fun:.4f}")
    print(f"variance {variance:.4f}, length {length:.4f}, noise {math.sqrt(noise):.4f} (the data have 0.1)")

    new = np.linspace(-1, 12, 131)
    mean, deviation = predict(pb.tensor(found.x, device=device), x, y, pb.tensor(new, device=device))
    mean, deviation = mean.to("cpu").numpy(), deviation.to("cpu").numpy()
    truth = np.sin(new) + 0.3 * np.sin(4 * new)
    inside = new[(new > 0) & (new < 10)].size
    held = (np.abs(mean - truth) < 2 * deviation)[(new > 0) & (new < 10)].sum() / inside
    print(f"share of the curve that the band of two deviations holds: {held:.2f}")

    model = ConstantKernel(1.0) * RBF(1.0) + WhiteKernel(1.0)
    theirs = GaussianProcessRegressor(model).fit(times[:, None], values)
    likelihood = theirs.log_marginal_likelihood_value_
    print(f"marginal likelihood of scikit-learn: {likelihood:.4f}")
    same = GaussianProcessRegressor(ConstantKernel(variance) * RBF(length) + WhiteKernel(noise), optimizer=None)
    their_mean, their_deviation = same.fit(times[:, None], values).predict(new[:, None], return_std=True)
    difference = np.abs(mean - their_mean).max()
    wider = np.abs(np.sqrt(deviation**2 + noise) - their_deviation).max()  # theirs is that of a measurement
    print(f"largest difference to its mean: {difference:.0e}")
    print(f"largest difference to its deviation: {wider:.0e}")

    if options.plot:
        with picture(options.plot, 2) as (left, right):
            for width, shade in ((2, 0.2), (1, 0.3)):
                left.fill_between(
                    new, mean - width * deviation, mean + width * deviation, color="C0", alpha=shade, lw=0
                )
            left.plot(new, mean, color="C0", label="mean, one and two deviations")
            left.plot(new, truth, "k:", label="truth")
            left.plot(times, values, "k.", label="measured")
            left.set(xlabel="x", ylim=(-3.2, 2.2))
            left.legend(loc="lower left")
            draw_losses(right, [value - found.fun for value in losses[:-1]])
            right.set(ylabel="log likelihood below its maximum")

    expect(abs(likelihood + found.fun) < 1e-4, "the likelihood is the one that scikit-learn finds")
    expect(max(difference, wider) < 1e-6, "scikit-learn predicts the same with these parameters")
    expect(abs(math.sqrt(noise) - 0.1) < 0.03, "the noise is found")
    expect(held > 0.9, "the band holds the curve")


if __name__ == "__main__":
    main()
