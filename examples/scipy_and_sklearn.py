"""Differentiate through SciPy and scikit-learn as they are: nothing of them is rewritten, nothing is patched.

Three questions that only a gradient answers: which measurements an eigenvalue of a principal component analysis hangs
on; how a root found by bisection and interpolation moves with its parameter; and which turn takes one cloud of points
into another, found by descending through `Rotation`.
"""

import os

os.environ["SCIPY_ARRAY_API"] = "1"  # before SciPy is imported: now it computes in the Array API

import numpy as np
import pullback as pb
import sklearn
from _support import draw, parser, track
from scipy import stats
from scipy.optimize import elementwise
from scipy.spatial.transform import Rotation
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def influence(device: pb.Device) -> None:
    """The gradient of the largest share of variance, by every measurement of 150 flowers."""
    flowers = pb.asarray(load_iris().data, device=device).requires_grad_()
    # scikit-learn divides 0 by 0 in entries that it then overwrites, and silences NumPy only where it sees NumPy
    with sklearn.config_context(array_api_dispatch=True), np.errstate(invalid="ignore"):
        model = make_pipeline(StandardScaler(), PCA(2)).fit(flowers)
    share = model[-1].explained_variance_ratio_[0]
    share.backward()
    pull = pb.linalg.vector_norm(flowers.grad, axis=1)
    print(f"share of variance on the first axis: {share.item():.6f}")
    print(f"it hangs most on flower {int(pb.argmax(pull))}, least on flower {int(pb.argmin(pull))}")
    print(
        f"sum of its gradient over the flowers, 0 for a scaled table: {pb.max(pb.abs(flowers.grad.sum(0))).item():.0e}"
    )
    tails = stats.kurtosis(flowers.detach())
    print(f"excess kurtosis of the columns: {' '.join(f'{k:.3f}' for k in tails.tolist())}")


def moving_root(device: pb.Device) -> None:
    """Kepler's equation E - e sin E = M, solved for E; dE/de is sin E / (1 - e cos E)."""
    e = pb.asarray(np.asarray([0.1, 0.5, 0.9]), device=device).requires_grad_()
    mean = pb.asarray(np.asarray(1.0), device=device)
    low, high = pb.zeros_like(mean), mean + 1
    root = elementwise.find_root(lambda x, e: x - e * pb.sin(x) - mean, (low, high), args=(e,)).x
    root.sum().backward()
    exact = pb.sin(root) / (1 - e * pb.cos(root))
    for eccentricity, anomaly, slope in zip(e.tolist(), root.tolist(), e.grad.tolist(), strict=True):
        print(f"eccentricity {eccentricity:.1f}: anomaly {anomaly:.6f}, moves by {slope:.6f}")
    print(f"largest difference to the formula: {pb.max(pb.abs(e.grad - exact)).item():.0e}")


def find_turn(device: pb.Device, steps: int) -> list[float]:
    """Descend to the rotation that takes 20 points to where they were measured."""
    points = pb.asarray(np.random.default_rng(0).standard_normal((20, 3)), device=device)
    true = pb.asarray(np.asarray([0.3, -0.8, 0.5]), device=device)
    measured = Rotation.from_rotvec(true).apply(points)
    turn = pb.asarray(np.asarray([0.01, 0.02, -0.01]), device=device).requires_grad_()
    losses = []
    for _ in track(steps):
        error = Rotation.from_rotvec(turn).apply(points) - measured
        loss = (error * error).sum() / points.shape[0]
        loss.backward()
        with pb.no_grad():
            turn -= 0.2 * turn.grad
        turn.grad = None
        losses.append(loss.item())
    angle = Rotation.from_rotvec(turn.detach()) * Rotation.from_rotvec(true).inv()
    print(f"{steps} steps, loss {losses[0]:.4f} -> {losses[-1]:.1e}")
    print(f"rotation vector {' '.join(f'{v:.4f}' for v in turn.tolist())}, off by {angle.magnitude().item():.1e} rad")
    return losses


def main() -> None:
    """Run the example."""
    options = parser(__doc__, steps=60, plot=True).parse_args()
    device = pb.get_default_device()
    influence(device)
    moving_root(device)
    draw(options.plot, find_turn(device, options.steps))


if __name__ == "__main__":
    main()
