"""Solve a partial differential equation by a network that is trained on nothing but the equation.

Burgers' equation u_t + u u_x = v u_xx on -1 <= x <= 1 with u(x, 0) = -sin(pi x) and u(-1, t) = u(1, t) = 0: a wave that
steepens (M. Raissi, P. Perdikaris and G. Karniadakis, 2019). Its u_t, u_x and u_xx are forward derivatives of the network,
the last one nested in itself; the loss is their residual, and its gradient by the weights goes back through all of them.
The exact solution is an integral (E. Hopf, 1950; J. D. Cole, 1951).
"""

import math

import numpy as np
import pullback as pb
from _support import draw_losses, expect, one_thread, parser, picture, track
from scipy.optimize import minimize

VISCOSITY = 0.05
WIDTH = 16
SHAPES = ((2, WIDTH), (WIDTH,), (WIDTH, WIDTH), (WIDTH,), (WIDTH,))
SIZES = [math.prod(shape) for shape in SHAPES]


def solution(parameters: pb.Tensor, x: pb.Tensor, t: pb.Tensor) -> pb.Tensor:
    """The network, put so that it has the values asked for at t = 0 and at both ends."""
    w1, b1, w2, b2, w3 = (
        parameters[end - size : end].reshape(shape)
        for end, size, shape in zip(np.cumsum(SIZES).tolist(), SIZES, SHAPES, strict=True)
    )
    hidden = pb.tanh(pb.stack((x, t), axis=-1) @ w1 + b1)
    hidden = pb.tanh(hidden @ w2 + b2)
    return t * (1 - x * x) * (hidden @ w3) - pb.sin(math.pi * x)


def residual(parameters: pb.Tensor, x: pb.Tensor, t: pb.Tensor) -> pb.Tensor:
    """u_t + u u_x - v u_xx at each point. A tangent of ones gives the derivatives at all points together."""
    ones = pb.ones_like(x)

    def slope(x: pb.Tensor) -> tuple[pb.Tensor, pb.Tensor]:
        u, u_x = pb.func.jvp(lambda x: solution(parameters, x, t), (x,), (ones,))
        return u_x, u

    u_x, u_xx, u = pb.func.jvp(slope, (x,), (ones,), has_aux=True)
    _, u_t = pb.func.jvp(lambda t: solution(parameters, x, t), (t,), (ones,))
    return u_t + u * u_x - VISCOSITY * u_xx


def exact(x: np.ndarray, t: float) -> np.ndarray:
    """The solution of Cole and Hopf, by the quadrature of Gauss and Hermite."""
    nodes, weights = np.polynomial.hermite.hermgauss(100)
    y = x[:, None] - math.sqrt(4 * VISCOSITY * t) * nodes
    share = weights * np.exp(-np.cos(math.pi * y) / (2 * math.pi * VISCOSITY))
    return -(np.sin(math.pi * y) * share).sum(1) / share.sum(1)


def main() -> None:
    """Run the example."""
    options = parser(__doc__, steps=500, plot=True).parse_args()
    device = pb.get_default_device()

    random = np.random.default_rng(0)
    start = random.standard_normal(sum(SIZES)) * np.repeat([0.7, 0, 0.25, 0, 0.25], SIZES)  # no biases yet
    columns, rows = np.meshgrid(np.linspace(-1, 1, 41), np.linspace(0, 1, 16))
    x, t = pb.tensor(columns.ravel(), device=device), pb.tensor(rows.ravel(), device=device)

    value_and_grad = pb.func.value_and_grad(lambda parameters: residual(parameters, x, t).square().mean())
    losses = []
    progress = track(options.steps)

    def objective(raw):
        value, gradient = value_and_grad(pb.tensor(raw, device=device))
        return value.item(), gradient.to("cpu").numpy()

    def after_each_step(intermediate_result):
        next(progress, None)
        losses.append(intermediate_result.fun)
        if len(losses) % 100 == 0:
            print(f"step {len(losses)}: mean square of the residual {losses[-1]:.2e}")

    with one_thread():
        found = minimize(
            objective,
            start,
            jac=True,
            method="L-BFGS-B",
            callback=after_each_step,
            options={"maxiter": options.steps, "maxfun": 2 * options.steps + 20, "maxcor": 50, "ftol": 0, "gtol": 0},
        )
    progress.close()

    points = np.linspace(-1, 1, 101)
    parameters = pb.tensor(found.x, device=device)
    new = pb.tensor(points, device=device)
    moments = (0.25, 0.5, 1.0)
    curves = [solution(parameters, new, pb.full_like(new, moment)).to("cpu").numpy() for moment in moments]
    errors = [np.abs(curve - exact(points, moment)).max() for curve, moment in zip(curves, moments, strict=True)]
    print(f"{len(losses)} steps, mean square of the residual {losses[0]:.2e} -> {losses[-1]:.2e}")
    for moment, error in zip(moments, errors, strict=True):
        print(f"largest error at t = {moment}: {error:.1e}")

    if options.plot:
        with picture(options.plot, 2) as (left, right):
            for moment, curve in zip(moments, curves, strict=True):
                left.plot(points, curve, label=f"t = {moment}")
                left.plot(points[::4], exact(points[::4], moment), "k.")
            left.plot([], [], "k.", label="exact")
            left.set(xlabel="x", ylabel="u")
            left.legend()
            draw_losses(right, losses)

    expect(losses[-1] < 0.6 * losses[0], "the residual falls")
    expect(options.steps < 500 or max(errors) < 1e-2, "the solution is that of Cole and Hopf to two digits")


if __name__ == "__main__":
    main()
