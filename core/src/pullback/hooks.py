"""Hooks: functions of the user that a reverse pass calls with cotangents, and that may replace them.

A node without hooks knows nothing of them. One that has some carries a `Hooked` in the place of its pullback, which runs
the hooks around it. At a node they run in this order: those of the Tensor, `retain_grad`, pre-hooks of the node, its
pullback, post-hooks. At a leaf: those of the Tensor, pre-hooks, the addition to `.grad`, post-hooks and post-accumulate
hooks. Leaves are served when the pass is through and nothing can fail any more but hooks themselves; only then is
anything added to any `.grad`.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import count
from typing import Any, Final, Self

from pullback import primitive as primitives
from pullback.errors import ArgumentError, AutogradError, CotangentError
from pullback.grad_mode import set_grad_enabled
from pullback.graph import PULLBACK, Leaf, Node, Y, backend_of, freed, is_node
from pullback.primitive import wrap
from pullback.rules import Call, Cotangents
from pullback.standin import StandIn

Hook = Callable[..., Any]
Hooks = dict[int, Hook]

_numbers: Final = count()


class Handle:
    """What registering a hook returns: `remove()` takes it back. As a context manager, on exit.

    >>> import pullback as pb
    >>> x = pb.tensor(2.0, requires_grad=True)
    >>> with x.register_hook(lambda ct: 10 * ct):
    ...     (x * x).backward()
    >>> x.grad
    tensor(40.)
    """

    def __init__(self, *registries: Hooks, hook: Hook) -> None:
        self._registries = registries
        self._key = next(_numbers)
        for registry in registries:
            registry[self._key] = hook

    def remove(self) -> None:
        """Never call the hook again. Removing twice does nothing."""
        for registry in self._registries:
            registry.pop(self._key, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.remove()


class Pass:
    """One call of `backward` or `grad`: what its hooks have gathered, and nothing has been told yet."""

    def __init__(self) -> None:
        self.retained: list[tuple[Any, Any]] = []  # a Tensor that retains its gradient, and the cotangent
        self.gathered: dict[Any, dict[int, Any]] = {}  # a multi-grad hook -> number of the Tensor -> its cotangent

    def end(self, found: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
        """What arrived at the leaves after their hooks; then every multi-grad hook is called."""
        served = [(target, at_leaf(target, ct) if type(target) is Leaf else ct) for target, ct in found]
        for multi, cotangents in self.gathered.items():
            multi.finish(cotangents)
        return served

    def commit(self, found: Iterable[tuple[Any, Any]]) -> None:
        """After the leaves have their gradients: the retained ones, post-hooks and post-accumulate hooks."""
        for tensor, ct in self.retained:
            retained = tensor._extras()
            before = retained.get("grad")
            retained["grad"] = ct if before is None else before + ct
        for leaf, ct in found:
            if type(leaf) is Leaf and leaf.hooks is not None:
                leaf.hooks.after(leaf, ct)


in_use = False
"""Whether any hook was ever registered: a pass asks nothing more until then."""
_current: ContextVar[Pass | None] = ContextVar("pullback_current_pass", default=None)


@contextmanager
def one_pass(*, record: bool) -> Iterator[Pass]:
    """The pass that hooks report to. What they compute is recorded if the pass is."""
    outer = _current.get()
    this = Pass()
    _current.set(this)
    try:
        with set_grad_enabled(record):
            yield this
    finally:
        _current.set(outer)


def _use() -> None:
    global in_use  # noqa: PLW0603  it only ever becomes true
    in_use = True


class Hooked(StandIn):
    """The pullback of a node with hooks around it. It takes the node's place for whoever asks for its rule."""

    def __init__(self, pullback: Any, aval: Any, near: Any) -> None:
        super().__init__(pullback)
        self.near = near
        """The backend whose arrays its cotangents are."""
        self.aval = aval
        """That of the Tensor which the node computed, as far as a hook of a Tensor was registered."""
        self.tensor: Hooks = {}
        self.retain: weakref.ref[Any] | None = None
        self.before: Hooks = {}
        self.after: Hooks = {}

    def run(self, call: Call, ct: Any, x: Any, y: Any) -> Any:
        return self.around(call, self.incoming(ct), x, y)

    def incoming(self, ct: Any) -> Any:
        """The cotangent of the Tensor after the hooks of the Tensor."""
        for hook in list(self.tensor.values()):
            ct = _replaced(hook, ct, self.aval)
        if self.retain is not None:
            tensor, this = self.retain(), _current.get()
            if tensor is not None and this is not None and tensor._node is not None and self.retain is not None:
                # to ask for its node has made a view look at its root; it may have moved on to another value
                this.retained.append((tensor, _kept(ct, self.aval)))
        return ct

    def around(self, call: Call, ct: Any, x: Any, y: Any) -> Any:
        """The pullback between the hooks of the node."""
        if not self.before and not self.after:
            return call(ct, x, y)
        cts = _listed(ct)
        for hook in list(self.before.values()):
            cts = _all_replaced(hook, cts, (), self._avals(cts))
        grads = call(_like(ct, cts), x, y)
        if self.after:
            several = isinstance(grads, (tuple, list))
            found = list(grads) if several else [grads]
            outgoing = tuple(map(_shown, cts, self._avals(cts)))
            for hook in list(self.after.values()):
                found = _all_replaced(hook, found, (outgoing,), self._avals(found))
            grads = tuple(found) if several else found[0]
        return grads

    def _avals(self, cts: Sequence[Any]) -> list[Any]:
        return [None if ct is None or isinstance(ct, primitives.tensor_type) else self.near.aval(ct) for ct in cts]


