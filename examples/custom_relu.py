"""A ReLU with its own derivative, in the network of `two_layer_net.py`.

`backward` may write to Tensors that it made: here the cotangent is copied, and zeroed where the input was negative. The
same program runs on backends whose arrays cannot be written.
"""

import pullback as pb
from _support import draw, parser, track


class ReLU(pb.autograd.Function):
    """max(x, 0)."""

    @staticmethod
    def forward(ctx, x):
        """Clamp at zero."""
        ctx.save_for_backward(x)
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx, cotangent):
        """The cotangent where x was positive."""
        (x,) = ctx.saved_tensors
        result = cotangent.clone()
        result[x < 0] = 0
        return result


def main() -> None:
    """Run the example."""
    options = parser(__doc__, steps=200, plot=True).parse_args()
    pb.manual_seed(0)

    batch, inputs, hidden, outputs = 24, 1000, 100, 4
    x = pb.randn(batch, inputs)
    y = pb.randn(batch, outputs)
    w1 = pb.randn(inputs, hidden, requires_grad=True)
    w2 = pb.randn(hidden, outputs, requires_grad=True)

    learning_rate = 1e-6
    losses = []
    for step in track(options.steps):
        y_fit = ReLU.apply(x @ w1) @ w2
        loss = (y_fit - y).pow(2).sum()
        loss.backward()

        with pb.no_grad():
            w1 -= learning_rate * w1.grad
            w2 -= learning_rate * w2.grad
            w1.grad.zero_()
            w2.grad.zero_()

        losses.append(loss.item())
        if step % 20 == 0:
            print(step, losses[-1])

    print("largest error:", (y_fit - y).abs().max().item())
    draw(options.plot, losses)


if __name__ == "__main__":
    main()
