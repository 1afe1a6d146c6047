"""The rows of products, convolutions, attention, pooling and normalization."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pullback_conformance import Arg, Domain, Kink, OpSpec, case

from pullback_nn.conformance import definitions as d
from pullback_nn.conformance.rows import DISTINCT, POSITIVE, WIDE, Reference, claimed

_MODES = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}
"""PyTorch's words for what is around an array, and NumPy's."""


def products() -> Iterator[OpSpec]:
    """Linear maps, convolutions, attention and tables."""
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


def pools() -> Iterator[OpSpec]:
    """Pooling."""
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


def norms() -> Iterator[OpSpec]:
    """Normalization."""
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
