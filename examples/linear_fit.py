"""Fit a straight line to three points: each step makes new parameters instead of changing the old ones.

The update is an ordinary computation, so the new parameters carry its history; `detach()` cuts it off, and
`requires_grad_()` makes a leaf of them again.
"""

import pullback as pb
from _support import draw, parser, track


def main() -> None:
    """Run the example."""
    options = parser(__doc__, steps=50, plot=True).parse_args()

    x = pb.tensor([1.0, 2.0, 3.0])
    y = pb.tensor([1.0, 1.5, 2.0])
    params = pb.tensor([1.0, 1.0], requires_grad=True)

    losses = []
    for step in track(options.steps):
        y_fit = params[0] * x + params[1]
        loss = ((y_fit - y) ** 2).mean()
        loss.backward()

        params = (params - 0.05 * params.grad).detach().requires_grad_()

        losses.append(loss.item())
        if step % 10 == 0:
            print(f"step {step}: loss {loss:.6f}, slope {params[0]:.4f}, intercept {params[1]:.4f}")

    print("parameters:", params)
    draw(options.plot, losses, x=x, points=y, fit=y_fit)


if __name__ == "__main__":
    main()
