"""Tell handwritten digits apart: logistic regression on real data, against scikit-learn's own answer.

The data ship with scikit-learn: 1797 images of 8 x 8 pixels. The model is the loss written down; SciPy's L-BFGS asks for
its value and gradient, which pullback computes. Both programs minimise the same convex function, so they must end with
the same weights.
"""

import numpy as np
import pullback as pb
from _support import draw, parser, track
from scipy.optimize import minimize
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

PENALTY = 1.0


def loss_function(images: pb.Tensor, classes: pb.Tensor):
    """Minus the log-likelihood of the classes, plus a penalty on the weights, as a function of all parameters."""
    pixels, kinds = images.shape[1], classes.shape[1]

    def loss(parameters: pb.Tensor) -> pb.Tensor:
        weights = parameters[: pixels * kinds].reshape(pixels, kinds)
        scores = images @ weights + parameters[pixels * kinds :]
        top = scores.max(1, keepdim=True).detach()  # so that exp cannot overflow; it cancels
        normalizers = pb.log(pb.exp(scores - top).sum(1)) + top.squeeze(1)
        likelihood = (scores * classes).sum(1) - normalizers
        return 0.5 * PENALTY * (weights * weights).sum() - likelihood.sum()

    return loss


def main() -> None:
    """Run the example."""
    options = parser(__doc__, steps=200, plot=True).parse_args()
    device = pb.get_default_device()

    data = load_digits()
    images = pb.tensor(data.data / 16, device=device)
    labels = pb.tensor(data.target, device=device)
    classes = (labels.unsqueeze(1) == pb.arange(10)).double()

    value_and_grad = pb.func.value_and_grad(loss_function(images, classes))
    losses = []
    progress = track(options.steps)

    def objective(raw):
        """What SciPy calls: a NumPy array in, a number and a NumPy array out."""
        value, gradient = value_and_grad(pb.tensor(raw, device=device))
        return value.item(), gradient.to("cpu").numpy()

    def after_each_step(intermediate_result):
        next(progress, None)
        losses.append(intermediate_result.fun)
        if len(losses) % 20 == 0:
            print(f"step {len(losses)}: loss {losses[-1]:.4f}")

    found = minimize(
        objective,
        np.zeros(65 * 10),
        jac=True,
        method="L-BFGS-B",
        callback=after_each_step,
        options={"maxiter": options.steps, "ftol": 1e-13, "gtol": 1e-5},
    )
    progress.close()
    weights = found.x[:640].reshape(64, 10).T
    intercepts = found.x[640:] - found.x[640:].mean()  # a common shift of all scores changes nothing

    theirs = LogisticRegression(C=1 / PENALTY, tol=1e-6, max_iter=500).fit(data.data / 16, data.target)
    shared = theirs.intercept_.mean()
    scores = data.data / 16 @ weights.T + intercepts
    print(f"{len(losses)} steps, loss {found.fun:.6f}")
    print(f"share of images told right: {(scores.argmax(1) == data.target).mean():.4f}")
    print(f"the same of scikit-learn: {theirs.score(data.data / 16, data.target):.4f}")
    print(f"largest difference to its weights: {abs(weights - theirs.coef_).max():.1e}")
    print(f"largest difference to its intercepts: {abs(intercepts - theirs.intercept_ + shared).max():.1e}")
    draw(options.plot, losses)


if __name__ == "__main__":
    main()
