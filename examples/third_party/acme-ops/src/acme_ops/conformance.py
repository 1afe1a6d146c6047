"""What is claimed of the ops: the entry point `acme` of the group `pullback.conformance`."""

from pullback_conformance import ALL, Arg, Domain, Kink, OpSpec

import acme_ops

SPECS = [
    OpSpec(
        op="acme::softplus",
        call=lambda x: acme_ops.softplus(x),
        args=[Arg("x", Domain.real(-5, 5))],
        derivatives=ALL,
        kind="elementwise",
        reference=lambda np, x: np.logaddexp(x, np.zeros_like(x)),
    ),
    OpSpec(
        op="acme::blend",
        call=lambda x, y: acme_ops.blend(x, y),
        args=[Arg("x", Domain.real(-2, 2)), Arg("y", Domain.real(-2, 2))],
        derivatives=ALL,
        kind="elementwise",
        complex="holomorphic",
        reference=lambda np, x, y: x * y + x,
    ),
    OpSpec(
        op="acme::softsign",
        call=lambda x: acme_ops.softsign(x),
        args=[Arg("x", Domain.real(0.2, 3, shape_of="signed"))],
        derivatives=ALL,
        kind="elementwise",
        reference=lambda np, x: x / (1 + np.abs(x)),
        kinks=[Kink((0.0,), (1.0,))],
    ),
]
