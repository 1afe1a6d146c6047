"""Function transforms: functions in, functions of derivatives out."""

from pullback.func.transforms import grad as grad
from pullback.func.transforms import jvp as jvp
from pullback.func.transforms import value_and_grad as value_and_grad
from pullback.func.transforms import vjp as vjp

__all__ = ["grad", "jvp", "value_and_grad", "vjp"]
