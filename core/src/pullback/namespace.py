"""pullback's own Array API namespace, one module per backend; and the namespace that rules see on Tensors.

Functions of Tensors are the same everywhere. What makes arrays out of nothing is bound to the backend: its devices, and
its default dtypes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import cache, partial, wraps
from operator import attrgetter
from types import ModuleType
from typing import Any, Final

from pullback import dtypes, extras
from pullback.backend import Backend
from pullback.dtypes import DTYPES
from pullback.errors import ArgumentError
from pullback.info import NamespaceInfo, home
from pullback.ops import (
    creation_functions,
    data_type_functions,
    degenerate,
    elementwise_functions,
    fft,
    indexing_functions,
    linalg,
    linear_algebra_functions,
    manipulation_functions,
    searching_functions,
    set_functions,
    sorting_functions,
    statistical_functions,
    utility_functions,
)
from pullback.plugins import backends
from pullback.plugins.special import special
from pullback.primitive import wrap

API_VERSION: Final = "2025.12"
SUPPORTED_VERSIONS: Final = ("2021.12", "2022.12", "2023.12", "2024.12", "2025.12")

CHAPTERS: Final[dict[ModuleType, tuple[str, ...]]] = {
    elementwise_functions: (
        *("abs", "acos", "acosh", "add", "asin", "asinh", "atan", "atan2", "atanh", "bitwise_and", "bitwise_invert"),
        *("bitwise_left_shift", "bitwise_or", "bitwise_right_shift", "bitwise_xor", "ceil", "clip", "conj", "copysign"),
        *(
            "cos",
            "cosh",
            "divide",
            "equal",
            "exp",
            "expm1",
            "floor",
            "floor_divide",
            "greater",
            "greater_equal",
            "hypot",
        ),
        *("imag", "isfinite", "isinf", "isnan", "less", "less_equal", "log", "log10", "log1p", "log2", "logaddexp"),
        *("logical_and", "logical_not", "logical_or", "logical_xor", "maximum", "minimum", "multiply", "negative"),
        *("nextafter", "not_equal", "positive", "pow", "real", "reciprocal", "remainder", "round", "sign", "signbit"),
        *("sin", "sinh", "sqrt", "square", "subtract", "tan", "tanh", "trunc"),
    ),
    creation_functions: ("meshgrid", "tril", "triu"),
    data_type_functions: ("astype", "can_cast", "finfo", "iinfo", "isdtype", "result_type"),
    indexing_functions: ("take", "take_along_axis"),
    linear_algebra_functions: ("matmul", "matrix_transpose", "tensordot", "vecdot"),
    manipulation_functions: (
        *("broadcast_arrays", "broadcast_shapes", "broadcast_to", "concat", "expand_dims", "flip", "moveaxis"),
        *("permute_dims", "repeat", "reshape", "roll", "squeeze", "stack", "tile", "unstack"),
    ),
    searching_functions: ("argmax", "argmin", "count_nonzero", "nonzero", "searchsorted", "where"),
    sorting_functions: ("argsort", "sort"),
    set_functions: ("isin", "unique_all", "unique_counts", "unique_inverse", "unique_values"),
    statistical_functions: ("cumulative_prod", "cumulative_sum", "max", "mean", "min", "prod", "std", "sum", "var"),
    utility_functions: ("all", "any", "diff"),
}
CREATION: Final = (
    *("arange", "asarray", "empty", "eye", "from_dlpack", "full", "linspace", "ones", "zeros"),
    *("empty_like", "full_like", "ones_like", "zeros_like"),
)
CONSTANTS: Final = {"e": math.e, "inf": math.inf, "nan": math.nan, "newaxis": None, "pi": math.pi}

FUNCTIONS: Final[dict[str, Any]] = {
    name: getattr(chapter, name) for chapter, names in CHAPTERS.items() for name in names
}
LINALG: Final[dict[str, Any]] = {name: getattr(linalg, name) for name in linalg.__all__}
FFT: Final[dict[str, Any]] = {name: getattr(fft, name) for name in fft.__all__}
_FREQUENCIES: Final = ("fftfreq", "rfftfreq")
_TYPED: Final = ("astype", "result_type")  # Python's `float` among their arguments means the default dtype
CREATORS: Final[dict[str, Any]] = {name: getattr(creation_functions, name) for name in CREATION}


def _extension(name: str, functions: dict[str, Any]) -> ModuleType:
    module = ModuleType(name)
    vars(module).update(functions)
    return module


def _rules() -> ModuleType:
    module = ModuleType("pullback.xp.tensors")
    helpers = extras.bind(module, writable=False)
    vars(module).update(FUNCTIONS | CREATORS | CONSTANTS | DTYPES)
    vars(module).update({name: helpers[name] for name in ("unbroadcast", "inner", "spread", "guard")})
    module.refuse_if = _refuse_if  # type: ignore[attr-defined]
    module.call = _call  # type: ignore[attr-defined]
    module.device = attrgetter("device")  # type: ignore[attr-defined]
    for name in ("getitem", "put", "scatter", "index_add", "along_axis_add"):
        setattr(module, name, getattr(indexing_functions, name))
    module.adjugate = linalg.adjugate  # type: ignore[attr-defined]
    module.flat = elementwise_functions.flat  # type: ignore[attr-defined]
    module.determined = degenerate.determined  # type: ignore[attr-defined]
    module.linalg = _extension("pullback.xp.tensors.linalg", LINALG)  # type: ignore[attr-defined]
    module.fft = _extension("pullback.xp.tensors.fft", FFT)  # type: ignore[attr-defined]
    return module


def _call(op: Any, *operands: Any, **params: Any) -> Any:
    return op(*operands, **params)


def _refuse_if(x: Any, mask: Any, message: str) -> Any:
    array = mask._aval.backend.xp.refuse_if(x._array, mask._array, message)
    return x if array is x._array else wrap(array, x._aval, x._node)


tensors: Final = _rules()
"""The `xp` of a rule that runs on Tensors: the standard's functions, and those of `extras`."""


