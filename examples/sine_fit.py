"""Fit a cubic polynomial to one period of sine by gradient descent.

The four coefficients are scalar Tensors that require grad. Each step computes the loss from them, `backward()` fills
their `.grad`, and the update runs under `no_grad`, because it is not part of what is differentiated.
"""

import math

import pullback as pb
from _support import draw, parser, track


def main() -> None:
    """Run the example."""
    options = parser(__doc__, steps=2000, plot=True).parse_args()
    pb.manual_seed(0)

    x = pb.linspace(-math.pi, math.pi, 2000)
    y = pb.sin(x)
    a, b, c, d = (pb.randn((), requires_grad=True) for _ in range(4))

    learning_rate = 1e-6
    losses = []
    for step in track(options.steps):
        y_fit = a + b * x + c * x**2 + d * x**3
        loss = (y_fit - y).pow(2).sum()
        loss.backward()

        with pb.no_grad():
            for weight in (a, b, c, d):
                weight.sub_(learning_rate * weight.grad)
                weight.grad = None

        losses.append(loss.item())
        if step % 100 == 99:
            print(step, losses[-1])

    print(f"y = {a:.4f} {b:+.4f} x {c:+.4f} x^2 {d:+.4f} x^3")
    draw(options.plot, losses, x=x, sine=y, fit=y_fit)


if __name__ == "__main__":
    main()
