"""One op at one sample, dtype and device: what the checks ask of it, each computed once.

Values on the host are NumPy arrays in double precision, made from the inputs as the dtype under test rounds them; so an
oracle and the op see the same numbers.
"""

from __future__ import annotations

import re
import warnings
import zlib
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pullback as pb
from pullback.errors import CotangentError

from pullback_conformance.placing import host, place, spread
from pullback_conformance.samples import Twice
from pullback_conformance.spec import OpSpec, Sample

DOUBLE = {"float32": "float64", "float64": "float64", "complex64": "complex128", "complex128": "complex128"}
REAL = {"float32": "float32", "float64": "float64", "complex64": "float32", "complex128": "float64"}


def reference_namespace() -> Any:
    """The namespace that is right by definition: NumPy's, through array-api-compat."""
    import array_api_compat.numpy as namespace  # noqa: PLC0415  not before it is needed

    return namespace


def listed(value: Any) -> list[Any]:
    """One result or several, as a list."""
    return list(value) if isinstance(value, (tuple, list)) else [value]


class Blocked(Exception):  # noqa: N818  not an error of the check: it cannot say
    """A check cannot say anything, because what it builds on failed; the message says what."""


class Problem:
    """One op at one sample. `wrt` are the positions of the arguments that can have a gradient."""

    def __init__(self, spec: OpSpec, sample: Sample, dtype: str, device: str, seed: int = 0) -> None:
        self.spec = spec
        self.sample = sample
        self.dtype = dtype
        self.device = device
        self.seed = seed
        self.double = dtype in ("float64", "complex128")
        self.eps = float(np.finfo(REAL[dtype]).eps)
        self.twice = [x is Twice for x in sample.args]
        self.inputs = [self._rounded(x) for x in sample.args if x is not Twice]
        self.wrt = [i for i, x in enumerate(self.inputs) if isinstance(x, np.ndarray) and x.dtype.kind in "fc"]
        if not spec.claims:
            self.wrt = []

    def _rounded(self, x: Any) -> Any:
        """An argument in the dtype under test. Python numbers stay, as far as the dtype can hold them."""
        if isinstance(x, np.ndarray) and x.dtype.kind in "fc":
            target = self.dtype if x.dtype.kind == "c" else REAL[self.dtype]
            with np.errstate(over="ignore"):
                x = np.asarray(x.astype(target))
            return spread(x) if self.sample.layout == "broadcast" else x
        if isinstance(x, (float, complex)) and not isinstance(x, bool):
            return type(x)(np.dtype(self.dtype if isinstance(x, complex) else REAL[self.dtype]).type(x))
        return x

    def rng(self, purpose: str) -> np.random.Generator:
        """A generator for one purpose: the same numbers in every process."""
        key = f"{self.spec.op}|{self.sample.id}|{self.dtype}|{purpose}"
        return np.random.default_rng([zlib.crc32(key.encode()), self.seed])

    def normal(self, like: Any, rng: np.random.Generator) -> np.ndarray:
        """Gaussian numbers of the shape and dtype of `like`; never all ones, never one-hot."""
        values = rng.standard_normal(like.shape)
        if np.iscomplexobj(like):
            values = values + 1j * rng.standard_normal(like.shape)
        return np.asarray(values, dtype=like.dtype)

    # --- the op over NumPy ------------------------------------------------------------------------------------------

    def _arguments(self, inputs: Sequence[Any]) -> list[Any]:
        """The arguments of the call: one array twice is two arguments."""
        rest = iter(inputs)
        arguments: list[Any] = []
        for twice in self.twice:
            arguments.append(arguments[-1] if twice else next(rest))
        return arguments

    @cached_property
    def points(self) -> list[np.ndarray]:
        """The differentiable inputs in double precision."""
        return [self.inputs[i].astype(DOUBLE[str(self.inputs[i].dtype)]) for i in self.wrt]

    def reference(self, *points: Any) -> list[Any]:
        """The results over NumPy (of the op itself, in double precision, where the row has no reference)."""
        inputs = list(self.inputs) if self.spec.kind == "creation" else [self._doubled(x) for x in self.inputs]
        for i, x in zip(self.wrt, points, strict=True):
            inputs[i] = np.asarray(x)
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            if self.spec.reference is not None:
                outs = self.spec.reference(reference_namespace(), *self._arguments(inputs), **self.sample.kwargs)
                return [np.asarray(out) for out in listed(outs)]
            return [host(out) for out in listed(self._call(inputs, self.reference_device))]

    @staticmethod
    def _doubled(x: Any) -> Any:
        return x.astype(DOUBLE[str(x.dtype)]) if isinstance(x, np.ndarray) and x.dtype.kind in "fc" else x

    @property
    def reference_device(self) -> str:
        """Where an op without a reference is run in double precision: NumPy's device, unless it is not for it."""
        return self.device if self.double else "cpu"

    def _call(self, inputs: Sequence[Any], device: str) -> Any:
        tensors = [place(x, device) if isinstance(x, np.ndarray) else x for x in inputs]
        with pb.no_grad():
            return self.spec.call(*self._arguments(tensors), **self.sample.kwargs)

    @cached_property
    def expected(self) -> list[np.ndarray]:
        """The values that the results should have, in double precision."""
        return self.reference(*self.points)

    @cached_property
    def floating(self) -> list[int]:
        """The positions of the results that can require grad."""
        return [k for k, out in enumerate(self.expected) if out.dtype.kind in "fc"]

    @cached_property
    def cotangents(self) -> list[np.ndarray]:
        """A Gaussian cotangent per floating result, in the result's own dtype."""
        rng = self.rng("cotangents")
        outs = [host(self.outs[k]) for k in self.floating]
        return [self.normal(out, rng) for out in outs]

    @cached_property
    def tangents(self) -> list[np.ndarray]:
        """A Gaussian tangent per differentiable input."""
        rng = self.rng("tangents")
        return [self.normal(self.inputs[i], rng) for i in self.wrt]

    def loss(self, *points: Any) -> float:
        """Re <cotangents, results>, over NumPy."""
        outs = self.reference(*points)
        return sum(
            float(np.real(np.sum(np.conj(v) * outs[k]))) for v, k in zip(self.cotangents, self.floating, strict=True)
        )

    # --- the op on Tensors ------------------------------------------------------------------------------------------

    def tensors(self, requires: Sequence[int] | None = None, points: Sequence[Any] | None = None) -> list[Any]:
        """The arguments as Tensors: those at the positions `requires` (all that can) require grad."""
        made: list[Any] = [
            place(x, self.device, self.sample.layout if x.dtype.kind in "fc" else "C")
            if isinstance(x, np.ndarray)
            else x
            for x in self.inputs
        ]
        for i, x in zip(self.wrt, points or (), strict=False):
            made[i] = x
        for i in self.wrt if requires is None else requires:
            if points is None:
                made[i].requires_grad_()
        return made

    def run(self, tensors: Sequence[Any]) -> list[Any]:
        """The results of the op on Tensors."""
        return listed(self.spec.call(*self._arguments(tensors), **self.sample.kwargs))

    @cached_property
    def leaves(self) -> list[Any]:
        """The Tensors that `outs` were computed from."""
        return self.tensors()

    @cached_property
    def _forward(self) -> Any:
        try:
            return self.run(self.leaves)
        except Exception as error:  # noqa: BLE001  whatever an op raises is what is checked
            return error

    @property
    def outs(self) -> list[Any]:
        """The results; `Blocked` if the op does not run."""
        if isinstance(self._forward, Exception):
            raise Blocked(f"the op does not run: {describe(self._forward)}") from self._forward
        return self._forward  # type: ignore[no-any-return]

    def pull(self, outs: Sequence[Any], wrt: Sequence[Any], cotangents: Sequence[Any], **options: Any) -> list[Any]:
        """The VJP of floating results with the given cotangents (NumPy arrays or Tensors)."""
        given = [(outs[k], v) for k, v in zip(self.floating, cotangents, strict=True) if v is not None]
        pairs = [(out, self.seed_of(v)) for out, v in given if out.requires_grad]
        if not pairs:
            raise Blocked("no result requires grad")
        grads = pb.autograd.grad(
            [out for out, _ in pairs], list(wrt), [v for _, v in pairs], materialize_grads=True, **options
        )
        return list(grads)

    def seed_of(self, v: Any) -> Any:
        """A cotangent or tangent as a Tensor."""
        return place(v, self.device) if isinstance(v, np.ndarray) else v

    @cached_property
    def _reverse(self) -> Any:
        try:
            return self.pull(self.outs, [self.leaves[i] for i in self.wrt], self.cotangents, retain_graph=True)
        except Exception as error:  # noqa: BLE001  likewise
            return error

    @property
    def grads(self) -> list[Any]:
        """The gradients; `Blocked` if the VJP does not run."""
        if isinstance(self._reverse, Exception):
            raise Blocked(f"the VJP does not run: {describe(self._reverse)}") from self._reverse
        return self._reverse  # type: ignore[no-any-return]

    @property
    def refusal(self) -> Exception | None:
        """What the op or its VJP raised."""
        for found in (self._forward, self._reverse):
            if isinstance(found, Exception):
                return found
        return None

    @cached_property
    def host_grads(self) -> list[np.ndarray]:
        """The gradients on the host."""
        return [host(grad) for grad in self.grads]

    def jvp(self, tangents: Sequence[Any]) -> list[Any]:
        """The tangents of the floating results."""
        primals = tuple(place(self.inputs[i], self.device, self.sample.layout) for i in self.wrt)
        _, pushed = pb.func.jvp(
            lambda *xs: tuple(self.run(self.tensors(points=xs))[k] for k in self.floating),
            primals,
            tuple(self.seed_of(t) for t in tangents),
        )
        return list(pushed)

    @cached_property
    def _pushed(self) -> Any:
        try:
            return [host(t) for t in self.jvp(self.tangents)]
        except Exception as error:  # noqa: BLE001  likewise
            return error

    @property
    def pushed(self) -> list[np.ndarray]:
        """The JVP of the Gaussian tangents, on the host."""
        self.outs  # noqa: B018  first of all it must run
        if isinstance(self._pushed, Exception):
            raise Blocked(f"the JVP does not run: {describe(self._pushed)}") from self._pushed
        return self._pushed  # type: ignore[no-any-return]

    def __repr__(self) -> str:
        return f"<{self.spec.op} {self.sample.id} {self.dtype} on {self.device}>"


def misfit(error: BaseException | None) -> str:
    """ "shape" or "dtype" if the engine refused a cotangent for that; "" for everything else."""
    while error is not None and not isinstance(error, CotangentError):
        error = error.__cause__
    if error is None:
        return ""
    found = re.search(
        r"has shape (.*?) and dtype (\w+), returned as its cotangent one of shape (.*?) and dtype", str(error)
    )
    return "dtype" if found and found[1] == found[3] else "shape"


def describe(error: BaseException) -> str:
    """An error in one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:300]}"
