"""Learn the equation of motion of a pendulum from its measured positions: a network inside a solver of Runge and Kutta.

The network says how angle and speed change; from where each swing began it is integrated over 4 seconds, and the gradient
goes back through every step (R. T. Q. Chen and others, Neural Ordinary Differential Equations, 2018). Each step would keep
what it computed until then. `checkpoint` keeps only where an interval between two measurements began, and runs the interval
again when the reverse pass reaches it: the same gradient, in a part of the memory, for one more forward pass.
"""

import gc
import math
import time
import tracemalloc

import numpy as np
import pullback as pb
from _support import draw_losses, expect, one_thread, parser, picture, track
from pullback.utils.checkpoint import checkpoint
from scipy.integrate import solve_ivp
from scipy.optimize import minimize

FRICTION = 0.2
NOISE = 0.01
SWINGS, INTERVALS, LENGTH, STEPS = 100, 10, 0.4, 2
"""How many swings were measured, how often, every how many seconds; and the steps of the solver in between."""
SHAPES = ((2, 32), (32,), (32, 2), (2,))
SIZES = [math.prod(shape) for shape in SHAPES]


def unpacked(parameters: pb.Tensor) -> list[pb.Tensor]:
    """The weights of the network, out of one vector."""
    ends = np.cumsum(SIZES).tolist()
    return [parameters[end - size : end].reshape(s) for end, size, s in zip(ends, SIZES, SHAPES, strict=True)]


def change(state: pb.Tensor, w1: pb.Tensor, b1: pb.Tensor, w2: pb.Tensor, b2: pb.Tensor) -> pb.Tensor:
    """How angle and speed change, as the network has it."""
    return pb.tanh(state @ w1 + b1) @ w2 + b2


def interval(state: pb.Tensor, *weights: pb.Tensor) -> pb.Tensor:
    """The state one measurement later: a few steps of the method of order four."""
    h = LENGTH / STEPS
    for _ in range(STEPS):
        k1 = change(state, *weights)
        k2 = change(state + h / 2 * k1, *weights)
        k3 = change(state + h / 2 * k2, *weights)
        k4 = change(state + h * k3, *weights)
        state = state + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return state


def swing(parameters: pb.Tensor, start: pb.Tensor, intervals: int, *, checkpoints: bool) -> pb.Tensor:
    """The states at the end of each interval."""
    weights = unpacked(parameters)
    states = [start]
    for _ in range(intervals):
        states.append(checkpoint(interval, states[-1], *weights) if checkpoints else interval(states[-1], *weights))
    return pb.stack(states[1:])


def pendulum(starts: np.ndarray, intervals: int) -> np.ndarray:
    """The truth, by SciPy's solver of order eight: angle' = speed, speed' = -sin(angle) - friction speed."""
    count = len(starts)

    def slope(_, flat):
        angle, speed = flat[:count], flat[count:]
        return np.concatenate((speed, -np.sin(angle) - FRICTION * speed))

    moments = LENGTH * np.arange(1, intervals + 1)
    solved = solve_ivp(slope, (0, moments[-1]), starts.T.ravel(), "DOP853", moments, rtol=1e-10, atol=1e-10)
    return solved.y.reshape(2, count, -1).transpose(2, 1, 0)


def costs(value_and_grad, parameters: pb.Tensor) -> tuple[np.ndarray, float, float]:
    """The gradient; the memory that it took at its height, in bytes; and its time, in seconds."""
    gc.collect()
    begin = time.perf_counter()
    value_and_grad(parameters)
    seconds = time.perf_counter() - begin
    tracemalloc.start()
    _, gradient = value_and_grad(parameters)
    _, height = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return gradient.to("cpu").numpy(), height, seconds


