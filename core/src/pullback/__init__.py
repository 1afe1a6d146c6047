"""Automatic differentiation for every array library that speaks the Python Array API standard.

The functions of the standard under their own names, PyTorch's names for autograd, and nothing imported before it is
used: `import pullback` loads no array library and no plugin.
"""

from pullback import autograd as autograd
from pullback import creation as _creation
from pullback import cuda as cuda
from pullback import errors as errors
from pullback import extend as extend
from pullback import func as func
from pullback import ops as ops
from pullback import profiler as profiler
from pullback import utils as utils
from pullback.authoring import op as op
from pullback.computing import compute as compute
from pullback.contraction import einsum as einsum
from pullback.creation import arange as arange
from pullback.creation import as_tensor as as_tensor
from pullback.creation import empty as empty
from pullback.creation import empty_like as empty_like
from pullback.creation import eye as eye
from pullback.creation import from_numpy as from_numpy
from pullback.creation import full as full
from pullback.creation import full_like as full_like
from pullback.creation import linspace as linspace
from pullback.creation import ones as ones
from pullback.creation import ones_like as ones_like
from pullback.creation import zeros as zeros
from pullback.creation import zeros_like as zeros_like
from pullback.devices import Device as Device
from pullback.dtypes import DType as DType
from pullback.dtypes import bool as bool
from pullback.dtypes import complex64 as complex64
from pullback.dtypes import complex128 as complex128
from pullback.dtypes import float16 as float16
from pullback.dtypes import float32 as float32
from pullback.dtypes import float64 as float64
from pullback.dtypes import get_default_dtype as get_default_dtype
from pullback.dtypes import int8 as int8
from pullback.dtypes import int16 as int16
from pullback.dtypes import int32 as int32
from pullback.dtypes import int64 as int64
from pullback.dtypes import set_default_dtype as set_default_dtype
from pullback.dtypes import uint8 as uint8
from pullback.dtypes import uint16 as uint16
from pullback.dtypes import uint32 as uint32
from pullback.dtypes import uint64 as uint64
from pullback.grad_mode import enable_grad as enable_grad
from pullback.grad_mode import inference_mode as inference_mode
from pullback.grad_mode import is_grad_enabled as is_grad_enabled
from pullback.grad_mode import is_inference_mode_enabled as is_inference_mode_enabled
from pullback.grad_mode import no_grad as no_grad
from pullback.grad_mode import set_grad_enabled as set_grad_enabled
from pullback.ops import fft as fft
from pullback.ops import linalg as linalg
from pullback.ops.creation_functions import asarray as asarray
from pullback.ops.creation_functions import from_dlpack as from_dlpack
from pullback.ops.creation_functions import meshgrid as meshgrid
from pullback.ops.creation_functions import tril as tril
from pullback.ops.creation_functions import triu as triu
from pullback.ops.data_type_functions import astype as astype
from pullback.ops.data_type_functions import can_cast as can_cast
from pullback.ops.data_type_functions import finfo as finfo
from pullback.ops.data_type_functions import iinfo as iinfo
from pullback.ops.data_type_functions import isdtype as isdtype
from pullback.ops.data_type_functions import result_type as result_type
from pullback.ops.elementwise_functions import abs as abs
from pullback.ops.elementwise_functions import acos as acos
from pullback.ops.elementwise_functions import acosh as acosh
from pullback.ops.elementwise_functions import add as add
from pullback.ops.elementwise_functions import asin as asin
from pullback.ops.elementwise_functions import asinh as asinh
from pullback.ops.elementwise_functions import atan as atan
from pullback.ops.elementwise_functions import atan2 as atan2
from pullback.ops.elementwise_functions import atanh as atanh
from pullback.ops.elementwise_functions import bitwise_and as bitwise_and
from pullback.ops.elementwise_functions import bitwise_invert as bitwise_invert
from pullback.ops.elementwise_functions import bitwise_left_shift as bitwise_left_shift
from pullback.ops.elementwise_functions import bitwise_or as bitwise_or
from pullback.ops.elementwise_functions import bitwise_right_shift as bitwise_right_shift
from pullback.ops.elementwise_functions import bitwise_xor as bitwise_xor
from pullback.ops.elementwise_functions import ceil as ceil
from pullback.ops.elementwise_functions import clip as clip
from pullback.ops.elementwise_functions import conj as conj
from pullback.ops.elementwise_functions import copysign as copysign
from pullback.ops.elementwise_functions import cos as cos
from pullback.ops.elementwise_functions import cosh as cosh
from pullback.ops.elementwise_functions import divide as divide
from pullback.ops.elementwise_functions import equal as equal
from pullback.ops.elementwise_functions import exp as exp
from pullback.ops.elementwise_functions import expm1 as expm1
from pullback.ops.elementwise_functions import floor as floor
from pullback.ops.elementwise_functions import floor_divide as floor_divide
from pullback.ops.elementwise_functions import greater as greater
from pullback.ops.elementwise_functions import greater_equal as greater_equal
from pullback.ops.elementwise_functions import hypot as hypot
from pullback.ops.elementwise_functions import imag as imag
from pullback.ops.elementwise_functions import isfinite as isfinite
from pullback.ops.elementwise_functions import isinf as isinf
from pullback.ops.elementwise_functions import isnan as isnan
from pullback.ops.elementwise_functions import less as less
from pullback.ops.elementwise_functions import less_equal as less_equal
from pullback.ops.elementwise_functions import log as log
from pullback.ops.elementwise_functions import log1p as log1p
from pullback.ops.elementwise_functions import log2 as log2
from pullback.ops.elementwise_functions import log10 as log10
from pullback.ops.elementwise_functions import logaddexp as logaddexp
from pullback.ops.elementwise_functions import logical_and as logical_and
from pullback.ops.elementwise_functions import logical_not as logical_not
from pullback.ops.elementwise_functions import logical_or as logical_or
from pullback.ops.elementwise_functions import logical_xor as logical_xor
from pullback.ops.elementwise_functions import maximum as maximum
from pullback.ops.elementwise_functions import minimum as minimum
from pullback.ops.elementwise_functions import multiply as multiply
from pullback.ops.elementwise_functions import negative as negative
from pullback.ops.elementwise_functions import nextafter as nextafter
from pullback.ops.elementwise_functions import not_equal as not_equal
from pullback.ops.elementwise_functions import positive as positive
from pullback.ops.elementwise_functions import pow as pow
from pullback.ops.elementwise_functions import real as real
from pullback.ops.elementwise_functions import reciprocal as reciprocal
from pullback.ops.elementwise_functions import remainder as remainder
from pullback.ops.elementwise_functions import round as round
from pullback.ops.elementwise_functions import sign as sign
from pullback.ops.elementwise_functions import signbit as signbit
from pullback.ops.elementwise_functions import sin as sin
from pullback.ops.elementwise_functions import sinh as sinh
from pullback.ops.elementwise_functions import sqrt as sqrt
from pullback.ops.elementwise_functions import square as square
from pullback.ops.elementwise_functions import subtract as subtract
from pullback.ops.elementwise_functions import tan as tan
from pullback.ops.elementwise_functions import tanh as tanh
from pullback.ops.elementwise_functions import trunc as trunc
from pullback.ops.indexing_functions import take as take
from pullback.ops.indexing_functions import take_along_axis as take_along_axis
from pullback.ops.linear_algebra_functions import matmul as matmul
from pullback.ops.linear_algebra_functions import matrix_transpose as matrix_transpose
from pullback.ops.linear_algebra_functions import tensordot as tensordot
from pullback.ops.linear_algebra_functions import vecdot as vecdot
from pullback.ops.manipulation_functions import broadcast_arrays as broadcast_arrays
from pullback.ops.manipulation_functions import broadcast_shapes as broadcast_shapes
from pullback.ops.manipulation_functions import broadcast_to as broadcast_to
from pullback.ops.manipulation_functions import concat as concat
from pullback.ops.manipulation_functions import expand_dims as expand_dims
from pullback.ops.manipulation_functions import flip as flip
from pullback.ops.manipulation_functions import moveaxis as moveaxis
from pullback.ops.manipulation_functions import permute_dims as permute_dims
from pullback.ops.manipulation_functions import repeat as repeat
from pullback.ops.manipulation_functions import reshape as reshape
from pullback.ops.manipulation_functions import roll as roll
from pullback.ops.manipulation_functions import squeeze as squeeze
from pullback.ops.manipulation_functions import stack as stack
from pullback.ops.manipulation_functions import tile as tile
from pullback.ops.manipulation_functions import unstack as unstack
from pullback.ops.searching_functions import argmax as argmax
from pullback.ops.searching_functions import argmin as argmin
from pullback.ops.searching_functions import count_nonzero as count_nonzero
from pullback.ops.searching_functions import nonzero as nonzero
from pullback.ops.searching_functions import searchsorted as searchsorted
from pullback.ops.searching_functions import where as where
from pullback.ops.set_functions import isin as isin
from pullback.ops.set_functions import unique_all as unique_all
from pullback.ops.set_functions import unique_counts as unique_counts
from pullback.ops.set_functions import unique_inverse as unique_inverse
from pullback.ops.set_functions import unique_values as unique_values
from pullback.ops.sorting_functions import argsort as argsort
from pullback.ops.sorting_functions import sort as sort
from pullback.ops.statistical_functions import cumulative_prod as cumulative_prod
from pullback.ops.statistical_functions import cumulative_sum as cumulative_sum
from pullback.ops.statistical_functions import max as max
from pullback.ops.statistical_functions import mean as mean
from pullback.ops.statistical_functions import min as min
from pullback.ops.statistical_functions import prod as prod
from pullback.ops.statistical_functions import std as std
from pullback.ops.statistical_functions import sum as sum
from pullback.ops.statistical_functions import var as var
from pullback.ops.utility_functions import all as all
from pullback.ops.utility_functions import any as any
from pullback.ops.utility_functions import diff as diff
from pullback.plugins.backends import default_device as get_default_device
from pullback.plugins.backends import device as device
from pullback.plugins.backends import names as backends
from pullback.plugins.backends import set_default_device as set_default_device
from pullback.random import Generator as Generator
from pullback.random import default_generator as default_generator
from pullback.random import get_rng_state as get_rng_state
from pullback.random import manual_seed as manual_seed
from pullback.random import rand as rand
from pullback.random import randint as randint
from pullback.random import randn as randn
from pullback.random import set_rng_state as set_rng_state
from pullback.tensor import Tensor as Tensor
from pullback.views import View as _View  # noqa: F401  registers itself

