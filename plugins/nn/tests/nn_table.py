"""Configurations of functions and layers, drawn at random once and for all, with the numbers that go into them.

`make_reference.py` runs them in PyTorch and stores the results; `test_reference.py` runs them here. Nothing but NumPy is
needed to read this table, so that both see the same.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Config:
    """A call `F.NAME(**arrays, **options)`, or a layer `nn.NAME(*arguments, **options)` called on the arrays.

    An array is a shape and what is in it: see `draw`.
    """

    id: str
    name: str
    arrays: dict[str, tuple[Shape, str]]
    options: dict[str, Any] = field(default_factory=dict)
    arguments: tuple[Any, ...] | None = None
    training: bool = True

    @property
    def is_layer(self) -> bool:
        return self.arguments is not None

    def values(self) -> dict[str, np.ndarray]:
        """The numbers that go in."""
        rng = np.random.default_rng(zlib.crc32(self.id.encode()))
        return {name: draw(rng, shape, kind) for name, (shape, kind) in self.arrays.items()}

    def wanted(self) -> list[str]:
        """The arrays that the result is differentiated with respect to."""
        kinds = ("class", "ignored", "bool", "blocked", "sign", "count")
        fixed = {name for name, (_, kind) in self.arrays.items() if kind.partition(":")[0] in kinds}
        fixed |= {"running_mean", "running_var"}
        if "target" in self.arrays:  # PyTorch has no gradients with respect to the weights of losses
            fixed |= {"weight", "pos_weight"}
        return [name for name in self.arrays if name not in fixed]

    def cotangent(self, shape: Shape) -> np.ndarray:
        """What the result is multiplied with before it is summed up."""
        return np.random.default_rng(zlib.crc32(f"{self.id}/ct".encode())).standard_normal(shape)

    def state(self, name: str, shape: Shape) -> np.ndarray:
        """The values of a parameter or buffer."""
        rng = np.random.default_rng(zlib.crc32(f"{self.id}/{name}".encode()))
        return draw(rng, shape, "positive" if name.endswith("running_var") else "normal")


def draw(rng: np.random.Generator, shape: Shape, kind: str) -> np.ndarray:
    """Numbers of a kind."""
    kind, _, number = kind.partition(":")
    if kind == "class":
        return np.asarray(rng.integers(0, int(number), shape))
    if kind == "ignored":  # class numbers, of which the first does not count
        found = np.asarray(rng.integers(0, int(number), shape))
        found.reshape(-1)[0] = -100
        return found
    if kind == "bool":  # no row without a true one
        found = np.asarray(rng.uniform(size=shape) < 0.6)
        found[..., 0] = True
        return found
    if kind == "blocked":
        found = np.asarray(rng.uniform(size=shape) < 0.4)
        found[..., 0] = False
        return found
    if kind == "sign":
        return np.asarray(rng.choice([-1.0, 1.0], shape))
    if kind == "count":
        return np.asarray(rng.integers(0, 5, shape)).astype(float)
    if kind == "unit":
        return np.asarray(rng.uniform(0.05, 0.95, shape))
    if kind == "positive":
        return np.asarray(rng.uniform(0.5, 2.0, shape))
    if kind == "distribution":  # along axis 1
        found = rng.uniform(0.1, 1.0, shape)
        return np.asarray(found / found.sum(axis=1, keepdims=True))
    return np.asarray(rng.standard_normal(shape) * float(number or 1.0))


NORMAL = "normal"


def _pick(rng: np.random.Generator, axes: int, options: list[int]) -> Any:
    """One number for all axes, or one for each."""
    numbers = tuple(int(n) for n in rng.choice(options, axes))
    return numbers[0] if rng.uniform() < 0.4 else numbers


def _each(value: Any, axes: int) -> Shape:
    return value if isinstance(value, tuple) else (value,) * axes


def _convolutions() -> Iterator[Config]:
    rng = np.random.default_rng(1)
    for axes, count in ((1, 12), (2, 16), (3, 8)):
        for i in range(count):
            groups = int(rng.choice([1, 1, 2, 3]))
            inner, outer = groups * int(rng.integers(1, 3)), groups * int(rng.integers(1, 3))
            size = tuple(int(n) for n in rng.integers(1, 4, axes))
            stride, dilation = _pick(rng, axes, [1, 2, 3]), _pick(rng, axes, [1, 1, 2])
            padding: Any = _pick(rng, axes, [0, 1, 2])
            if i % 4 == 3:
                padding = "same" if i % 8 == 7 else "valid"
                stride = 1 if padding == "same" else stride
            around = _each(0 if isinstance(padding, str) else padding, axes)
            reach = [d * (k - 1) + 1 for d, k in zip(_each(dilation, axes), size, strict=True)]
            length = tuple(max(r - 2 * p, 1) + int(rng.integers(0, 4)) for r, p in zip(reach, around, strict=True))
            arrays = {"input": ((2, inner, *length), NORMAL), "weight": ((outer, inner // groups, *size), NORMAL)}
            if i % 5 == 4:
                arrays["input"] = ((inner, *length), NORMAL)
            if i % 3:
                arrays["bias"] = ((outer,), NORMAL)
            options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
            yield Config(f"conv{axes}d/{i}", f"conv{axes}d", arrays, options)


def _transposed() -> Iterator[Config]:
    rng = np.random.default_rng(2)
    for axes, count in ((1, 10), (2, 12), (3, 6)):
        for i in range(count):
            groups = int(rng.choice([1, 1, 2]))
            inner, outer = groups * int(rng.integers(1, 3)), groups * int(rng.integers(1, 3))
            size = tuple(int(n) for n in rng.integers(1, 4, axes))
            stride, dilation = _pick(rng, axes, [1, 2, 3]), _pick(rng, axes, [1, 1, 2])
            sides = list(zip(_each(stride, axes), _each(dilation, axes), size, strict=True))
            extra = tuple(int(rng.integers(0, max(s, d))) for s, d, _ in sides)
            length = tuple(int(n) for n in rng.integers(2, 5, axes))
            most = [((n - 1) * s + d * (k - 1)) // 2 for n, (s, d, k) in zip(length, sides, strict=True)]
            padding = tuple(int(rng.integers(0, min(m, 2) + 1)) for m in most)
            arrays = {"input": ((2, inner, *length), NORMAL), "weight": ((inner, outer // groups, *size), NORMAL)}
            if i % 3:
                arrays["bias"] = ((outer,), NORMAL)
            options = {
                "stride": stride,
                "padding": padding,
                "output_padding": extra,
                "groups": groups,
                "dilation": dilation,
            }
            yield Config(f"conv_transpose{axes}d/{i}", f"conv_transpose{axes}d", arrays, options)


def _pools() -> Iterator[Config]:
    rng = np.random.default_rng(3)
    for axes, count in ((1, 6), (2, 8), (3, 4)):
        for i in range(count):
            size = _pick(rng, axes, [2, 3])
            dilation = _pick(rng, axes, [1, 1, 2])
            stride = _pick(rng, axes, [1, 2, 3])
            around = tuple(int(rng.integers(0, k // 2 + 1)) for k in _each(size, axes))
            reach = [d * (k - 1) + 1 for d, k in zip(_each(dilation, axes), _each(size, axes), strict=True)]
            length = tuple(r + int(rng.integers(0, 4)) for r in reach)
            arrays = {"input": ((2, 2, *length), NORMAL)}
            options = {"kernel_size": size, "stride": stride, "padding": around, "ceil_mode": bool(i % 2)}
            yield Config(f"max_pool{axes}d/{i}", f"max_pool{axes}d", arrays, {**options, "dilation": dilation})
            means = {**options, "count_include_pad": bool(i // 2 % 2)}
            if axes > 1 and i == 3:
                means["divisor_override"] = 5
            yield Config(f"avg_pool{axes}d/{i}", f"avg_pool{axes}d", arrays, means)
        for i, wanted in enumerate([1, 2, 3, (None, *(2,) * (axes - 1)) if axes > 1 else 5]):
            arrays = {"input": ((2, 2, *(7, 6, 4)[:axes]), NORMAL)}
            for kind in ("avg", "max"):
                name = f"adaptive_{kind}_pool{axes}d"
                yield Config(f"{name}/{i}", name, arrays, {"output_size": wanted})
    for axes, length in ((1, (7,)), (2, (7, 6))):
        for p in (2.0, 3.0):
            arrays = {"input": ((2, 2, *length), "positive")}
            name = f"lp_pool{axes}d"
            yield Config(
                f"{name}/{p}", name, arrays, {"norm_type": p, "kernel_size": 3, "stride": 2, "ceil_mode": False}
            )


ACTIVATIONS: dict[str, list[dict[str, Any]]] = {
    **{name: [{}] for name in ("relu", "relu6", "selu", "silu", "mish", "sigmoid", "logsigmoid", "tanh", "tanhshrink")},
    **{name: [{}] for name in ("softsign", "hardsigmoid", "hardswish")},
    "hardtanh": [{}, {"min_val": -0.5, "max_val": 2.0}],
    "leaky_relu": [{}, {"negative_slope": 0.3}],
    "elu": [{}, {"alpha": 0.7}],
    "celu": [{}, {"alpha": 0.7}],
    "gelu": [{}, {"approximate": "tanh"}],
    "softplus": [{}, {"beta": 2.0, "threshold": 3.0}],
    "hardshrink": [{}, {"lambd": 1.0}],
    "softshrink": [{}, {"lambd": 1.0}],
    "threshold": [{"threshold": 0.3, "value": 7.0}],
    "rrelu": [{"lower": 0.1, "upper": 0.3}],
    "softmax": [{"dim": 0}, {"dim": -1}],
    "softmin": [{"dim": 1}],
    "log_softmax": [{"dim": 0}, {"dim": -1}],
    "glu": [{"dim": -1}, {"dim": 0}],
}


def _activations() -> Iterator[Config]:
    for name, variants in ACTIVATIONS.items():
        for i, options in enumerate(variants):
            yield Config(f"{name}/{i}", name, {"input": ((4, 6), "normal:3")}, options)
    yield Config("gelu/far", "gelu", {"input": ((30,), "normal:8")})
    yield Config("prelu/0", "prelu", {"input": ((3, 4), NORMAL), "weight": ((1,), NORMAL)})
    yield Config("prelu/1", "prelu", {"input": ((2, 3, 4), NORMAL), "weight": ((3,), NORMAL)})


def _linear() -> Iterator[Config]:
    for i, (shape, out, bias) in enumerate(
        [((3,), 2, True), ((4, 3), 2, False), ((2, 4, 3), 5, True), ((2, 1, 2, 3), 2, True)]
    ):
        arrays = {"input": (shape, NORMAL), "weight": ((out, 3), NORMAL)}
        yield Config(f"linear/{i}", "linear", arrays | ({"bias": ((out,), NORMAL)} if bias else {}))
    arrays = {
        "input1": ((4, 3), NORMAL),
        "input2": ((4, 2), NORMAL),
        "weight": ((5, 3, 2), NORMAL),
        "bias": ((5,), NORMAL),
    }
    yield Config("bilinear/0", "bilinear", arrays)
    for mode in ("constant", "reflect", "replicate", "circular"):
        options = {"pad": (2, 1, 1, 3), "mode": mode} | ({"value": 0.5} if mode == "constant" else {})
        yield Config(f"pad/{mode}", "pad", {"input": ((2, 2, 4, 5), NORMAL)}, options)
    yield Config("pad/negative", "pad", {"input": ((2, 5, 6), NORMAL)}, {"pad": (-1, 2, 1, -2)})
    yield Config("embedding/0", "embedding", {"input": ((3, 4), "class:6"), "weight": ((6, 2), NORMAL)})
    yield Config(
        "embedding/1", "embedding", {"input": ((9,), "class:4"), "weight": ((4, 2), NORMAL)}, {"padding_idx": 2}
    )
    yield Config(
        "embedding/2", "embedding", {"input": ((9,), "class:4"), "weight": ((4, 2), NORMAL)}, {"padding_idx": -1}
    )


def _norms() -> Iterator[Config]:
    for i, (shape, last) in enumerate([((4, 3), (3,)), ((2, 3, 4), (3, 4)), ((2, 3, 4), (4,))]):
        affine = {"weight": (last, NORMAL), "bias": (last, NORMAL)} if i else {}
        yield Config(
            f"layer_norm/{i}",
            "layer_norm",
            {"input": (shape, NORMAL), **affine},
            {"normalized_shape": last, "eps": 0.01},
        )
        scale = {"weight": (last, NORMAL)} if i else {}
        yield Config(
            f"rms_norm/{i}",
            "rms_norm",
            {"input": (shape, NORMAL), **scale},
            {"normalized_shape": last, "eps": 0.01 if i else None},
        )
    for i, (shape, groups) in enumerate([((3, 4), 2), ((2, 6, 5), 3), ((2, 4, 2, 3), 1), ((2, 4, 3, 2), 4)]):
        affine = {"weight": ((shape[1],), NORMAL), "bias": ((shape[1],), NORMAL)} if i % 2 else {}
        yield Config(f"group_norm/{i}", "group_norm", {"input": (shape, NORMAL), **affine}, {"num_groups": groups})
    for i, shape in enumerate([(5, 3), (3, 2, 4), (2, 3, 2, 3), (2, 2, 2, 2, 3)]):
        channels = (shape[1],)
        running = {"running_mean": (channels, NORMAL), "running_var": (channels, "positive")}
        affine = {"weight": (channels, NORMAL), "bias": (channels, NORMAL)}
        for training in (True, False):
            arrays = {"input": (shape, NORMAL), **running, **(affine if i else {})}
            yield Config(f"batch_norm/{i}/{training}", "batch_norm", arrays, {"training": training, "momentum": 0.3})
        if i:
            arrays = {"input": (shape, NORMAL), **(affine if i % 2 else {})}
            yield Config(f"instance_norm/{i}", "instance_norm", arrays, {"eps": 0.01})
    yield Config(
        "local_response_norm/0", "local_response_norm", {"input": ((2, 5, 3), NORMAL)}, {"size": 3, "alpha": 0.5}
    )
    yield Config(
        "local_response_norm/1", "local_response_norm", {"input": ((2, 5, 2, 2), NORMAL)}, {"size": 2, "alpha": 0.5}
    )


REDUCTIONS = ("mean", "sum", "none")


def _losses() -> Iterator[Config]:
    pair = {"input": ((4, 3), NORMAL), "target": ((4, 3), NORMAL)}
    for reduction in REDUCTIONS:
        how = {"reduction": reduction}
        simple: list[tuple[str, Any, dict[str, Any]]] = [
            ("mse_loss", pair, {}),
            ("l1_loss", pair, {}),
            ("smooth_l1_loss", pair, {"beta": 0.7}),
            ("huber_loss", pair, {"delta": 0.7}),
            ("soft_margin_loss", {"input": ((4, 3), NORMAL), "target": ((4, 3), "sign")}, {}),
            ("hinge_embedding_loss", {"input": ((4, 3), NORMAL), "target": ((4, 3), "sign")}, {"margin": 0.5}),
            (
                "binary_cross_entropy",
                {"input": ((4, 3), "unit"), "target": ((4, 3), "unit"), "weight": ((4, 3), "positive")},
                {},
            ),
            ("poisson_nll_loss", {"input": ((4, 3), NORMAL), "target": ((4, 3), "count")}, {"full": True}),
            ("poisson_nll_loss", {"input": ((4, 3), "positive"), "target": ((4, 3), "count")}, {"log_input": False}),
            ("gaussian_nll_loss", {**pair, "var": ((4, 3), "positive")}, {"full": True}),
            ("gaussian_nll_loss", {**pair, "var": ((4,), "positive")}, {}),
            ("kl_div", {"input": ((4, 3), NORMAL), "target": ((4, 3), "distribution")}, {}),
            ("kl_div", {"input": ((4, 3), NORMAL), "target": ((4, 3), NORMAL)}, {"log_target": True}),
        ]
        for i, (name, arrays, options) in enumerate(simple):
            yield Config(f"{name}/{reduction}/{i}", name, arrays, options | how)
        logits = {"input": ((4, 3), "normal:4"), "target": ((4, 3), "unit")}
        name = "binary_cross_entropy_with_logits"
        yield Config(
            f"{name}/{reduction}",
            name,
            {**logits, "weight": ((4, 3), "positive"), "pos_weight": ((3,), "positive")},
            how,
        )
        yield Config(
            f"margin_ranking_loss/{reduction}",
            "margin_ranking_loss",
            {"input1": ((5,), NORMAL), "input2": ((5,), NORMAL), "target": ((5,), "sign")},
            {"margin": 0.3} | how,
        )
        yield Config(
            f"cosine_embedding_loss/{reduction}",
            "cosine_embedding_loss",
            {"input1": ((5, 3), NORMAL), "input2": ((5, 3), NORMAL), "target": ((5,), "sign")},
            {"margin": 0.1} | how,
        )
        three = dict.fromkeys(("anchor", "positive", "negative"), ((5, 3), NORMAL))
        yield Config(
            f"triplet_margin_loss/{reduction}",
            "triplet_margin_loss",
            three,
            {"margin": 2.0, "swap": reduction == "sum"} | how,
        )
    yield Config(
        "kl_div/batchmean",
        "kl_div",
        {"input": ((4, 3), NORMAL), "target": ((4, 3), "distribution")},
        {"reduction": "batchmean"},
    )
    yield Config(
        "cosine_similarity/0", "cosine_similarity", {"x1": ((4, 3), NORMAL), "x2": ((4, 3), NORMAL)}, {"dim": 1}
    )
    yield Config(
        "cosine_similarity/1", "cosine_similarity", {"x1": ((4, 3), NORMAL), "x2": ((4, 3), NORMAL)}, {"dim": 0}
    )
    yield Config(
        "pairwise_distance/0", "pairwise_distance", {"x1": ((4, 3), NORMAL), "x2": ((4, 3), NORMAL)}, {"p": 2.0}
    )
    yield Config(
        "pairwise_distance/1",
        "pairwise_distance",
        {"x1": ((4, 3), NORMAL), "x2": ((4, 3), NORMAL)},
        {"p": 1.0, "keepdim": True},
    )
    yield Config("normalize/0", "normalize", {"input": ((4, 3), NORMAL)}, {"dim": 1})
    yield Config("normalize/1", "normalize", {"input": ((4, 3), NORMAL)}, {"p": 3.0, "dim": 0})


def _classes() -> Iterator[Config]:
    shapes: list[tuple[Shape, Shape]] = [((4,), ()), ((5, 4), (5,)), ((3, 4, 2), (3, 2)), ((2, 4, 2, 2), (2, 2, 2))]
    for reduction in REDUCTIONS:
        for i, (shape, rest) in enumerate(shapes):
            weight = {"weight": ((4,), "positive")} if i % 2 else {}
            kind = "ignored:4" if i else "class:4"
            arrays = {"input": (shape, NORMAL), "target": (rest, kind), **weight}
            yield Config(f"nll_loss/{reduction}/{i}", "nll_loss", arrays, {"reduction": reduction})
            smooth = {"label_smoothing": 0.2} if i >= 2 or reduction == "sum" else {}
            yield Config(f"cross_entropy/{reduction}/{i}", "cross_entropy", arrays, {"reduction": reduction} | smooth)
        for i, (shape, _) in enumerate(shapes[1:]):
            weight = {"weight": ((4,), "positive")} if i % 2 else {}
            arrays = {"input": (shape, NORMAL), "target": (shape, "distribution"), **weight}
            smooth = {"label_smoothing": 0.1} if i else {}
            yield Config(
                f"cross_entropy/{reduction}/soft{i}", "cross_entropy", arrays, {"reduction": reduction} | smooth
            )


def _attention() -> Iterator[Config]:
    name = "scaled_dot_product_attention"
    base = {"query": ((2, 3, 4), NORMAL), "key": ((2, 5, 4), NORMAL), "value": ((2, 5, 2), NORMAL)}
    heads = {"query": ((2, 4, 3, 4), NORMAL), "key": ((2, 2, 5, 4), NORMAL), "value": ((2, 2, 5, 4), NORMAL)}
    yield Config(f"{name}/plain", name, base)
    yield Config(f"{name}/scale", name, base, {"scale": 0.3})
    yield Config(f"{name}/causal", name, base, {"is_causal": True})
    yield Config(f"{name}/bool", name, {**base, "attn_mask": ((3, 5), "bool")})
    yield Config(f"{name}/numbers", name, {**base, "attn_mask": ((2, 3, 5), NORMAL)})
    yield Config(f"{name}/heads", name, heads, {"enable_gqa": True})


LAYERS: list[tuple[str, tuple[Any, ...], dict[str, Any], dict[str, tuple[Shape, str]]]] = [
    ("Linear", (3, 2), {}, {"input": ((4, 3), NORMAL)}),
    ("Linear", (3, 2), {"bias": False}, {"input": ((2, 4, 3), NORMAL)}),
    ("Bilinear", (3, 2, 4), {}, {"input1": ((5, 3), NORMAL), "input2": ((5, 2), NORMAL)}),
    ("Conv1d", (2, 4, 3), {"padding": "same", "groups": 2}, {"input": ((2, 2, 6), NORMAL)}),
    ("Conv2d", (2, 3, (2, 3)), {"stride": 2, "padding": (1, 0)}, {"input": ((2, 2, 5, 6), NORMAL)}),
    ("Conv2d", (2, 3, 3), {"padding": 1, "padding_mode": "reflect"}, {"input": ((2, 2, 4, 4), NORMAL)}),
    ("Conv2d", (2, 3, 3), {"padding": 1, "padding_mode": "circular", "bias": False}, {"input": ((2, 2, 4, 4), NORMAL)}),
    ("Conv2d", (2, 3, 4), {"padding": "same", "padding_mode": "replicate"}, {"input": ((2, 2, 5, 4), NORMAL)}),
    ("Conv3d", (2, 2, 2), {"dilation": 2}, {"input": ((1, 2, 3, 4, 3), NORMAL)}),
    ("ConvTranspose1d", (2, 4, 3), {"stride": 2, "output_padding": 1}, {"input": ((2, 2, 4), NORMAL)}),
    ("ConvTranspose2d", (4, 2, 3), {"stride": 2, "padding": 1, "groups": 2}, {"input": ((1, 4, 3, 3), NORMAL)}),
    ("ConvTranspose3d", (2, 2, 2), {"bias": False}, {"input": ((1, 2, 2, 3, 2), NORMAL)}),
    ("BatchNorm1d", (3,), {}, {"input": ((5, 3), NORMAL)}),
    ("BatchNorm1d", (3,), {"affine": False, "momentum": None}, {"input": ((4, 3, 2), NORMAL)}),
    ("BatchNorm2d", (3,), {"track_running_stats": False}, {"input": ((2, 3, 2, 2), NORMAL)}),
    ("BatchNorm2d", (3,), {"momentum": 0.3, "eps": 0.01}, {"input": ((2, 3, 2, 2), NORMAL)}),
    ("BatchNorm3d", (2,), {}, {"input": ((2, 2, 2, 2, 2), NORMAL)}),
    ("InstanceNorm1d", (3,), {}, {"input": ((2, 3, 4), NORMAL)}),
    ("InstanceNorm1d", (3,), {"affine": True}, {"input": ((3, 4), NORMAL)}),
    ("InstanceNorm2d", (3,), {"affine": True, "track_running_stats": True}, {"input": ((2, 3, 2, 2), NORMAL)}),
    ("InstanceNorm3d", (2,), {}, {"input": ((1, 2, 2, 2, 2), NORMAL)}),
    ("LayerNorm", (4,), {}, {"input": ((2, 3, 4), NORMAL)}),
    ("LayerNorm", ((3, 4),), {"bias": False}, {"input": ((2, 3, 4), NORMAL)}),
    ("LayerNorm", (4,), {"elementwise_affine": False}, {"input": ((2, 4), NORMAL)}),
    ("RMSNorm", (4,), {}, {"input": ((2, 4), NORMAL)}),
    ("GroupNorm", (2, 4), {}, {"input": ((2, 4, 3), NORMAL)}),
    ("GroupNorm", (2, 4), {"affine": False}, {"input": ((2, 4, 3), NORMAL)}),
    ("LocalResponseNorm", (2,), {}, {"input": ((2, 4, 3), NORMAL)}),
    ("Embedding", (5, 3), {}, {"input": ((2, 4), "class:5")}),
    ("Embedding", (5, 3), {"padding_idx": 1}, {"input": ((6,), "class:5")}),
    ("PReLU", (3,), {}, {"input": ((2, 3, 2), NORMAL)}),
    ("MaxPool2d", (2,), {"padding": 1}, {"input": ((1, 2, 5, 5), NORMAL)}),
    ("AvgPool2d", ((2, 3),), {"count_include_pad": False, "padding": 1}, {"input": ((1, 2, 5, 5), NORMAL)}),
    ("AdaptiveAvgPool2d", (2,), {}, {"input": ((1, 2, 5, 4), NORMAL)}),
    ("LPPool2d", (2.0, 2), {}, {"input": ((1, 2, 4, 4), "positive")}),
    ("Flatten", (), {}, {"input": ((2, 3, 2), NORMAL)}),
    ("Unflatten", (1, (2, 3)), {}, {"input": ((2, 6), NORMAL)}),
    ("Identity", (), {}, {"input": ((2, 3), NORMAL)}),
    ("Dropout", (0.0,), {}, {"input": ((2, 3), NORMAL)}),
    ("Softmax", (1,), {}, {"input": ((2, 3), NORMAL)}),
    ("Softplus", (2.0,), {}, {"input": ((2, 3), NORMAL)}),
    ("Hardtanh", (-0.3, 0.5), {}, {"input": ((2, 3), NORMAL)}),
    ("Threshold", (0.1, 20.0), {}, {"input": ((2, 3), NORMAL)}),
    ("MSELoss", (), {}, {"input": ((2, 3), NORMAL), "target": ((2, 3), NORMAL)}),
    ("HuberLoss", (), {"delta": 0.5}, {"input": ((2, 3), NORMAL), "target": ((2, 3), NORMAL)}),
    ("CrossEntropyLoss", (), {"label_smoothing": 0.1}, {"input": ((4, 3), NORMAL), "target": ((4,), "class:3")}),
    ("NLLLoss", (), {"ignore_index": 1}, {"input": ((4, 3), NORMAL), "target": ((4,), "class:3")}),
    ("BCEWithLogitsLoss", (), {}, {"input": ((2, 3), NORMAL), "target": ((2, 3), "unit")}),
    ("KLDivLoss", (), {"reduction": "batchmean"}, {"input": ((2, 3), NORMAL), "target": ((2, 3), "distribution")}),
    ("TripletMarginLoss", (), {}, dict.fromkeys(("anchor", "positive", "negative"), ((4, 3), NORMAL))),
    ("CosineSimilarity", (), {}, {"x1": ((4, 3), NORMAL), "x2": ((4, 3), NORMAL)}),
    (
        "MultiheadAttention",
        (6, 2),
        {},
        dict.fromkeys(("query", "key", "value"), ((3, 2, 6), NORMAL)),
    ),
    (
        "MultiheadAttention",
        (6, 3),
        {"batch_first": True, "kdim": 4, "vdim": 5, "add_bias_kv": True, "add_zero_attn": True},
        {
            "query": ((2, 3, 6), NORMAL),
            "key": ((2, 4, 4), NORMAL),
            "value": ((2, 4, 5), NORMAL),
            "key_padding_mask": ((2, 4), "blocked"),
            "attn_mask": ((3, 4), "blocked"),
        },
    ),
    (
        "MultiheadAttention",
        (4, 2),
        {"bias": False, "batch_first": True},
        {**dict.fromkeys(("query", "key", "value"), ((3, 4), NORMAL)), "attn_mask": ((2, 3, 3), NORMAL)},
    ),
]


def _layers() -> Iterator[Config]:
    for i, (name, arguments, options, arrays) in enumerate(LAYERS):
        modes = (True, False) if "Norm" in name else (True,)
        for training in modes:
            yield Config(f"layer/{i}/{name}/{training}", name, arrays, options, arguments, training)


def every() -> list[Config]:
    """All configurations."""
    chapters = (
        *(_activations, _linear, _convolutions, _transposed, _pools, _norms, _losses, _classes, _attention, _layers),
    )
    return [config for chapter in chapters for config in chapter()]
