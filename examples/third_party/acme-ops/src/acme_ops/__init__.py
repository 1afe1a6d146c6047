"""Three differentiable ops: a smooth rectifier, a scaled product that broadcasts, a soft sign."""

from pullback.extend import elementwise

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
softsign = elementwise(
    "acme::softsign",
    "x / (1 + |x|).",
    forward=lambda xp, x: x / (1 + xp.abs(x)),
    x=lambda xp, t, x: t / (1 + xp.abs(x)) ** 2,
)
