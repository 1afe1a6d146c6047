"""The public names, written down: a name comes or goes here too, in the same commit and on purpose."""

from __future__ import annotations

import importlib
import re
import types

import pytest
from import_graph import CORE

FACE = {
    "pullback": """
        abs acos acosh add all any arange argmax argmin argsort as_tensor asarray asin asinh astype atan atan2
        atanh autograd backends bitwise_and bitwise_invert bitwise_left_shift bitwise_or bitwise_right_shift
        bitwise_xor bool broadcast_arrays broadcast_shapes broadcast_to can_cast cat ceil clamp clip
        complex128 complex64 compute concat concatenate conj copysign cos cosh count_nonzero cuda cumulative_prod
        cumulative_sum default_generator Device device diff divide double DoubleTensor DType einsum empty empty_like
        enable_grad equal errors exp expand_dims expm1 extend eye fft finfo flip float float16 float32 float64 FloatTensor
        floor floor_divide from_dlpack from_numpy full full_like func Generator get_default_device get_default_dtype
        get_rng_state greater greater_equal hypot iinfo imag inference_mode int int16 int32 int64 int8 is_grad_enabled
        is_inference_mode_enabled isdtype isfinite isin isinf isnan less less_equal linalg linspace log log10
        log1p log2 logaddexp logical_and logical_not logical_or logical_xor long LongTensor manual_seed matmul
        matrix_transpose max maximum mean meshgrid min minimum mm moveaxis multiply negative nextafter no_grad
        nonzero not_equal ones ones_like op ops permute_dims positive pow prod profiler rand randint randn real reciprocal
        remainder repeat reshape result_type roll round searchsorted set_default_device set_default_dtype set_rng_state
        set_grad_enabled sign signbit sin sinh sort sqrt square squeeze stack std subtract sum take
        take_along_axis tan tanh Tensor tensor tensordot tile tril triu transpose trunc uint16 uint32 uint64 uint8
        unique_all unique_counts unique_inverse unique_values unstack utils var vecdot where zeros zeros_like
    """,
    "pullback.autograd": """
        backward checkpoint checkpoint_sequential custom_derivative detect_anomaly enable_grad explain Explanation forward_ad
        Function functional grad gradcheck gradgradcheck graph ieee_products inference_mode is_anomaly_enabled
        no_grad set_detect_anomaly set_grad_enabled Variable
    """,
    "pullback.cuda": """
        device_count DoubleTensor FloatTensor is_available
    """,
    "pullback.errors": """
        AnomalyError ArgumentError AutogradError BackendError BackendMismatchError BackendNotFoundError
        BackendUnavailableError CheckpointError CotangentError DegenerateError DTypeError GradcheckError
        GraphFreedError IndexingError NoDerivativeError OverwrittenError PluginError PullbackError ShapeError
    """,
    "pullback.extend": """
        API ArgumentError Availability Aval Backend BackendNotFoundError Capabilities DType elementwise explicit find_op
        generic_kernels hookimpl linear NoDerivativeError nondifferentiable op Operation PullbackError Registered
    """,
    "pullback.func": """
        grad hessian hvp jacfwd jacrev jvp linearize value_and_grad vjp vmap
    """,
    "pullback.profiler": """
        Dispatch Event profile record_function
    """,
}


@pytest.mark.parametrize("module", FACE)
def test_the_public_names_are_these(module: str):
    assert sorted(importlib.import_module(module).__all__) == sorted(FACE[module].split())


@pytest.mark.parametrize("module", FACE)
def test_every_public_name_is_there_once(module: str):
    face = importlib.import_module(module)
    assert len(set(face.__all__)) == len(face.__all__)
    assert [name for name in face.__all__ if not hasattr(face, name)] == []


@pytest.mark.parametrize("module", ["pullback", "pullback.autograd", "pullback.extend", "pullback.func"])
def test_what_is_not_public_looks_private(module: str):
    """Only submodules may be reached besides: Python puts them there by itself."""
    face = importlib.import_module(module)
    names = {name for name, value in vars(face).items() if not isinstance(value, types.ModuleType)}
    assert {name for name in names - set(face.__all__) if not name.startswith("_")} == set()


def test_the_face_holds_names_only():
    """No function or class is defined in `__init__`: it says where each thing lives."""
    text = (CORE / "__init__.py").read_text(encoding="utf-8")
    assert not re.search(r"^\s*(def|class|async|if|for|try|with)\b", text, re.MULTILINE)
