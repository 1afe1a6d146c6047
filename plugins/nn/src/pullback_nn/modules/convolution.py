"""Convolution layers."""

from __future__ import annotations

from typing import Any, ClassVar

from pullback.errors import ArgumentError, ShapeError

from pullback_nn import functional as F  # noqa: N812  the name that everybody knows
from pullback_nn.arguments import Ints, read_index, read_ints
from pullback_nn.modules.linear import fill_uniformly, parameter
from pullback_nn.modules.module import Module

_FORWARD: dict[int, Any] = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
_BACK: dict[int, Any] = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}


class _Convolution(Module):
    """What all have in common; `axes` is how many the windows slide over."""

    axes: ClassVar[int]
    transposed: ClassVar[bool] = False

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any,
        padding: Any,
        dilation: Any,
        groups: int,
        bias: bool,
        device: Any,
        dtype: Any,
    ) -> None:
        super().__init__()
        op, axes = type(self).__name__, self.axes
        self.groups = read_index(op, "groups", groups, least=1)
        self.in_channels = read_index(op, "in_channels", in_channels, least=1)
        self.out_channels = read_index(op, "out_channels", out_channels, least=1)
        for name, channels in (("in_channels", in_channels), ("out_channels", out_channels)):
            if channels % groups:
                raise ArgumentError(f"{op}: {name} {channels} cannot be cut into {groups} groups")
        self.kernel_size = read_ints(op, "kernel_size", kernel_size, axes, least=1)
        self.stride = read_ints(op, "stride", stride, axes, least=1)
        self.padding = padding if isinstance(padding, str) else read_ints(op, "padding", padding, axes, least=0)
        self.dilation = read_ints(op, "dilation", dilation, axes, least=1)
        if isinstance(self.padding, str) and (self.padding not in ("same", "valid") or self.transposed):
            raise ArgumentError(
                f"{op}: padding must be integers{'' if self.transposed else ', same or valid'}, got {padding!r}"
            )
        if self.padding == "same" and set(self.stride) != {1}:
            raise ArgumentError(
                f"{op}: padding='same' keeps the length of an axis, and stride={stride} does not; use stride 1"
            )
        first, second = (in_channels, out_channels) if self.transposed else (out_channels, in_channels)
        self.weight = parameter((first, second // groups, *self.kernel_size), dtype, device)
        self.register_parameter("bias", parameter((out_channels,), dtype, device) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the parameters anew."""
        fill_uniformly(self.weight, self.bias)

    def extra_repr(self) -> str:
        said = [f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"]
        if self.padding != (0,) * self.axes:
            said.append(f"padding={self.padding!r}")
        if self.dilation != (1,) * self.axes:
            said.append(f"dilation={self.dilation}")
        if self.groups != 1:
            said.append(f"groups={self.groups}")
        if self.bias is None:
            said.append("bias=False")
        return ", ".join(said)


_AROUND = ("zeros", "reflect", "replicate", "circular")


class _Conv(_Convolution):
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if padding_mode not in _AROUND:
            raise ArgumentError(
                f"{type(self).__name__}: padding_mode must be one of {', '.join(_AROUND)}, got {padding_mode!r}"
            )
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, device, dtype)
        self.padding_mode = padding_mode

    def forward(self, input: Any) -> Any:
        padding: Any = self.padding
        if self.padding_mode != "zeros":
            input, padding = F.pad(input, self._sides(), mode=self.padding_mode), 0
        function = _FORWARD[self.axes]
        return function(input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)

    def _sides(self) -> Ints:
        """What `F.pad` is told: pairs, the last axis first."""
        if self.padding == "valid":
            return (0, 0) * self.axes
        if self.padding == "same":
            totals = [d * (k - 1) for k, d in zip(self.kernel_size, self.dilation, strict=True)]
            pairs = [(total // 2, total - total // 2) for total in totals]
        else:
            pairs = [(int(n), int(n)) for n in self.padding]
        return tuple(n for pair in reversed(pairs) for n in pair)

    def extra_repr(self) -> str:
        mode = f", padding_mode={self.padding_mode}" if self.padding_mode != "zeros" else ""
        return super().extra_repr() + mode


class Conv1d(_Conv):
    """Convolution over (batch, channels, length).

    >>> import pullback as pb, pullback_nn as nn
    >>> nn.Conv1d(3, 8, 5, padding="same")(pb.ones(2, 3, 10)).shape
    (2, 8, 10)
    """

    axes = 1


class Conv2d(_Conv):
    """Convolution over (batch, channels, height, width).

    >>> import pullback as pb, pullback_nn as nn
    >>> nn.Conv2d(3, 8, 3, stride=2, padding=1)(pb.ones(2, 3, 8, 8)).shape
    (2, 8, 4, 4)
    """

    axes = 2


class Conv3d(_Conv):
    """Convolution over (batch, channels, depth, height, width)."""

    axes = 3


class _ConvTranspose(_Convolution):
    transposed = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Any = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if padding_mode != "zeros":
            raise ArgumentError(f"{type(self).__name__}: padding_mode must be 'zeros', got {padding_mode!r}")
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, device, dtype)
        self.output_padding = read_ints(type(self).__name__, "output_padding", output_padding, self.axes, least=0)

    def forward(self, input: Any, output_size: Any = None) -> Any:
        extra = self.output_padding if output_size is None else self._extra(input, output_size)
        function = _BACK[self.axes]
        return function(input, self.weight, self.bias, self.stride, self.padding, extra, self.groups, self.dilation)

    def _extra(self, input: Any, output_size: Any) -> Ints:
        """The `output_padding` that gives these lengths."""
        wanted = read_ints(type(self).__name__, "output_size", tuple(output_size)[-self.axes :], self.axes, least=1)
        around = [int(n) for n in self.padding]
        sides = zip(input.shape[-self.axes :], self.kernel_size, self.stride, around, self.dilation, strict=True)
        least = [(n - 1) * s - 2 * p + d * (k - 1) + 1 for n, k, s, p, d in sides]
        extra = tuple(want - n for want, n in zip(wanted, least, strict=True))
        if any(not 0 <= more < step for more, step in zip(extra, self.stride, strict=True)):
            most = tuple(n + s - 1 for n, s in zip(least, self.stride, strict=True))
            raise ShapeError(f"{type(self).__name__}: output_size {wanted} is not between {tuple(least)} and {most}")
        return extra

    def extra_repr(self) -> str:
        extra = f", output_padding={self.output_padding}" if any(self.output_padding) else ""
        return super().extra_repr() + extra


class ConvTranspose1d(_ConvTranspose):
    """The transpose of `Conv1d` in its input.

    >>> import pullback as pb, pullback_nn as nn
    >>> nn.ConvTranspose1d(3, 8, 4, stride=2, padding=1)(pb.ones(2, 3, 10)).shape
    (2, 8, 20)
    """

    axes = 1


class ConvTranspose2d(_ConvTranspose):
    """The transpose of `Conv2d` in its input."""

    axes = 2


class ConvTranspose3d(_ConvTranspose):
    """The transpose of `Conv3d` in its input."""

    axes = 3
