"""Tools on the graph: `pb.autograd.graph`, under PyTorch's names."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pullback.aval import Aval
from pullback.devices import Device
from pullback.dtypes import DType
from pullback.errors import AutogradError
from pullback.fingerprints import fingerprints as fingerprints
from pullback.grad_fn import GradFn as Node
from pullback.hooks import MultiGradHook
from pullback.inplace import allow_mutation_on_saved_tensors as allow_mutation_on_saved_tensors
from pullback.inplace import increment_version as increment_version
from pullback.saving import disable_saved_tensors_hooks as disable_saved_tensors_hooks
from pullback.saving import save_on_cpu as save_on_cpu
from pullback.saving import save_on_disk as save_on_disk
from pullback.saving import saved_tensors_hooks as saved_tensors_hooks

if TYPE_CHECKING:
    from pullback.drawing import Drawing

__all__ = [
    "GradientEdge",
    "Node",
    "allow_mutation_on_saved_tensors",
    "disable_saved_tensors_hooks",
    "draw",
    "fingerprints",
    "get_gradient_edge",
    "increment_version",
    "register_multi_grad_hook",
    "save_on_cpu",
    "save_on_disk",
    "saved_tensors_hooks",
]


class GradientEdge:
    """A place in the graph that a gradient arrives at: output number `output_nr` of `node`.

    `pb.autograd.grad` and `backward` take it for the Tensor there. It keeps the graph alive, not the Tensor.
    """

    __slots__ = ("_aval", "_node", "node", "output_nr")

    def __init__(self, node: Node, output_nr: int, aval: Aval, raw: Any) -> None:
        self.node = node
        self.output_nr = output_nr
        self._aval = aval
        self._node = raw

    def __repr__(self) -> str:
        return f"GradientEdge(node={self.node!r}, output_nr={self.output_nr})"

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the Tensor there, and of its gradient."""
        return self._aval.shape

    @property
    def dtype(self) -> DType:
        """Data type of the Tensor there, and of its gradient."""
        return self._aval.dtype

    @property
    def device(self) -> Device:
        """Device of the Tensor there, and of its gradient."""
        return self._aval.device


def get_gradient_edge(tensor: Any) -> GradientEdge:
    """The place of a Tensor in the graph. Raises `AutogradError` if it does not require grad.

    >>> import pullback as pb
    >>> x = pb.tensor(3.0, requires_grad=True)
    >>> y = x * x
    >>> edge = pb.autograd.graph.get_gradient_edge(y)
    >>> edge.node.name()
    'MulBackward0'
    >>> pb.autograd.grad((y * 2).sum(), edge)
    (tensor(2.),)
    """
    if tensor._node is None:
        raise AutogradError("get_gradient_edge: this Tensor does not require grad, and has no place in a graph")
    function, number = Node(tensor._node).edge()
    return GradientEdge(function, number, tensor._aval, tensor._node)


def register_multi_grad_hook(tensors: Sequence[Any], fn: Callable[..., Any], *, mode: str = "all") -> MultiGradHook:
    """Call `fn` when gradients of several Tensors are known.

    With `mode="all"`, once at the end of each pass that reaches one of them: `fn([gradient or None, ...])`. With "any",
    `fn(gradient)` for the first that arrives in a pass. Returns a handle with `remove()`.

    >>> import pullback as pb
    >>> x, y = pb.tensor(1.0, requires_grad=True), pb.tensor(2.0, requires_grad=True)
    >>> handle = pb.autograd.graph.register_multi_grad_hook([x, y], print)
    >>> (x * y).backward()
    [tensor(2.), tensor(1.)]
    """
    return MultiGradHook(tensors, fn, mode)


def draw(
    *outputs: Any,
    params: Mapping[str, Any] | None = None,
    collapse: bool = True,
    limit: int = 500,
    **names: Any,
) -> Drawing:
    """A picture of the graph that Tensors were computed by, for notebooks, browsers and Markdown; nothing is run.

    `params` and keywords give names to Tensors: leaves, results, or anything between. With `collapse`, what repeats, such
    as the steps of a loop or equal layers, is drawn once with the number of times. At most `limit` boxes of operations are
    drawn, those nearest to the outputs; `notes` says what is left out. The Drawing has the attributes `svg`, `html`,
    `mermaid` and `dot`, and `save(path)`. A graph that a pass has freed is drawn too, without what it had saved.

    Raises `AutogradError` if an output does not require grad.

    >>> import pullback as pb
    >>> w = pb.tensor([1.0, 2.0], requires_grad=True)
    >>> loss = (w * w).sum()
    >>> drawing = pb.autograd.graph.draw(loss, w=w, loss=loss)
    >>> drawing
    <drawing of 2 operations \xb7 1 leaf \xb7 8 B saved for the reverse pass>
    >>> print(drawing.mermaid.splitlines()[2])
      n0["multiply<br/>float32[2]<br/>saves 8 B"]:::op
    """
    from pullback.drawing import draw as made  # noqa: PLC0415  few programs draw, and all import this module

    return made(outputs, {**(params or {}), **names}, collapse=collapse, limit=limit)