class LeafHooks:
    """The hooks of a leaf."""

    def __init__(self, tensor: Any) -> None:
        self.tensor_ref = weakref.ref(tensor) if tensor is not None else lambda: None
        self.tensor: Hooks = {}
        self.before: Hooks = {}
        self.post: Hooks = {}
        self.accumulated: Hooks = {}

    def after(self, leaf: Leaf, ct: Any) -> None:
        """What runs when `.grad` has its new value."""
        for hook in list(self.post.values()):
            hook((), (_shown(ct, leaf.aval),))
        tensor = self.tensor_ref()
        if tensor is not None:
            for hook in list(self.accumulated.values()):
                hook(tensor)


def at_leaf(leaf: Leaf, ct: Any) -> Any:
    """The cotangent of a leaf after its hooks."""
    hooks = leaf.hooks
    if hooks is None:
        return ct
    for hook in list(hooks.tensor.values()):
        ct = _replaced(hook, ct, leaf.aval)
    for hook in list(hooks.before.values()):
        (ct,) = _all_replaced(hook, [ct], (), [leaf.aval])
    return ct


# --- between raw arrays and what a hook sees -------------------------------------------------------------------------


def _listed(ct: Any) -> list[Any]:
    if isinstance(ct, Cotangents):
        return [ct.parts.get(i) for i in range(max(ct.parts) + 1)]
    return [ct]


def _like(ct: Any, parts: Sequence[Any]) -> Any:
    if isinstance(ct, Cotangents):
        return Cotangents({i: part for i, part in enumerate(parts) if part is not None})
    return parts[0]


def _shown(ct: Any, aval: Any) -> Any:
    """A cotangent as a Tensor. Writing to it in place does not reach the array that the pass goes on with."""
    if ct is None or isinstance(ct, primitives.tensor_type):
        return ct
    return wrap(aval.backend.alias(ct), aval)


def _kept(ct: Any, aval: Any) -> Any:
    """A cotangent as a Tensor with memory of its own."""
    return ct.clone() if isinstance(ct, primitives.tensor_type) else wrap(aval.backend.copy(ct), aval)


def _replaced(hook: Hook, ct: Any, aval: Any) -> Any:
    """The cotangent, or what the hook returned for it."""
    shown = _shown(ct, aval)
    result = hook(shown)
    return ct if result is None else _checked(hook, result, shown, ct)


def _all_replaced(hook: Hook, cts: list[Any], more: tuple[Any, ...], avals: Sequence[Any]) -> list[Any]:
    shown = tuple(_shown(ct, aval) for ct, aval in zip(cts, avals, strict=True))
    result = hook(shown, *more)
    if result is None:
        return cts
    results = (result,) if isinstance(result, primitives.tensor_type) else tuple(result)
    if len(results) != len(cts):
        raise CotangentError(f"hook {_name(hook)}: returned {len(results)} gradients for {len(cts)}")
    return [
        ct if new is None else _checked(hook, new, old, ct) for new, old, ct in zip(results, shown, cts, strict=True)
    ]


def _checked(hook: Hook, new: Any, old: Any, ct: Any) -> Any:
    """What a hook returned, raw if the cotangent was."""
    if not isinstance(new, primitives.tensor_type):
        raise CotangentError(f"hook {_name(hook)}: returned a {type(new).__name__}; return a Tensor or None")
    if old is not None and new._aval is not old._aval and new._aval.backend.level <= old._aval.backend.level:
        for what in ("shape", "dtype", "device"):
            if getattr(new, what) != getattr(old, what):
                raise CotangentError(
                    f"hook {_name(hook)}: the gradient has {what} {getattr(old, what)}, the hook returned one of {what} "
                    f"{getattr(new, what)}"
                )
    return new if ct is None or isinstance(ct, primitives.tensor_type) else new._array