def main() -> None:
    """Run the example."""
    options = parser(__doc__, steps=200, plot=True).parse_args()
    device = pb.get_default_device()

    random = np.random.default_rng(0)
    starts = random.uniform((-2.5, -1), (2.5, 1), (SWINGS, 2))
    measured = pendulum(starts, INTERVALS)
    measured += NOISE * random.standard_normal(measured.shape)
    start, target = pb.tensor(starts, device=device), pb.tensor(measured, device=device)

    def loss(parameters: pb.Tensor, *, checkpoints: bool) -> pb.Tensor:
        return (swing(parameters, start, INTERVALS, checkpoints=checkpoints) - target).square().mean()

    gradients = {
        checkpoints: pb.func.value_and_grad(lambda parameters, c=checkpoints: loss(parameters, checkpoints=c))
        for checkpoints in (False, True)
    }
    first = random.standard_normal(sum(SIZES)) * np.repeat([0.7, 0, 0.1, 0], SIZES)  # no biases yet
    whole, whole_height, whole_time = costs(gradients[False], pb.tensor(first, device=device))
    parts, parts_height, parts_time = costs(gradients[True], pb.tensor(first, device=device))
    print(f"a gradient takes {whole_height / 1e6:.2f} MB, {whole_time * 1e3:.0f} ms")
    print(f"with checkpoints {parts_height / 1e6:.2f} MB, {parts_time * 1e3:.0f} ms")
    print(f"the two gradients differ by {np.abs(whole - parts).max():.0e}")

    losses = []
    progress = track(options.steps)

    def objective(raw):
        value, gradient = gradients[True](pb.tensor(raw, device=device))
        return value.item(), gradient.to("cpu").numpy()

    def after_each_step(intermediate_result):
        next(progress, None)
        losses.append(intermediate_result.fun)
        if len(losses) % 50 == 0:
            print(f"step {len(losses)}: loss {losses[-1]:.2e}")

    with one_thread():
        found = minimize(
            objective,
            first,
            jac=True,
            method="L-BFGS-B",
            callback=after_each_step,
            options={"maxiter": options.steps, "maxfun": 2 * options.steps + 20, "maxcor": 30, "ftol": 0, "gtol": 0},
        )
    progress.close()
    print(f"{len(losses)} steps, loss {losses[0]:.2e} -> {losses[-1]:.2e}; the noise alone makes {NOISE**2:.0e}")

    new = np.asarray([[1.2, 0.8], [-2.0, 0.3], [0.4, -0.9]])  # never measured, and for twice the time
    truth = pendulum(new, 2 * INTERVALS)
    parameters = pb.tensor(found.x, device=device)
    with pb.no_grad():
        predicted = swing(parameters, pb.tensor(new, device=device), 2 * INTERVALS, checkpoints=False)
    predicted = predicted.to("cpu").numpy()
    error = np.abs(predicted - truth).max()
    print(f"largest error of three new swings over {2 * INTERVALS * LENGTH:.0f} seconds: {error:.3f}")

    if options.plot:
        moments = LENGTH * np.arange(1, 2 * INTERVALS + 1)
        with picture(options.plot, 2) as (left, right):
            for i in range(len(new)):
                left.plot(moments, predicted[:, i, 0], color=f"C{i}")
                left.plot(moments, truth[:, i, 0], ".", color=f"C{i}")
            left.axvline(LENGTH * INTERVALS, color="gray", linewidth=1, linestyle=":")
            left.set(xlabel="seconds (none was measured behind the line)", ylabel="angle: predicted, and true (dots)")
            draw_losses(right, losses)

    expect(np.array_equal(whole, parts), "checkpoints change no bit of the gradient")
    expect(parts_height < whole_height / 2, "checkpoints take less than half of the memory")
    expect(losses[-1] < losses[0] / 3, "the loss falls to a third")
    expect(options.steps < 200 or losses[-1] < losses[0] / 500, "the loss falls to a five hundredth")
    expect(options.steps < 200 or error < 0.2, "new swings are predicted")


if __name__ == "__main__":
    main()
