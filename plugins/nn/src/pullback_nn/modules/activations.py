"""Activations as layers: the functions of `functional.activations`, with their options as attributes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pullback as pb

from pullback_nn import functional as F  # noqa: N812  the name that everybody knows
from pullback_nn.modules.module import Module
from pullback_nn.modules.parameter import Parameter


class _Activation(Module):
    """A function, and its options by name: given in order or by keyword."""

    function: Callable[..., Any]
    options: dict[str, Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()
        names = list(self.options)
        if len(args) > len(names) or not kwargs.keys() <= set(names[len(args) :]):
            raise TypeError(f"{type(self).__name__} takes ({', '.join(names)}), got {args} and {kwargs}")
        vars(self).update(self.options | dict(zip(names, args, strict=False)) | kwargs)

    def forward(self, input: Any) -> Any:
        return type(self).function(input, **{name: getattr(self, name) for name in self.options})

    def extra_repr(self) -> str:
        shown = [(name, getattr(self, name)) for name in self.options]
        return ", ".join(f"{name}={value}" for name, value in shown if name != "inplace" or value)


def _layer(name: str, function: Callable[..., Any], **options: Any) -> Any:
    """A layer of this function; the defaults of its options in their order."""
    example = f">>> import pullback_nn as nn\n>>> nn.{name}()\n"
    shown = ", ".join(f"{key}={value}" for key, value in options.items() if key != "inplace")
    doc = f"`F.{function.__name__}` as a layer.\n\n{example}{name}({shown})"
    members = {"function": staticmethod(function), "options": options, "__doc__": doc, "__module__": __name__}
    return type(name, (_Activation,), members)


ReLU = _layer("ReLU", F.relu, inplace=False)
ReLU6 = _layer("ReLU6", F.relu6, inplace=False)
LeakyReLU = _layer("LeakyReLU", F.leaky_relu, negative_slope=0.01, inplace=False)
ELU = _layer("ELU", F.elu, alpha=1.0, inplace=False)
SELU = _layer("SELU", F.selu, inplace=False)
CELU = _layer("CELU", F.celu, alpha=1.0, inplace=False)
GELU = _layer("GELU", F.gelu, approximate="none")
SiLU = _layer("SiLU", F.silu, inplace=False)
Mish = _layer("Mish", F.mish, inplace=False)
Softplus = _layer("Softplus", F.softplus, beta=1.0, threshold=20.0)
Softsign = _layer("Softsign", F.softsign)
Sigmoid = _layer("Sigmoid", F.sigmoid)
LogSigmoid = _layer("LogSigmoid", F.logsigmoid)
Tanh = _layer("Tanh", F.tanh)
Tanhshrink = _layer("Tanhshrink", F.tanhshrink)
Hardtanh = _layer("Hardtanh", F.hardtanh, min_val=-1.0, max_val=1.0, inplace=False)
Hardsigmoid = _layer("Hardsigmoid", F.hardsigmoid, inplace=False)
Hardswish = _layer("Hardswish", F.hardswish, inplace=False)
Hardshrink = _layer("Hardshrink", F.hardshrink, lambd=0.5)
Softshrink = _layer("Softshrink", F.softshrink, lambd=0.5)
GLU = _layer("GLU", F.glu, dim=-1)
Softmax = _layer("Softmax", F.softmax, dim=None)
Softmin = _layer("Softmin", F.softmin, dim=None)
LogSoftmax = _layer("LogSoftmax", F.log_softmax, dim=None)


class Threshold(Module):
    """`F.threshold` as a layer."""

    def __init__(self, threshold: float, value: float, inplace: bool = False) -> None:
        super().__init__()
        self.threshold, self.value, self.inplace = threshold, value, inplace

    def forward(self, input: Any) -> Any:
        return F.threshold(input, self.threshold, self.value, self.inplace)

    def extra_repr(self) -> str:
        return f"threshold={self.threshold}, value={self.value}"


class PReLU(Module):
    """`F.prelu` with a weight that is learnt: one, or one per channel.

    >>> import pullback as pb, pullback_nn as nn
    >>> nn.PReLU()(pb.tensor([-4.0, 1.0]))
    tensor([-1.,  1.], grad_fn=<PreluBackward0>)
    """

    def __init__(self, num_parameters: int = 1, init: float = 0.25, device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        self.num_parameters = num_parameters
        self.weight = Parameter(pb.full((num_parameters,), init, dtype=dtype or pb.get_default_dtype(), device=device))

    def forward(self, input: Any) -> Any:
        return F.prelu(input, self.weight)

    def extra_repr(self) -> str:
        return f"num_parameters={self.num_parameters}"


class RReLU(Module):
    """`F.rrelu` as a layer: slopes are drawn while training."""

    def __init__(self, lower: float = 1 / 8, upper: float = 1 / 3, inplace: bool = False) -> None:
        super().__init__()
        self.lower, self.upper, self.inplace = lower, upper, inplace

    def forward(self, input: Any) -> Any:
        return F.rrelu(input, self.lower, self.upper, self.training, self.inplace)

    def extra_repr(self) -> str:
        return f"lower={self.lower}, upper={self.upper}"
