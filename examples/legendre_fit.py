"""Write an operation with its own derivative, and train through it.

The model is y = a + b P3(c + d x), where P3 is the Legendre polynomial of degree three. `forward` computes P3 and keeps
what the derivative reads; `backward` turns the cotangent of the result into the cotangent of the input. Both run on
Tensors, so that the operation can be differentiated twice, and runs on every backend.
"""

import math

import pullback as pb
from _support import draw, parser, track


class LegendrePolynomial3(pb.autograd.Function):
    """P3(x) = (5 x^3 - 3 x) / 2."""

    @staticmethod
    def forward(ctx, x):
        """P3 of each element."""
        ctx.save_for_backward(x)
        return 0.5 * (5 * x**3 - 3 * x)

    @staticmethod
    def backward(ctx, cotangent):
        """The cotangent times P3'(x) = (15 x^2 - 3) / 2."""
        (x,) = ctx.saved_tensors
        return cotangent * 1.5 * (5 * x**2 - 1)


def main() -> None:
    """Run the example."""
    options = parser(__doc__, steps=2000, plot=True).parse_args()

    x = pb.linspace(-math.pi, math.pi, 2000)
    y = pb.sin(x)
    # gradient descent needs a start near the answer here
    a, b, c, d = (pb.tensor(start, requires_grad=True) for start in (0.0, -1.0, 0.0, 0.3))

    learning_rate = 5e-6
    losses = []
    for step in track(options.steps):
        y_fit = a + b * LegendrePolynomial3.apply(c + d * x)
        loss = (y_fit - y).pow(2).sum()
        loss.backward()

        with pb.no_grad():
            for weight in (a, b, c, d):
                weight.sub_(learning_rate * weight.grad)
                weight.grad = None

        losses.append(loss.item())
        if step % 100 == 99:
            print(step, losses[-1])

    print(f"y = {a:.4f} {b:+.4f} P3({c:.4f} {d:+.4f} x)")
    draw(options.plot, losses, x=x, sine=y, fit=y_fit)


if __name__ == "__main__":
    main()
