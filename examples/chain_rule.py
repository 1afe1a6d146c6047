"""The chain rule, by hand and by the graph: z = log(h), h = x^2, so dz/dx = dz/dh dh/dx = 2 / x.

A graph can be asked more than once with `retain_graph=True`, and from any Tensor in it.
"""

import pullback as pb
from _support import parser


def main() -> None:
    """Run the example."""
    parser(__doc__).parse_args()

    x = pb.tensor(5.0, requires_grad=True)
    h = x**2
    z = pb.log(h)
    print("h =", h)
    print("z =", z)

    (dz_dh,) = pb.autograd.grad(z, h, retain_graph=True)
    (dh_dx,) = pb.autograd.grad(h, x, retain_graph=True)
    (dz_dx,) = pb.autograd.grad(z, x)

    print(f"dz/dh = {dz_dh:.6f}")
    print(f"dh/dx = {dh_dx:.6f}")
    print(f"their product = {dz_dh * dh_dx:.6f}")
    print(f"dz/dx = {dz_dx:.6f}")


if __name__ == "__main__":
    main()