tensor = _creation.tensor  # the function, not the submodule of this name

# PyTorch's other names for the same things
cat = concat
clamp = clip
mm = matmul
transpose = Tensor.transpose  # also NumPy's spelling: a permutation
concatenate = concat  # NumPy's other name
double = float64
float = float32
int = int32
long = int64
FloatTensor, DoubleTensor, LongTensor = float32, float64, int64

__version__ = "0.1.0"

__all__ = [
    "abs",
    "acos",
    "acosh",
    "add",
    "all",
    "any",
    "arange",
    "argmax",
    "argmin",
    "argsort",
    "as_tensor",
    "asarray",
    "asin",
    "asinh",
    "astype",
    "atan",
    "atan2",
    "atanh",
    "autograd",
    "backends",
    "bitwise_and",
    "bitwise_invert",
    "bitwise_left_shift",
    "bitwise_or",
    "bitwise_right_shift",
    "bitwise_xor",
    "bool",
    "broadcast_arrays",
    "broadcast_shapes",
    "broadcast_to",
    "can_cast",
    "cat",
    "ceil",
    "clamp",
    "clip",
    "complex128",
    "complex64",
    "compute",
    "concat",
    "concatenate",
    "conj",
    "copysign",
    "cos",
    "cosh",
    "count_nonzero",
    "cuda",
    "cumulative_prod",
    "cumulative_sum",
    "default_generator",
    "Device",
    "device",
    "diff",
    "divide",
    "double",
    "DoubleTensor",
    "DType",
    "einsum",
    "empty",
    "empty_like",
    "enable_grad",
    "equal",
    "errors",
    "exp",
    "expand_dims",
    "expm1",
    "extend",
    "eye",
    "fft",
    "finfo",
    "flip",
    "float",
    "float16",
    "float32",
    "float64",
    "FloatTensor",
    "floor",
    "floor_divide",
    "from_dlpack",
    "from_numpy",
    "full",
    "full_like",
    "func",
    "Generator",
    "get_default_device",
    "get_default_dtype",
    "get_rng_state",
    "greater",
    "greater_equal",
    "hypot",
    "iinfo",
    "imag",
    "inference_mode",
    "int",
    "int16",
    "int32",
    "int64",
    "int8",
    "is_grad_enabled",
    "is_inference_mode_enabled",
    "isdtype",
    "isfinite",
    "isin",
    "isinf",
    "isnan",
    "less",
    "less_equal",
    "linalg",
    "linspace",
    "log",
    "log10",
    "log1p",
    "log2",
    "logaddexp",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "long",
    "LongTensor",
    "manual_seed",
    "matmul",
    "matrix_transpose",
    "max",
    "maximum",
    "mean",
    "meshgrid",
    "min",
    "minimum",
    "mm",
    "moveaxis",
    "multiply",
    "negative",
    "nextafter",
    "no_grad",
    "nonzero",
    "not_equal",
    "ones",
    "ones_like",
    "op",
    "ops",
    "permute_dims",
    "positive",
    "pow",
    "prod",
    "profiler",
    "rand",
    "randint",
    "randn",
    "real",
    "reciprocal",
    "remainder",
    "repeat",
    "reshape",
    "result_type",
    "roll",
    "round",
    "searchsorted",
    "set_default_device",
    "set_default_dtype",
    "set_rng_state",
    "set_grad_enabled",
    "sign",
    "signbit",
    "sin",
    "sinh",
    "sort",
    "sqrt",
    "square",
    "squeeze",
    "stack",
    "std",
    "subtract",
    "sum",
    "take",
    "take_along_axis",
    "tan",
    "tanh",
    "Tensor",
    "tensor",
    "tensordot",
    "tile",
    "tril",
    "triu",
    "transpose",
    "trunc",
    "uint16",
    "uint32",
    "uint64",
    "uint8",
    "unique_all",
    "unique_counts",
    "unique_inverse",
    "unique_values",
    "unstack",
    "utils",
    "var",
    "vecdot",
    "where",
    "zeros",
    "zeros_like",
]
