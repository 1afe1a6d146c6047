"""Three differentiable ops: a smooth rectifier, a scaled product that broadcasts, a soft sign with a kernel for NumPy."""

import pullback as pb
from pullback.extend import elementwise, op

softplus = elementwise(
    "acme::softplus",
    "log(1 + exp(x)), without overflow.",
    forward=lambda xp, x: xp.logaddexp(x, xp.zeros_like(x)),
    x=lambda xp, t, x: t / (1 + xp.exp(-x)),
)
blend = elementwise(
    "acme::blend",
    "x * y + x.",
    forward=lambda xp, x, y: x * y + x,
    x=lambda xp, t, y: t * (y + 1),
    y=lambda xp, t, x: t * x,
)


@op.elementwise(x=lambda xp, t, x: t / (1 + xp.abs(x)) ** 2, name="acme::softsign")
def softsign(xp, x):
    """x / (1 + |x|)."""
    return x / (1 + xp.abs(x))


@softsign.kernel("numpy", dtypes=[pb.float32, pb.float64])
def softsign_in_place(x):
    """The same with one array for all that comes in between."""
    import numpy as np

    out = np.empty_like(x)
    np.abs(x, out=out)
    out += 1
    return np.divide(x, out, out=out)
