"""Pooling layers."""

from __future__ import annotations

from typing import Any, ClassVar

from pullback_nn import functional as F  # noqa: N812  the name that everybody knows
from pullback_nn.modules.module import Module


class _MaxPool(Module):
    function: ClassVar[Any]

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.kernel_size, self.padding, self.dilation = kernel_size, padding, dilation
        self.stride = kernel_size if stride is None else stride
        self.return_indices, self.ceil_mode = return_indices, ceil_mode

    def forward(self, input: Any) -> Any:
        return type(self).function(
            input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode, self.return_indices
        )

    def extra_repr(self) -> str:
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, dilation={self.dilation}, "
            f"ceil_mode={self.ceil_mode}"
        )


class MaxPool1d(_MaxPool):
    """The largest element of each window over one axis."""

    function = F.max_pool1d


class MaxPool2d(_MaxPool):
    """The largest element of each window over two axes.

    >>> import pullback as pb, pullback_nn as nn
    >>> nn.MaxPool2d(2)(pb.ones(1, 3, 8, 8)).shape
    (1, 3, 4, 4)
    """

    function = F.max_pool2d


class MaxPool3d(_MaxPool):
    """The largest element of each window over three axes."""

    function = F.max_pool3d


class _AvgPool(Module):
    function: ClassVar[Any]

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: Any = None,
    ) -> None:
        super().__init__()
        self.kernel_size, self.padding, self.ceil_mode = kernel_size, padding, ceil_mode
        self.stride = kernel_size if stride is None else stride
        self.count_include_pad, self.divisor_override = count_include_pad, divisor_override

    def forward(self, input: Any) -> Any:
        options = {} if self.divisor_override is None else {"divisor_override": self.divisor_override}
        return type(self).function(
            input, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad, **options
        )

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool1d(_AvgPool):
    """The mean of each window over one axis."""

    function = F.avg_pool1d


class AvgPool2d(_AvgPool):
    """The mean of each window over two axes.

    >>> import pullback as pb, pullback_nn as nn
    >>> nn.AvgPool2d(3, stride=2, padding=1)(pb.ones(1, 3, 8, 8)).shape
    (1, 3, 4, 4)
    """

    function = F.avg_pool2d


class AvgPool3d(_AvgPool):
    """The mean of each window over three axes."""

    function = F.avg_pool3d


class _Adaptive(Module):
    function: ClassVar[Any]

    def __init__(self, output_size: Any) -> None:
        super().__init__()
        self.output_size = output_size

    def forward(self, input: Any) -> Any:
        return type(self).function(input, self.output_size)

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveAvgPool1d(_Adaptive):
    """The means of as many windows as are wanted, over one axis."""

    function = F.adaptive_avg_pool1d


class AdaptiveAvgPool2d(_Adaptive):
    """The means of as many windows as are wanted, over two axes.

    >>> import pullback as pb, pullback_nn as nn
    >>> nn.AdaptiveAvgPool2d(1)(pb.ones(2, 3, 8, 8)).shape
    (2, 3, 1, 1)
    """

    function = F.adaptive_avg_pool2d


class AdaptiveAvgPool3d(_Adaptive):
    """The means of as many windows as are wanted, over three axes."""

    function = F.adaptive_avg_pool3d


class AdaptiveMaxPool1d(_Adaptive):
    """The maxima of as many windows as are wanted, over one axis."""

    function = F.adaptive_max_pool1d


class AdaptiveMaxPool2d(_Adaptive):
    """The maxima of as many windows as are wanted, over two axes."""

    function = F.adaptive_max_pool2d


class AdaptiveMaxPool3d(_Adaptive):
    """The maxima of as many windows as are wanted, over three axes."""

    function = F.adaptive_max_pool3d


class _LPPool(Module):
    function: ClassVar[Any]

    def __init__(self, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> None:
        super().__init__()
        self.norm_type, self.kernel_size, self.stride, self.ceil_mode = norm_type, kernel_size, stride, ceil_mode

    def forward(self, input: Any) -> Any:
        return type(self).function(input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)

    def extra_repr(self) -> str:
        return f"norm_type={self.norm_type}, kernel_size={self.kernel_size}, stride={self.stride}"


class LPPool1d(_LPPool):
    """The p-norm of each window over one axis."""

    function = F.lp_pool1d


class LPPool2d(_LPPool):
    """The p-norm of each window over two axes."""

    function = F.lp_pool2d