def namespace(backend: Backend, api_version: str | None = None) -> ModuleType:
    """The namespace of Tensors of a backend: what `x.__array_namespace__()` returns."""
    if api_version is not None and api_version not in SUPPORTED_VERSIONS:
        raise ArgumentError(
            f"__array_namespace__: version {api_version!r} of the standard is not supported, {API_VERSION} is"
        )
    return _namespace(backend)


@cache
def _namespace(backend: Backend) -> ModuleType:
    name = f"pullback.namespaces.{backend.name}"
    module = ModuleType(name, f"Array API {API_VERSION} on Tensors of {backend.name}.")
    vars(module).update(FUNCTIONS | CONSTANTS | {n: d for n, d in DTYPES.items() if n != "float16"})
    for bound in (*CREATORS, *_TYPED):
        setattr(module, bound, _bound((CREATORS | FUNCTIONS)[bound], backend))
    can = backend.capabilities
    if can.linalg:
        module.linalg = _extension(f"{name}.linalg", LINALG)  # type: ignore[attr-defined]
    if can.fft:
        functions = {n: _bound(f, backend) if n in _FREQUENCIES else f for n, f in FFT.items()}
        module.fft = _extension(f"{name}.fft", functions)  # type: ignore[attr-defined]
    module.__array_api_version__ = API_VERSION  # type: ignore[attr-defined]
    module.__getattr__ = partial(_missing, name)  # type: ignore[method-assign]
    module.__array_namespace_info__ = partial(NamespaceInfo, backend)  # type: ignore[attr-defined]
    return module


def _missing(module: str, name: str) -> Any:
    """What a namespace does not have until it is asked: `special`, if a plugin offers it."""
    if name == "special":
        return special()
    raise AttributeError(f"module {module!r} has no attribute {name!r}", name=name)


def _bound(function: Any, backend: Backend) -> Any:
    """A function whose results have the backend's default dtypes, and are made on its device unless told otherwise.

    Tensors among the arguments decide where their results are; an array of another library is brought to the device.
    """
    adopts = function in (CREATORS["asarray"], CREATORS["from_dlpack"])

    @wraps(function)
    def bound(*args: Any, **options: Any) -> Any:
        device = options.get("device")
        tensor = _first_tensor((*args, *options.values())) if device is None else None
        place = backends.device(device) if device is not None else home(backend) if tensor is None else tensor.device
        if adopts and device is None and tensor is None and backends.of_array(args[0]) not in (None, backend):
            options["device"] = place
        default = place.backend.default_dtype
        with place, dtypes.defaults(default(place.native), default(place.native, "integral")):
            return function(*args, **options)

    return bound


def _first_tensor(values: Iterable[Any]) -> Any:
    """The first Tensor among values and, in them, nested sequences; None if there is none."""
    for value in values:
        found = _first_tensor(value) if isinstance(value, (list, tuple)) else value
        if hasattr(found, "_aval"):
            return found
    return None
