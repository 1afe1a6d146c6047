"""vmap: batches as one more array library.

A Batched is a Tensor whose first axis is the batch; to the function being mapped it has the shape of one example.
`BatchedBackend` runs every primitive once on whole batches, by the rules of `batching_rules.py`. An op without a rule
runs example by example. An operand without a batch stays as it is: it is not copied along.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pullback import namespace
from pullback import primitive as primitives
from pullback.apply import apply_elementwise
from pullback.batching_rules import RULES, Batch, Index, elementwise
from pullback.devices import Device
from pullback.errors import AutogradError
from pullback.ops.transfer import to_device
from pullback.primitive import Primitive
from pullback.transform import TransformBackend, Wrapped, call

Params = dict[str, Any]
xp: Any = namespace.tensors


class Batched(Wrapped):
    """Arrays of one shape, stacked along the first axis of a Tensor."""

    __slots__ = ("value",)

    backend: BatchedBackend

    def __init__(self, backend: BatchedBackend, value: Any) -> None:
        super().__init__(backend)
        self.value = value

    @property
    def below(self) -> Any:
        return self.value

    def moved(self, device: Device) -> Batched:
        return Batched(self.backend, to_device(self.value, device))

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one example."""
        return self.value.shape[1:]  # type: ignore[no-any-return]


class BatchedBackend(TransformBackend):
    """vmap at one level."""

    name = "vmap"

    def run(self, primitive: Primitive, operands: list[Any], params: Params) -> Any:
        batched = list(map(self.owns, operands))
        values = [operand.value if has else operand for operand, has in zip(operands, batched, strict=True)]
        if primitive.elementwise and all(batched) and primitive.name not in RULES:
            ndim = values[0]._aval.ndim
            if all(value._aval.ndim == ndim for value in values):  # nothing to align
                return Batched(self, apply_elementwise(primitive, tuple(values), params))
        sizes = [value.shape[0] for value, has in zip(values, batched, strict=True) if has]
        index = None
        if "key" in params:
            index = self._index(params["key"])
            sizes += [item.shape[0] for item, has in zip(*index, strict=True) if has]
        if not sizes:
            return call(primitive, values, params)
        batch = Batch(primitive, values, batched, params, sizes[0], index)
        rule = RULES.get(primitive.name) or (elementwise if primitive.elementwise else None)
        out = None if rule is None else rule(batch)
        if out is None:
            out = self._one_by_one(batch)
        return tuple([Batched(self, o) for o in out]) if isinstance(out, tuple) else Batched(self, out)

    def _index(self, key: Any) -> Index:
        items = [
            item._array if isinstance(item, primitives.tensor_type) and item._aval.backend is self else item
            for item in (key if isinstance(key, tuple) else (key,))
        ]
        batched = tuple(map(self.owns, items))
        return Index(tuple([item.value if has else item for item, has in zip(items, batched, strict=True)]), batched)

    def _one_by_one(self, batch: Batch) -> Any:
        """Each example alone: slow, and right for every op."""
        results = []
        for i in range(max(batch.size, 1)):
            values = [self._example(v, i) if has else v for v, has in zip(batch.values, batch.batched, strict=True)]
            params = batch.params
            if batch.index is not None:
                items = [self._example(v, i) if has else v for v, has in zip(*batch.index, strict=True)]
                params = params | {"key": tuple(items) if isinstance(params["key"], tuple) else items[0]}
            results.append(call(batch.primitive, values, params))
        columns = list(zip(*results, strict=True)) if isinstance(results[0], tuple) else [results]
        stacked = tuple([self._stacked(batch, column) for column in columns])
        return stacked if isinstance(results[0], tuple) else stacked[0]

    def _example(self, value: Any, i: int) -> Any:
        """One example; of a batch of none, zeros, to learn what shape the result has."""
        if value.shape[0] == 0:
            return xp.zeros(value.shape[1:], dtype=value.dtype, device=value.device)
        return value[i, ...]

    def _stacked(self, batch: Batch, results: Sequence[Any]) -> Any:
        shapes = dict.fromkeys(result.shape for result in results)
        if len(shapes) > 1:
            raise AutogradError(
                f"vmap: {batch.primitive.name} gives results of different shapes for different examples: "
                f"{', '.join(map(str, shapes))}; a batch has one shape. Use pb.where and masks that keep the shape, or "
                f"a Python loop"
            )
        return xp.stack(results)[: batch.size, ...]

    def make(self, value: Any) -> Any:
        """A Tensor of examples from a Tensor with the batch in front."""
        return self.tensor(Batched(self, value))

    def split(self, x: Any) -> tuple[Any, bool]:
        """What is below this level of a Tensor, and whether that has a batch in front; anything else as it is."""
        if not isinstance(x, primitives.tensor_type) or x._aval.backend is not self:
            return x, False
        array = x._array
        return (array.value, True) if self.owns(array) else (array, False)

    def value(self, x: Any, size: int) -> Any:
        """The Tensor with the batch in front; a constant is repeated."""
        value, has = self.split(x)
        return value if has else xp.broadcast_to(value, (size, *value.shape))

    def detached(self, array: Any) -> Any:
        own = self.owns(array)
        return Batched(self, primitives.detached(array.value)) if own else super().detached(array)

    def concrete(self, array: Any) -> bool:
        return not isinstance(array, Batched) and super().concrete(array)

    def tolist(self, array: Any) -> Any:
        if isinstance(array, Batched):
            raise AutogradError(
                "vmap: the function reads the values of a batch (bool, float, item, print, an if); write it with pb.where, "
                "or leave the argument out of in_axes"
            )
        return array.tolist()
