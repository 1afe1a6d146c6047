"""The smallest program: y = w x + b, and what y changes by when w, x or b does.

`backward()` starts at y and follows the graph back to the Tensors that were made with `requires_grad=True`: the leaves.
"""

import pullback as pb
from _support import parser


def main() -> None:
    """Run the example."""
    parser(__doc__).parse_args()

    x = pb.tensor(1.0, requires_grad=True)
    w = pb.tensor(2.0, requires_grad=True)
    b = pb.tensor(3.0, requires_grad=True)

    y = w * x + b
    y.backward()

    print("y =", y)
    print("dy/dx = w =", x.grad)
    print("dy/dw = x =", w.grad)
    print("dy/db = 1 =", b.grad)
    print("x is a leaf, its grad_fn is", x.grad_fn)
    print("y was computed by", y.grad_fn.name(), "from", [f.name() for f, _ in y.grad_fn.next_functions])


if __name__ == "__main__":
    main()