def _name(hook: Hook) -> str:
    return repr(getattr(hook, "__name__", type(hook).__name__))


# --- registering -----------------------------------------------------------------------------------------------------


def hooked(node: Node, aval: Any = None) -> Hooked:
    """The `Hooked` of a node, put there if need be."""
    _use()
    place = Y if node[PULLBACK] is freed else PULLBACK
    there = node[place]
    if not isinstance(there, Hooked):
        there = node[place] = Hooked(there, aval, aval.backend if aval is not None else backend_of(node))
    if there.aval is None:
        there.aval = aval
    return there


def leaf_hooks(leaf: Leaf, tensor: Any = None) -> LeafHooks:
    """The hooks of a leaf, made if need be."""
    _use()
    if leaf.hooks is None:
        leaf.hooks = LeafHooks(tensor)
    elif tensor is not None:
        leaf.hooks.tensor_ref = weakref.ref(tensor)
    hooks: LeafHooks = leaf.hooks
    return hooks


def _callable(hook: Hook) -> Hook:
    if not callable(hook):
        raise ArgumentError(f"a hook is a function, got {type(hook).__name__}")
    return hook


def register_tensor_hook(tensor: Any, hook: Hook) -> Handle:
    """Call `hook(cotangent)` when that of `tensor` is known."""
    node = tensor._node
    if node is None:
        raise AutogradError("register_hook: this Tensor does not require grad, so that no gradient will reach it")
    registry = hooked(node, tensor._aval).tensor if is_node(node) else leaf_hooks(node, tensor).tensor
    return Handle(registry, hook=_callable(hook))


def register_post_accumulate(tensor: Any, hook: Hook) -> Handle:
    """Call `hook(tensor)` when its `.grad` has its new value."""
    if tensor._node is None:
        raise AutogradError(
            "register_post_accumulate_grad_hook: this Tensor does not require grad, so that no gradient will reach it"
        )
    if type(tensor._node) is not Leaf:
        raise AutogradError(
            "register_post_accumulate_grad_hook: gradients are added up at leaves only; register_hook works on any Tensor"
        )
    return Handle(leaf_hooks(tensor._node, tensor).accumulated, hook=_callable(hook))


def register_node_hook(node: Any, hook: Hook, *, before: bool) -> Handle:
    """Call `hook(grad_outputs)` before the pullback of a node, or `hook(grad_inputs, grad_outputs)` after it."""
    if type(node) is Leaf:
        hooks = leaf_hooks(node)
        return Handle(hooks.before if before else hooks.post, hook=_callable(hook))
    of_node = hooked(node)
    return Handle(of_node.before if before else of_node.after, hook=_callable(hook))


def retain_grad(tensor: Any) -> None:
    """Keep the gradient of a Tensor that is no leaf."""
    node = tensor._node
    if node is None:
        raise AutogradError("retain_grad: this Tensor does not require grad, so that no gradient will reach it")
    if is_node(node):
        tensor._extras().setdefault("grad", None)
        _retain_at(tensor, node)


def _retain_at(tensor: Any, node: Node) -> None:
    there = tensor._extras()["retained"] = hooked(node, tensor._aval)
    there.retain = weakref.ref(tensor)


def follow(tensor: Any, node: Any) -> None:
    """`tensor` has a new value, that of `node`: if it retains its gradient, then that of this value from now on."""
    there = getattr(tensor, "_extra", {}).pop("retained", None)
    if there is not None:
        there.retain = None
        if is_node(node):
            _retain_at(tensor, node)


class MultiGradHook:
    """One hook for several Tensors: with mode "all", called once a pass with a gradient or None for each; with "any",
    called with the first gradient alone."""

    def __init__(self, tensors: Sequence[Any], hook: Hook, mode: str) -> None:
        if mode not in ("all", "any"):
            raise ValueError(f"register_multi_grad_hook: mode is 'all' or 'any', got {mode!r}")
        self.hook = _callable(hook)
        self.mode = mode
        self.count = len(tensors)
        self.handles = [
            register_tensor_hook(tensor, lambda ct, i=i: self.arrive(i, ct)) for i, tensor in enumerate(tensors)
        ]

    def arrive(self, i: int, ct: Any) -> None:
        """A gradient arrived at Tensor number `i`."""
        this = _current.get()
        if this is None:
            return
        first = self not in this.gathered
        this.gathered.setdefault(self, {})[i] = ct
        if first and self.mode == "any":
            self.hook(ct)

    def finish(self, cotangents: dict[int, Any]) -> None:
        """The pass is through."""
        if self.mode == "all":
            self.hook([cotangents.get(i) for i in range(self.count)])

    def remove(self) -> None:
        """Never call the hook again."""
        for handle in self.handles:
            handle.remove()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.remove()
