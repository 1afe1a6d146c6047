"""Function transforms: functions in, functions of derivatives out. They compose in any order."""

from pullback.func.forward import jvp as jvp
from pullback.func.jacobians import hessian as hessian
from pullback.func.jacobians import hvp as hvp
from pullback.func.jacobians import jacfwd as jacfwd
from pullback.func.jacobians import jacrev as jacrev
from pullback.func.reverse import grad as grad
from pullback.func.reverse import linearize as linearize
from pullback.func.reverse import value_and_grad as value_and_grad
from pullback.func.reverse import vjp as vjp
from pullback.func.vectorize import vmap as vmap

__all__ = ["grad", "hessian", "hvp", "jacfwd", "jacrev", "jvp", "linearize", "value_and_grad", "vjp", "vmap"]
