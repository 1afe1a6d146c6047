"""What is claimed of the functions: the entry point `nn` of the group `pullback.conformance`, a row each.

`pullback conformance --plugin nn` checks them, against the definitions next to this file. Values are drawn where a
function is smooth; the points where it is not are kinks with the slope that is documented.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from pullback_conformance import ALL, Arg, Domain, Kink, OpSpec, case

from pullback_nn import functional
from pullback_nn.conformance import definitions as d

Reference = Callable[..., Any]

WIDE = Domain.real(-2.0, 2.0)
AWAY = Domain.real(0.2, 2.0, shape_of="signed")
"""On both sides of 0, and not near it."""
POSITIVE = Domain.real(0.3, 2.0)
UNIT = Domain.real(0.1, 0.9)
DISTINCT = Domain(-2.0, 2.0, shape_of="distinct")
TOLERANCE = {"float32": 512.0, "float64": 512.0}
"""For sums of many products, in units of the last place."""


def claimed(
    name: str, reference: Reference, *args: Arg, kind: str = "general", cases: Any = (), **options: Any
) -> OpSpec:
    """The row of a function: its arguments by position, its options by keyword."""
    options.setdefault("tol", TOLERANCE if kind == "general" else {})
    return OpSpec(
        op=f"nn::{name}",
        call=getattr(functional, name),
        args=args or (Arg("input", WIDE),),
        derivatives=ALL,
        kind=kind,  # type: ignore[arg-type]  # one of the words that OpSpec lists
        reference=reference,
        cases=cases,
        module="pullback_nn",
        **options,
    )


def each(name: str, reference: Reference, domain: Domain = WIDE, **options: Any) -> OpSpec:
    """The row of an activation."""
    return claimed(name, reference, Arg("input", domain), kind="elementwise", **options)


def _softplus(np: Any, x: Any) -> Any:
    return np.logaddexp(x, 0.0)


def _sigmoid(np: Any, x: Any) -> Any:
    return np.exp(-np.logaddexp(0.0, -x))


def _activations() -> Iterator[OpSpec]:
    yield each("relu", lambda np, x: np.where(x > 0, x, 0.0), AWAY, kinks=[Kink((0.0,), (0.0,))])
    yield each("relu6", lambda np, x: np.clip(x, 0, 6), AWAY, kinks=[Kink((0.0,), (0.0,)), Kink((6.0,), (0.0,))])
    yield each(
        "hardtanh",
        lambda np, x, **_: np.clip(x, -1, 1),
        Domain.real(0.1, 0.9, shape_of="signed"),
        kinks=[Kink((-1.0,), (0.0,)), Kink((1.0,), (0.0,))],
    )
    yield each(
        "leaky_relu",
        lambda np, x, negative_slope=0.01: np.where(x > 0, x, negative_slope * x),
        AWAY,
        kwargs={"negative_slope": [0.01, 0.3]},
        kinks=[Kink((0.0,), (0.01,))],
    )
    yield each(
        "elu", lambda np, x, alpha=1.0: np.where(x > 0, x, alpha * np.expm1(x)), AWAY, kwargs={"alpha": [1.0, 0.5]}
    )
    yield each(
        "celu",
        lambda np, x, alpha=1.0: np.where(x > 0, x, alpha * np.expm1(x / alpha)),
        AWAY,
        kwargs={"alpha": [1.0, 0.5]},
    )
    yield each("selu", lambda np, x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(x)), AWAY)
    yield each("gelu", lambda np, x: x * 0.5 * (1 + d.erf(np, x / np.sqrt(2))), Domain.real(-3, 3), tol=TOLERANCE)
    yield each("silu", lambda np, x: x * _sigmoid(np, x), tol=TOLERANCE)
    yield each("mish", lambda np, x: x * np.tanh(_softplus(np, x)), tol=TOLERANCE)
    yield each("softplus", lambda np, x: _softplus(np, x))
    yield each("sigmoid", lambda np, x: _sigmoid(np, x))
    yield each("logsigmoid", lambda np, x: -_softplus(np, -x))
    yield each("tanh", lambda np, x: np.tanh(x))
    yield each("tanhshrink", lambda np, x: x - np.tanh(x), AWAY, tol=TOLERANCE)
    yield each("softsign", lambda np, x: x / (1 + abs(x)), AWAY)
    yield each(
        "hardsigmoid", lambda np, x: np.clip(x / 6 + 0.5, 0, 1), kinks=[Kink((-3.0,), (0.0,)), Kink((3.0,), (0.0,))]
    )
    yield each(
        "hardswish", lambda np, x: x * np.clip(x / 6 + 0.5, 0, 1), Domain.real(0.2, 1.2), kinks=[Kink((-3.0,), (0.0,))]
    )
    yield each("hardshrink", lambda np, x: np.where(abs(x) > 0.5, x, 0.0), Domain.real(0.7, 2, shape_of="signed"))
    yield each(
        "softshrink",
        lambda np, x: np.sign(x) * np.maximum(abs(x) - 0.5, 0),
        Domain.real(0.7, 2, shape_of="signed"),
        kinks=[Kink((0.5,), (0.0,))],
    )
    yield claimed(
        "threshold", lambda np, x, a, b: np.where(x > a, x, b), Arg("input", AWAY), cases=[case((3, 2), 0.1, 7.0)]
    )
    yield claimed("rrelu", lambda np, x: np.where(x > 0, x, x * 11 / 48), Arg("input", AWAY), cases=[case((3, 2))])
    yield claimed(
        "prelu",
        lambda np, x, w: np.where(x > 0, x, x * (w if w.size == 1 else d.per_channel(w, x.ndim))),
        Arg("input", AWAY),
        Arg("weight", WIDE),
        cases=[case((3, 2), (1,)), case((2, 3, 2), (3,)), case((3,), (1,))],
    )
    yield claimed(
        "glu",
        lambda np, x, dim=-1: np.split(x, 2, dim)[0] * _sigmoid(np, np.split(x, 2, dim)[1]),
        cases=[case((3, 4)), case((4, 3), dim=0)],
    )
    along = [case((3, 4), dim=1), case((3, 4), dim=0), case((2, 3, 2), dim=-2), case((4,), dim=0)]
    yield claimed("softmax", lambda np, x, dim: d.softmax(np, x, dim), cases=along)
    yield claimed("softmin", lambda np, x, dim: d.softmax(np, -x, dim), cases=along)
    yield claimed("log_softmax", lambda np, x, dim: np.log(d.softmax(np, x, dim)), cases=along)


_MODES = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}
"""PyTorch's words for what is around an array, and NumPy's."""


def _products() -> Iterator[OpSpec]:
    three = (Arg("input", WIDE), Arg("weight", WIDE), Arg("bias", WIDE))
    yield claimed(
        "linear",
        lambda np, x, w, b=0.0: x @ w.T + b,
        *three,
        cases=[
            case((4, 3), (2, 3), (2,)),
            case((3,), (2, 3)),
            case((2, 4, 3), (5, 3), (5,)),
            case((0, 3), (2, 3), (2,)),
        ],
    )
    yield claimed(
        "bilinear",
        lambda np, x, y, w, b=0.0: np.einsum("...i,kij,...j->...k", x, w, y) + b,
        *(Arg(name, WIDE) for name in ("input1", "input2", "weight", "bias")),
        cases=[case((4, 3), (4, 2), (5, 3, 2), (5,)), case((3,), (2,), (2, 3, 2))],
    )
    yield claimed(
        "conv1d",
        d.convolved,
        *three,
        cases=[case((2, 2, 5), (3, 2, 2), (3,)), case((1, 4, 6), (4, 2, 3), stride=2, padding=1, groups=2)],
    )
    yield claimed(
        "conv2d",
        d.convolved,
        *three,
        cases=[
            case((2, 2, 4, 3), (2, 2, 2, 2), (2,)),
            case((1, 2, 4, 5), (2, 1, 2, 3), padding="same", dilation=(2, 1), groups=2),
            case((1, 1, 5, 4), (2, 1, 3, 2), (2,), stride=(2, 1), padding=(1, 0)),
            case((0, 1, 3, 3), (2, 1, 2, 2), (2,)),
        ],
    )
    yield claimed(
        "conv3d",
        d.convolved,
        *three,
        cases=[case((1, 2, 3, 2, 3), (2, 2, 2, 1, 2), (2,), stride=(1, 1, 2), padding=(0, 1, 1))],
    )
    yield claimed(
        "conv_transpose1d",
        d.convolved_back,
        *three,
        cases=[
            case((2, 2, 3), (2, 3, 2), (3,)),
            case((1, 4, 3), (4, 1, 3), stride=2, padding=1, output_padding=1, groups=2),
        ],
    )
    yield claimed(
        "conv_transpose2d",
        d.convolved_back,
        *three,
        cases=[
            case((2, 2, 2, 3), (2, 2, 2, 2), (2,), stride=(2, 1)),
            case((1, 2, 3, 2), (2, 1, 2, 3), padding=(1, 0), dilation=(1, 2), output_padding=(0, 1), groups=2),
        ],
    )
    yield claimed(
        "conv_transpose3d",
        d.convolved_back,
        *three,
        cases=[case((1, 2, 2, 1, 2), (2, 2, 2, 2, 1), (2,), stride=(1, 1, 2))],
    )
    yield claimed(
        "scaled_dot_product_attention",
        lambda np, q, k, v, mask=None, is_causal=False: d.attention(np, q, k, v, mask, is_causal),
        *(Arg(name, WIDE) for name in ("query", "key", "value", "attn_mask")),
        cases=[
            case((3, 2), (4, 2), (4, 3)),
            case((2, 3, 2), (2, 3, 2), (2, 3, 2), is_causal=True),
            case((3, 2), (4, 2), (4, 3), (3, 4)),
        ],
    )
    yield claimed(
        "embedding",
        lambda np, i, w, padding_idx=None: w[i],
        Arg("input", Domain(0, 3, shape_of="bits"), "integer"),
        Arg("weight", WIDE),
        cases=[case((5,), (4, 2)), case((2, 3), (4, 1))],
    )
    yield claimed(
        "pad",
        lambda np, x, pad, mode="constant": np.pad(
            x, ((0, 0), pad[2:], pad[:2]), {"replicate": "edge", "circular": "wrap"}.get(mode, mode)
        ),
        cases=[
            case((2, 3, 4), pad=(1, 2, 2, 0), mode=mode) for mode in ("constant", "reflect", "replicate", "circular")
        ],
    )


def _pools() -> Iterator[OpSpec]:
    for axes in (1, 2, 3):
        shape = (2, 2, *(5, 4, 3)[:axes])
        yield claimed(
            f"max_pool{axes}d",
            lambda np, x, kernel_size, **options: d.pooled(
                np, x, lambda w: w.max(axis=-1), kernel_size, fill=-np.inf, **options
            ),
            Arg("input", DISTINCT),
            cases=[case(shape, 2), case(shape, 3, stride=1, padding=1), case(shape, 2, stride=1, dilation=2)][
                : 3 if axes < 3 else 2
            ],
            kinks=[Kink(([[[1.0, 1.0, 0.0]]],), ([[[0.5, 0.5, 0.0]]],), {"kernel_size": 3})] if axes == 1 else (),
        )
        yield claimed(
            f"avg_pool{axes}d",
            lambda np, x, size, **options: d.pooled(np, x, lambda w: w.mean(axis=-1), size, **options),
            cases=[case(shape, 2), case(shape, 3, stride=1, padding=1)],
        )
        wanted = [case(shape, output_size=size) for size in (1, 2, (3, *(None,) * (axes - 1)))]
        mean: Reference = lambda np, x, output_size: d.adapted(np, x, lambda w: w.mean(axis=-1), output_size)  # noqa: E731
        most: Reference = lambda np, x, output_size: d.adapted(np, x, lambda w: w.max(axis=-1), output_size)  # noqa: E731
        yield claimed(f"adaptive_avg_pool{axes}d", mean, cases=wanted)
        yield claimed(f"adaptive_max_pool{axes}d", most, Arg("input", DISTINCT), cases=wanted)
    for axes, shape in ((1, (2, 2, 5)), (2, (1, 2, 4, 4))):
        yield claimed(
            f"lp_pool{axes}d",
            lambda np, x, p, size: d.pooled(np, x, lambda w: (abs(w) ** p).sum(axis=-1) ** (1 / p), size),
            Arg("input", POSITIVE),
            cases=[case(shape, 2.0, 2), case(shape, 3.0, 2)],
        )


def _norms() -> Iterator[OpSpec]:
    x, weight, bias = Arg("input", DISTINCT), Arg("weight", WIDE), Arg("bias", WIDE)
    yield claimed(
        "layer_norm",
        lambda np, x, shape, w=1.0, b=0.0: d.normalized(np, x, tuple(range(-len(shape), 0)), 1e-5) * w + b,
        x,
        Arg("normalized_shape"),
        weight,
        bias,
        cases=[_last((4, 3), 1), _last((2, 3, 4), 2, True), _last((2, 3, 4), 1, True)],
    )
    yield claimed(
        "rms_norm",
        lambda np, x, shape, w=1.0, eps=0.0: (
            x / np.sqrt((x**2).mean(tuple(range(-len(shape), 0)), keepdims=True) + eps) * w
        ),
        x,
        Arg("normalized_shape"),
        weight,
        cases=[_last((4, 3), 1, eps=1e-5), _last((2, 3, 4), 2, eps=1e-3)],
    )
    yield claimed(
        "group_norm",
        lambda np, x, n, w=None, b=None: _affine(
            d.normalized(np, x.reshape(x.shape[0], n, -1), 2, 1e-5).reshape(x.shape), w, b
        ),
        x,
        Arg("num_groups"),
        weight,
        bias,
        cases=[case((3, 8), 2), case((2, 4, 3), 2, (4,), (4,)), case((2, 3, 2, 2), 1, (3,), (3,))],
    )
    yield claimed(
        "batch_norm",
        lambda np, x, _, __, w=None, b=None, training=True: _affine(
            d.normalized(np, x, (0, *range(2, x.ndim)), 1e-5), w, b
        ),
        x,
        Arg("running_mean"),
        Arg("running_var"),
        weight,
        bias,
        cases=[case((4, 2), None, None, training=True), case((3, 2, 3), None, None, (2,), (2,), training=True)],
    )
    yield claimed(
        "instance_norm",
        lambda np, x, *_, weight=None: _affine(d.normalized(np, x, tuple(range(2, x.ndim)), 1e-5), weight, None),
        x,
        cases=[case((2, 2, 4)), case((1, 2, 2, 3))],
    )
    yield claimed(
        "local_response_norm",
        lambda np, x, size: x / (1 + 1e-4 * _neighbours(np, x * x, size) / size) ** 0.75,
        x,
        cases=[case((2, 4, 2), 3), case((1, 5, 2), 2)],
    )


def _last(shape: Any, axes: int, affine: bool = False, **options: Any) -> Any:
    """A case whose `normalized_shape` is a list, so that it is not taken for the shape of an array."""
    last = shape[-axes:]
    return case(shape, list(last), *((last, last) if affine else ()), **options)


def _affine(x: Any, w: Any, b: Any) -> Any:
    x = x if w is None else x * d.per_channel(w, x.ndim)
    return x if b is None else x + d.per_channel(b, x.ndim)


def _neighbours(np: Any, x: Any, size: int) -> Any:
    whole = np.pad(x, ((0, 0), (size // 2, (size - 1) // 2), (0, 0)))
    return np.stack([whole[:, i : i + size].sum(axis=1) for i in range(x.shape[1])], axis=1)


def _losses() -> Iterator[OpSpec]:
    pair = (Arg("input", WIDE), Arg("target", Domain.real(2.5, 4.0)))
    shapes = [case((3, 2), (3, 2)), case((4,), (4,))]
    every = [*shapes, case((3, 2), (3, 2), reduction="sum"), case((3, 2), (3, 2), reduction="none")]

    def loss(name: str, of: Reference, *args: Arg, cases: Any = tuple(every), **options: Any) -> OpSpec:
        def reference(np: Any, *arrays: Any, reduction: str = "mean", **kwargs: Any) -> Any:
            losses = np.asarray(of(np, *arrays, **kwargs))
            return {"mean": losses.mean, "sum": losses.sum, "none": lambda: losses}[reduction]()

        return claimed(name, reference, *(args or pair), cases=cases, **options)

    yield loss("mse_loss", lambda np, x, y: (x - y) ** 2)
    yield loss("l1_loss", lambda np, x, y: abs(x - y), kinks=[Kink(([1.0], [1.0]), ([0.0], [0.0]))])
    for name, scale in (("huber_loss", 1.0), ("smooth_l1_loss", 1.0)):
        yield loss(
            name, lambda np, x, y, s=scale: np.where(abs(x - y) < s, 0.5 * (x - y) ** 2, s * (abs(x - y) - 0.5 * s))
        )
    probabilities = (Arg("input", UNIT), Arg("target", UNIT))
    yield loss("binary_cross_entropy", lambda np, p, q: -(q * np.log(p) + (1 - q) * np.log(1 - p)), *probabilities)
    yield loss(
        "binary_cross_entropy_with_logits",
        lambda np, x, q: q * np.logaddexp(0, -x) + (1 - q) * np.logaddexp(0, x),
        Arg("input", WIDE),
        Arg("target", UNIT),
    )
    yield loss("kl_div", lambda np, x, q: q * (np.log(q) - x), Arg("input", WIDE), Arg("target", UNIT))
    yield loss("poisson_nll_loss", lambda np, x, y: np.exp(x) - y * x, Arg("input", WIDE), Arg("target", POSITIVE))
    yield loss(
        "gaussian_nll_loss",
        lambda np, x, y, v: 0.5 * (np.log(v) + (x - y) ** 2 / v),
        Arg("input", WIDE),
        Arg("target", WIDE),
        Arg("var", POSITIVE),
        cases=[case((3, 2), (3, 2), (3, 2))],
    )
    yield loss("soft_margin_loss", lambda np, x, y: np.logaddexp(0, -x * y), Arg("input", WIDE), Arg("target", AWAY))
    signs = np_signs(3)
    yield loss(
        "hinge_embedding_loss",
        lambda np, x, y: np.where(y > 0, x, np.maximum(1 - x, 0)),
        Arg("input", UNIT),
        Arg("target"),
        cases=[case((3,), signs)],
    )
    yield loss(
        "margin_ranking_loss",
        lambda np, a, b, y: np.maximum(-y * (a - b), 0),
        Arg("input1", POSITIVE),
        Arg("input2", Domain.real(2.5, 3.0)),
        Arg("target"),
        cases=[case((3,), (3,), signs)],
    )
    yield loss(
        "cosine_embedding_loss",
        lambda np, a, b, y: np.where(
            y > 0, 1 - _cosine(np, a, b, 1, 1e-12), np.maximum(_cosine(np, a, b, 1, 1e-12), 0)
        ),
        Arg("input1", POSITIVE),
        Arg("input2", POSITIVE),
        Arg("target"),
        cases=[case((3, 2), (3, 2), signs)],
    )
    yield loss(
        "triplet_margin_loss",
        lambda np, a, p, n: np.maximum(_distance(np, a, p) - _distance(np, a, n) + 1, 0),
        Arg("anchor", POSITIVE),
        Arg("positive", Domain.real(2.5, 3.0)),
        Arg("negative", POSITIVE),
        cases=[case((3, 2), (3, 2), (3, 2))],
    )
    vectors = (Arg("x1", POSITIVE), Arg("x2", Domain.real(2.5, 3.5)))
    yield claimed(
        "cosine_similarity",
        lambda np, a, b, dim=1: _cosine(np, a, b, dim),
        *vectors,
        cases=[case((3, 2), (3, 2)), case((3, 2), (3, 2), dim=0)],
    )
    yield claimed("pairwise_distance", _distance, *vectors, cases=[case((3, 2), (3, 2)), case((2,), (2,))])
    yield claimed(
        "normalize",
        lambda np, x, dim=1: x / np.sqrt((x**2).sum(axis=dim, keepdims=True)),
        Arg("input", POSITIVE),
        cases=[case((3, 2)), case((3, 2), dim=0)],
    )
    classes = Arg("target", Domain(0, 2, shape_of="bits"), "integer")
    weight = Arg("weight", POSITIVE)
    chosen = [case((4, 3), (4,)), case((4, 3), (4,), (3,)), case((2, 3, 2), (2, 2), (3,))]
    yield claimed(
        "nll_loss", lambda np, x, t, w=None: d.picked(np, x, t, w), Arg("input", WIDE), classes, weight, cases=chosen
    )
    yield claimed(
        "cross_entropy",
        lambda np, x, t, w=None: d.picked(np, np.log(d.softmax(np, x, 1)), t, w),
        Arg("input", WIDE),
        classes,
        weight,
        cases=chosen,
    )


def np_signs(count: int) -> Any:
    """Targets of 1 and -1."""
    import numpy as np  # noqa: PLC0415  rows are read by programs that need no NumPy

    return np.asarray([1, -1] * count)[:count]


def _cosine(np: Any, a: Any, b: Any, axis: int, more: float = 0.0) -> Any:
    """With `more` added to both squares, as PyTorch does in the loss."""
    return (a * b).sum(axis) / np.sqrt(((a * a).sum(axis) + more) * ((b * b).sum(axis) + more))


def _distance(np: Any, a: Any, b: Any) -> Any:
    return np.sqrt(((a - b + 1e-6) ** 2).sum(axis=-1))


SPECS = (*_activations(), *_products(), *_pools(), *_norms(), *_losses())
