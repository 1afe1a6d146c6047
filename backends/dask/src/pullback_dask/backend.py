"""Dask as a backend: arrays in chunks, written down first and computed on request, here or on a cluster.

Everything builds: forward, backward, derivatives of derivatives. `pb.compute(loss, *grads)` has the scheduler run, once
for all of them; so do, one by one, the calls that return Python numbers or NumPy arrays.
"""

from __future__ import annotations

from functools import cached_property, wraps
from importlib.util import find_spec
from types import ModuleType
from typing import Any, Final
from uuid import uuid4

from pullback.extend import ArgumentError, Aval, Backend, BackendNotFoundError, Capabilities, DType

_HOST: Final = "dask"
_GPU: Final = "dask:cuda"
_CREATORS: Final = (
    *("arange", "asarray", "empty", "empty_like", "eye", "full", "full_like", "linspace", "ones", "ones_like"),
    *("zeros", "zeros_like"),
)


class DaskBackend(Backend):
    """Arrays of Dask, with chunks of NumPy ("dask") or of CuPy ("dask:cuda")."""

    name = "dask"
    extra = "dask"
    default_candidate = False
    plain_operators = False  # a write in place comes to `hold`

    def import_namespace(self) -> ModuleType:
        import array_api_compat.dask.array as compat  # noqa: PLC0415  Dask takes a second to import

        from pullback_dask import creation  # noqa: PLC0415

        namespace = ModuleType("pullback_dask.namespace", compat.__doc__)
        vars(namespace).update({name: getattr(compat, name) for name in dir(compat)})
        vars(namespace)["__array_namespace_info__"] = creation.Info
        for name in _CREATORS:
            setattr(namespace, name, self._on_device(getattr(creation, name, None) or getattr(compat, name)))
        return namespace

    def _on_device(self, function: Any) -> Any:
        """A creation function that heeds `device`: Dask knows one."""

        @wraps(function)
        def made(*args: Any, device: str | None = None, **options: Any) -> Any:
            out = function(*args, **options)
            return out if device is None else self.move(out, device)

        return made

    @cached_property
    def dask(self) -> Any:
        """`dask.array`."""
        import dask.array  # noqa: PLC0415

        return dask.array

    @cached_property
    def numpy(self) -> ModuleType:
        """NumPy."""
        import numpy  # noqa: PLC0415

        return numpy

    @property
    def array_types(self) -> tuple[type, ...]:
        return (self.dask.Array,)

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            mutable=False,
            views=False,
            lazy=True,
            boolean_indexing=False,
            data_dependent_shapes=False,
            dlpack=False,
            max_dimensions=64,
        )

    def kernels(self) -> dict[str, Any]:
        from pullback_dask import kernels  # noqa: PLC0415  needs Dask

        return kernels.KERNELS

    # --- dtypes and devices ------------------------------------------------------------------------------------------

    def native_dtype(self, dtype: DType) -> Any:
        return self.numpy.dtype(dtype.name)

    def native_device(self, array: Any) -> str:
        return _GPU if type(array._meta).__module__.partition(".")[0] == "cupy" else _HOST

    def default_native_device(self) -> str:
        return _HOST

    def native_devices(self) -> tuple[str, ...]:
        return (_HOST, _GPU) if self._has_gpu else (_HOST,)

    @cached_property
    def _has_gpu(self) -> bool:
        """Whether CuPy is installed and finds a GPU here, which is asked once."""
        if find_spec("cupy") is None:
            return False
        import cupy  # noqa: PLC0415  asked for only where it is installed

        return bool(cupy.is_available())

    def device_name(self, native: Any) -> str:
        return str(native)

    def parse_device(self, text: str) -> str:
        if text in (_HOST, "dask:cpu"):
            return _HOST
        if text == _GPU and self._has_gpu:
            return _GPU
        hint = "; chunks on a GPU need one here, and CuPy: pip install 'pullback[cuda13]'" if text == _GPU else ""
        raise BackendNotFoundError(f"there is no device {text!r}; Dask has {', '.join(self.native_devices())}{hint}")

    def move(self, array: Any, device: Any) -> Any:
        if self.native_device(array) == device:
            return array
        from pullback_dask.chunked import moved  # noqa: PLC0415  needs Dask

        return moved(array, gpu=device == _GPU)

    def aval(self, array: Any) -> Aval:
        if any(length != length for length in array.shape):
            raise ArgumentError(
                f"dask: an array of unknown shape {array.shape}. Call .compute_chunk_sizes() on the Dask array before it "
                f"becomes a Tensor (it computes the array once)"
            )
        return super().aval(array)

    # --- arrays ------------------------------------------------------------------------------------------------------

    def scalar(self, value: Any, aval: Aval) -> Any:
        made = self.numpy.asarray(value, dtype=self.native_dtype(aval.dtype))
        return self.move(self.dask.from_array(made, name=f"scalar-{uuid4().hex}"), aval.device.native)

    def from_host(self, array: Any, device: Any) -> Any:
        held = self.numpy.array(array)
        chunks = "auto" if held.size else -1  # without elements, "auto" divides by zero
        return self.move(self.dask.from_array(held, chunks=chunks, name=f"host-{uuid4().hex}"), device)

    def to_host(self, array: Any) -> Any:
        from pullback_dask.graphs import values  # noqa: PLC0415  needs Dask

        return self.numpy.asarray(values(self.move(array, _HOST)))

    def adopt(self, array: Any, *, copy: bool) -> Any:
        return array.copy()  # its chunks are shared: nothing ever writes them

    def copy(self, array: Any) -> Any:
        return array.copy()

    def claim(self, array: Any) -> Any:
        mine = array.copy()
        self._kept.add(mine)
        return mine

    def hold(self, array: Any, *, written: bool) -> Any:
        self._kept.step(array, written=written)
        return array

    def concrete(self, array: Any) -> bool:
        return False

    # --- computing ---------------------------------------------------------------------------------------------------

    @cached_property
    def _kept(self) -> Any:
        from pullback_dask.graphs import Kept  # noqa: PLC0415  needs Dask

        return Kept()

    def materialize(self, *arrays: Any) -> tuple[Any, ...]:
        from pullback_dask.graphs import persist  # noqa: PLC0415  needs Dask

        persist(arrays)
        return arrays

    def quiet(self) -> Any:
        return self.numpy.errstate(all="ignore")  # Dask tries functions on arrays of no elements

    def describe(self, array: Any) -> str:
        blocks = " x ".join(map(str, array.numblocks)) or "1"
        many = array.npartitions > 1
        return f"<dask, {blocks} chunk{'s' if many else ''}{f' of {array.chunksize}' if many else ''}>"

    def generator(self, seed: int | None) -> Any:
        from pullback_dask.random import DaskGenerator  # noqa: PLC0415  needs Dask

        return DaskGenerator(seed, self.move)
