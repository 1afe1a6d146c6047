"""What no table of numbers shows: kinks, masks, infinities, in-place writing, and the transforms."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pullback as pb
import pullback_nn as nn
import pytest
from helpers.checks import host, tensor
from pullback.extend import generic_kernels
from pullback_nn import functional as F  # noqa: N812  the name that everybody knows


def test_the_namespace_of_the_plugin_is_the_functional_module() -> None:
    assert pb.ops.nn.conv2d is F.conv2d
    assert set(dir(pb.ops.nn)) == set(F.__all__)


@pytest.mark.parametrize(
    ("name", "at", "slope"),
    [
        *[(name, 0.0, 0.0) for name in ("relu", "relu6")],
        *[("relu6", 6.0, 0.0), ("hardtanh", 1.0, 0.0), ("hardtanh", -1.0, 0.0), ("leaky_relu", 0.0, 0.01)],
        *[("hardsigmoid", 3.0, 0.0), ("hardshrink", 0.5, 0.0), ("softshrink", -0.5, 0.0), ("elu", 0.0, 1.0)],
    ],
)
def test_slopes_at_corners_are_pytorchs(name: str, at: float, slope: float, device: str) -> None:
    x = tensor(at, device, requires_grad=True)
    getattr(F, name)(x).backward()
    assert float(x.grad) == slope


@pytest.mark.parametrize("name", ["relu", "relu6", "hardtanh", "hardshrink", "softshrink", "hardsigmoid"])
@pytest.mark.parametrize("generic", [False, True])
def test_where_a_function_is_flat_an_infinite_cotangent_ends(name: str, generic: bool, device: str) -> None:
    """log(relu(x)) has the cotangent 1/0 at negative x."""
    x = tensor([0.1, -0.3] if "shrink" in name else [-5.0, 0.1], device, requires_grad=True)
    if generic:
        with generic_kernels():
            out = getattr(F, name)(x)
            out.backward(tensor([math.inf, math.nan], device))
    else:
        getattr(F, name)(x).backward(tensor([math.inf, math.nan], device))
    assert host(x.grad)[0] == 0.0


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gates_of_bits_are_exact(dtype: str) -> None:
    values = np.asarray([0.0, -0.0, 1.5, -2.5, math.inf, -math.inf, math.nan, 5e-324], dtype)
    for layout in (values, values.reshape(2, 4).T, values[::-2]):
        x = pb.asarray(layout.copy() if layout is values else layout, copy=False)
        mask = x > 0
        from pullback_nn.elementwise import gate

        fast = host(gate(x, mask))
        with generic_kernels():
            np.testing.assert_array_equal(fast, host(gate(x, mask)))
        assert fast.dtype == dtype
        assert gate(x, pb.zeros(x.shape, dtype=pb.bool)).tolist() == np.zeros(x.shape).tolist()


@pytest.mark.parametrize("name", ["relu", "elu", "silu", "hardtanh", "dropout"])
def test_inplace_writes_into_the_input(name: str, device: str) -> None:
    leaf = tensor([-1.0, 2.0], device, requires_grad=True)
    x = leaf * 1.0
    out = getattr(F, name)(x, inplace=True)
    assert out is x
    x.sum().backward()
    other = tensor([-1.0, 2.0], device, requires_grad=True)
    if name != "dropout":
        getattr(F, name)(other).sum().backward()
        np.testing.assert_array_equal(host(leaf.grad), host(other.grad))
    with pytest.raises(pb.errors.AutogradError, match="a leaf that requires grad"):
        getattr(F, name)(leaf, inplace=True)


def test_saturated_numbers_stay_finite(device: str) -> None:
    far = [-1e4, -800.0, 800.0, 1e4]
    expected = {
        "sigmoid": [0, 0, 1, 1],
        "logsigmoid": [-1e4, -800, 0, 0],
        "softplus": [0, 0, 800, 1e4],
        "silu": [0, 0, 800, 1e4],
    }
    expected |= {"mish": [0, 0, 800, 1e4], "gelu": [0, 0, 800, 1e4]}
    for name, values in expected.items():
        x = tensor(far, device, requires_grad=True)
        out = getattr(F, name)(x)
        np.testing.assert_allclose(host(out), values, atol=1e-300)
        out.sum().backward()
        assert np.isfinite(host(x.grad)).all(), name
    assert float(F.sigmoid(tensor(-700.0, device))) == pytest.approx(math.exp(-700), rel=1e-14)


def test_ties_in_a_window_share_the_gradient(device: str) -> None:
    x = tensor([[3.0, 3.0, 1.0, 2.0]], device, requires_grad=True)
    F.max_pool1d(x, 2).sum().backward()
    assert x.grad.tolist() == [[0.5, 0.5, 0.0, 1.0]]


def test_a_nan_is_the_maximum_of_its_window(device: str) -> None:
    out = F.max_pool1d(tensor([[1.0, math.nan, 2.0, 3.0]], device), 2)
    np.testing.assert_array_equal(host(out), [[math.nan, 3.0]])


# --- attention -------------------------------------------------------------------------------------------------------


def test_a_row_without_keys_is_zero_and_has_no_gradient(device: str) -> None:
    rng = np.random.default_rng(0)
    q, k, v = (tensor(rng.standard_normal((2, 2)), device, requires_grad=True) for _ in range(3))
    mask = tensor([[True, True], [False, False]], device)
    out = F.scaled_dot_product_attention(q, k, v, mask)
    assert out[1].tolist() == [0.0, 0.0]
    out.sum().backward()
    assert q.grad[1].tolist() == [0.0, 0.0]
    assert np.isfinite(host(k.grad)).all()


def test_masked_keys_have_no_part_whatever_they_hold(device: str) -> None:
    rng = np.random.default_rng(1)
    q, k = tensor(rng.standard_normal((2, 3)), device), rng.standard_normal((3, 3))
    v = rng.standard_normal((3, 2))
    mask = tensor([[True, True, False]] * 2, device)
    with_it = F.scaled_dot_product_attention(q, tensor(k, device), tensor(v, device), mask)
    without = F.scaled_dot_product_attention(q, tensor(k[:2], device), tensor(v[:2], device))
    np.testing.assert_allclose(host(with_it), host(without), rtol=1e-14)


def test_heads_are_attention_of_their_own() -> None:
    layer = nn.MultiheadAttention(6, 3, batch_first=True).to(pb.float64)
    x = tensor(np.random.default_rng(2).standard_normal((2, 4, 6)))
    out, weights = layer(x, x, x, average_attn_weights=False)
    assert weights.shape == (2, 3, 4, 4)
    q, k, v = (
        F.linear(x, w, b)
        for w, b in zip(
            (layer.in_proj_weight[:6, :], layer.in_proj_weight[6:12, :], layer.in_proj_weight[12:, :]),
            (layer.in_proj_bias[:6], layer.in_proj_bias[6:12], layer.in_proj_bias[12:]),
            strict=True,
        )
    )
    heads = [F.scaled_dot_product_attention(*(y[..., 2 * i : 2 * i + 2] for y in (q, k, v))) for i in range(3)]
    np.testing.assert_allclose(host(out), host(layer.out_proj(pb.concat(heads, axis=-1))), rtol=1e-12, atol=1e-14)
    assert layer(x, x, x, need_weights=False)[1] is None


# --- transforms ------------------------------------------------------------------------------------------------------


def network() -> Any:
    pb.manual_seed(5)
    return nn.Sequential(
        nn.Conv2d(1, 2, 3, padding=1), nn.GELU(), nn.MaxPool2d(2), nn.Flatten(), nn.LayerNorm(8), nn.Linear(8, 3)
    ).to(pb.float64)


def test_gradients_per_example() -> None:
    """vmap of grad of a functional call, against one backward pass per example."""
    net, rng = network(), np.random.default_rng(6)
    x, y = tensor(rng.standard_normal((4, 1, 4, 4))), pb.asarray([0, 2, 1, 1])
    parameters = {name: p.detach() for name, p in net.named_parameters()}

    def loss(parameters: Any, x: Any, y: Any) -> Any:
        out = nn.functional_call(net, parameters, (pb.expand_dims(x, axis=0),))
        return F.cross_entropy(out, pb.expand_dims(y, axis=0))

    grads = pb.func.vmap(pb.func.grad(loss), in_axes=(None, 0, 0))(parameters, x, y)
    for i in range(4):
        net.zero_grad()
        F.cross_entropy(net(x[i : i + 1]), y[i : i + 1]).backward()
        for name, p in net.named_parameters():
            np.testing.assert_allclose(host(grads[name][i]), host(p.grad), rtol=1e-9, atol=1e-12)
    assert all(p.requires_grad for p in net.parameters())


def test_products_with_the_hessian_of_a_network() -> None:
    """Forward over reverse agrees with reverse over reverse."""
    net, rng = network(), np.random.default_rng(7)
    x, y = tensor(rng.standard_normal((3, 1, 4, 4))), pb.asarray([0, 2, 1])
    parameters = {name: p.detach() for name, p in net.named_parameters()}
    directions = {name: tensor(rng.standard_normal(p.shape)) for name, p in parameters.items()}

    def loss(parameters: Any) -> Any:
        return F.cross_entropy(nn.functional_call(net, parameters, (x,)), y)

    _, forward = pb.func.jvp(pb.func.grad(loss), (parameters,), (directions,))

    def along(parameters: Any) -> Any:
        grads = pb.func.grad(loss)(parameters)
        return sum((grads[name] * directions[name]).sum() for name in grads)

    reverse = pb.func.grad(along)(parameters)
    for name in parameters:
        np.testing.assert_allclose(host(forward[name]), host(reverse[name]), rtol=1e-9, atol=1e-11)


def test_a_functional_call_gives_everything_back() -> None:
    net = nn.Sequential(nn.Linear(1, 1), nn.BatchNorm1d(1))
    own = dict(net.named_parameters())
    with pytest.raises(ZeroDivisionError):
        nn.functional_call(net, {"0.weight": pb.ones(1, 1)}, (1 / 0,))
    with pytest.raises(pb.errors.PullbackError):
        nn.functional_call(net, {"0.weight": pb.ones(1, 1)}, (pb.ones(2, 2),))
    assert dict(net.named_parameters()) == own or all(
        a is b for a, b in zip(own.values(), net.parameters(), strict=True)
    )


def test_importing_the_package_imports_no_library() -> None:
    import subprocess
    import sys

    program = "import sys, pullback_nn; assert not {'numpy', 'scipy', 'torch'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)
