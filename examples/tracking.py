"""What is recorded and what is not: `requires_grad`, `grad_fn`, `no_grad`, `detach`; and gradients of vectors.

For a result with many elements, `backward` wants a cotangent v of its shape, and computes v^T J without forming the
Jacobian J.
"""

import pullback as pb
from _support import parser


def main() -> None:
    """Run the example."""
    parser(__doc__).parse_args()
    pb.manual_seed(0)

    x = pb.ones(2, 2, requires_grad=True)
    y = x + 2
    z = y * y * 3
    out = z.mean()
    print(x)
    print(y)
    print(z, out)
    out.backward()
    print("d out / dx =", x.grad)

    a = pb.randn(2, 2)
    print("a requires grad:", a.requires_grad)
    a.requires_grad_()
    print("now it does:", a.requires_grad, "and its sum was computed by", a.sum().grad_fn.name())

    # the graph is what ran: this loop doubles until the norm is large enough
    x = pb.randn(3, requires_grad=True)
    y = x * 2
    while y.data.norm() < 1000:
        y = y * 2
    v = pb.tensor([0.1, 1.0, 0.0001])
    y.backward(v)
    print("y =", y)
    print("v^T J =", x.grad)

    print("x**2 is recorded:", (x**2).requires_grad)
    with pb.no_grad():
        print("under no_grad it is not:", (x**2).requires_grad)
    print("nor after detach:", (x.detach() ** 2).requires_grad)


if __name__ == "__main__":
    main()
