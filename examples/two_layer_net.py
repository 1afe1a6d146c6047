"""Train a network of two layers on random data: matrix products, a ReLU, and no framework for layers.

`relu` is written twice, as the function `clamp(min=0)`, whose derivative pullback knows, and in `custom_relu.py` as an
operation with its own.
"""

import pullback as pb
from _support import draw, parser, track


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
        y_fit = (x @ w1).clamp(min=0) @ w2
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
