"""Normalization layers."""

from __future__ import annotations

from typing import Any, ClassVar

import pullback as pb
from pullback.errors import ArgumentError, ShapeError

from pullback_nn import functional as F  # noqa: N812  the name that everybody knows
from pullback_nn import init
from pullback_nn.modules.linear import parameter
from pullback_nn.modules.module import Module


class _Affine(Module):
    """A weight of ones and a bias of zeros, if wanted."""

    def __init__(self, shape: tuple[int, ...], weight: bool, bias: bool, device: Any, dtype: Any) -> None:
        super().__init__()
        self.register_parameter("weight", parameter(shape, dtype, device) if weight else None)
        self.register_parameter("bias", parameter(shape, dtype, device) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """A weight of ones, a bias of zeros."""
        for fill, x in ((init.ones_, self.weight), (init.zeros_, self._parameters.get("bias"))):
            if x is not None:
                fill(x)


class LayerNorm(_Affine):
    """`F.layer_norm` over the last axes, with a weight and a bias for each of their elements.

    >>> import pullback as pb, pullback_nn as nn
    >>> nn.LayerNorm(2)(pb.tensor([[1.0, 3.0]])).detach()
    tensor([[-1.0000,  1.0000]])
    """

    def __init__(
        self,
        normalized_shape: Any,
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        super().__init__(shape, elementwise_affine, elementwise_affine and bias, device, dtype)
        self.normalized_shape, self.eps, self.elementwise_affine = shape, eps, elementwise_affine

    def forward(self, input: Any) -> Any:
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


class RMSNorm(Module):
    """`F.rms_norm` over the last axes, with a weight for each of their elements."""

    def __init__(
        self,
        normalized_shape: Any,
        eps: float | None = None,
        elementwise_affine: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        self.register_parameter(
            "weight", parameter(self.normalized_shape, dtype, device) if elementwise_affine else None
        )
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """A weight of ones."""
        if self.weight is not None:
            init.ones_(self.weight)

    def forward(self, input: Any) -> Any:
        return F.rms_norm(input, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


class GroupNorm(_Affine):
    """`F.group_norm`, with a weight and a bias for each channel."""

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if num_channels % num_groups:
            raise ArgumentError(f"GroupNorm: {num_channels} channels cannot be cut into {num_groups} groups")
        super().__init__((num_channels,), affine, affine, device, dtype)
        self.num_groups, self.num_channels, self.eps, self.affine = num_groups, num_channels, eps, affine

    def forward(self, input: Any) -> Any:
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}"


class _Running(_Affine):
    """Parameters per channel, and running statistics as buffers."""

    ndims: ClassVar[tuple[int, ...]]

    def __init__(
        self, num_features: int, eps: float, momentum: Any, affine: bool, track: bool, device: Any, dtype: Any
    ) -> None:
        super().__init__((num_features,), affine, affine, device, dtype)
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats = affine, track
        like = {"dtype": dtype, "device": device}
        self.register_buffer("running_mean", pb.zeros((num_features,), **like) if track else None)
        self.register_buffer("running_var", pb.ones((num_features,), **like) if track else None)
        count = pb.asarray(0, dtype=pb.int64, device=device) if track else None
        self.register_buffer("num_batches_tracked", count)

    def reset_running_stats(self) -> None:
        """A running mean of 0 and variance of 1."""
        if self.track_running_stats:
            self.running_mean.zero_()
            self.running_var.fill_(1)
            self.num_batches_tracked.zero_()

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"track_running_stats={self.track_running_stats}"
        )


class _BatchNorm(_Running):
    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype)

    def _step(self) -> float:
        """Counts one batch; how far the running statistics go towards it: all alike where `momentum` is None."""
        if self.running_mean is None or not self.training:
            return 0.0
        self.num_batches_tracked += 1
        return 1 / int(self.num_batches_tracked) if self.momentum is None else float(self.momentum)

    def forward(self, input: Any) -> Any:
        if input.ndim not in self.ndims or input.shape[1] != self.num_features:
            _refuse(self, input)
        training = self.training or self.running_mean is None
        mean, var = self.running_mean, self.running_var
        return F.batch_norm(input, mean, var, self.weight, self.bias, training, self._step(), self.eps)


def _refuse(module: Any, input: Any) -> None:
    axes = " or ".join(map(str, module.ndims))
    raise ShapeError(
        f"{type(module).__name__}: an input of {axes} axes with {module.num_features} channels is needed, it has shape "
        f"{input.shape}"
    )


class BatchNorm1d(_BatchNorm):
    """`F.batch_norm` over (batch, channels) or (batch, channels, length), with running statistics for `eval()`.

    >>> import pullback as pb, pullback_nn as nn
    >>> norm = nn.BatchNorm1d(1)
    >>> norm(pb.tensor([[1.0], [3.0]])).detach()
    tensor([[-1.0000],
            [ 1.0000]])
    >>> norm.running_mean
    tensor([0.2000])
    """

    ndims = (2, 3)


class BatchNorm2d(_BatchNorm):
    """`F.batch_norm` over (batch, channels, height, width), with running statistics for `eval()`."""

    ndims = (4,)


class BatchNorm3d(_BatchNorm):
    """`F.batch_norm` over (batch, channels, depth, height, width), with running statistics for `eval()`."""

    ndims = (5,)


class _InstanceNorm(_Running):
    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype)

    def forward(self, input: Any) -> Any:
        alone = input.ndim == self.ndims[0] - 1
        x = pb.expand_dims(input, axis=0) if alone else input
        if x.ndim not in self.ndims or x.shape[1] != self.num_features:
            _refuse(self, input)
        own = self.training or self.running_mean is None
        mean, var = self.running_mean, self.running_var
        out = F.instance_norm(x, mean, var, self.weight, self.bias, own, self.momentum, self.eps)
        return pb.squeeze(out, axis=0) if alone else out


class InstanceNorm1d(_InstanceNorm):
    """`F.instance_norm` over (batch, channels, length)."""

    ndims = (3,)


class InstanceNorm2d(_InstanceNorm):
    """`F.instance_norm` over (batch, channels, height, width)."""

    ndims = (4,)


class InstanceNorm3d(_InstanceNorm):
    """`F.instance_norm` over (batch, channels, depth, height, width)."""

    ndims = (5,)


class LocalResponseNorm(Module):
    """`F.local_response_norm` as a layer."""

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        super().__init__()
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k

    def forward(self, input: Any) -> Any:
        return F.local_response_norm(input, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"
