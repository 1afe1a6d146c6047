"""Everything that a plugin may import. What is not here is private and may change without notice."""

from pullback.authoring import op as op
from pullback.aval import Aval as Aval
from pullback.backend import API as API
from pullback.backend import Availability as Availability
from pullback.backend import Backend as Backend
from pullback.backend import Capabilities as Capabilities
from pullback.declare import Operation as Operation
from pullback.declare import elementwise as elementwise
from pullback.declare import explicit as explicit
from pullback.declare import linear as linear
from pullback.declare import nondifferentiable as nondifferentiable
from pullback.dtypes import DType as DType
from pullback.errors import ArgumentError as ArgumentError
from pullback.errors import BackendNotFoundError as BackendNotFoundError
from pullback.errors import NoDerivativeError as NoDerivativeError
from pullback.errors import PullbackError as PullbackError
from pullback.kernels import generic_kernels as generic_kernels
from pullback.plugins.hookspecs import hookimpl as hookimpl
from pullback.plugins.registry import Registered as Registered
from pullback.plugins.registry import find as find_op

__all__ = [
    "API",
    "ArgumentError",
    "Availability",
    "Aval",
    "Backend",
    "BackendNotFoundError",
    "Capabilities",
    "DType",
    "NoDerivativeError",
    "Operation",
    "PullbackError",
    "Registered",
    "elementwise",
    "explicit",
    "find_op",
    "generic_kernels",
    "hookimpl",
    "linear",
    "nondifferentiable",
    "op",
]
