"""Derivatives of functions under the names and signatures of `torch.autograd.functional`. `pb.func` is the newer face.

All of them take `inputs`, a Tensor or a tuple of Tensors, and differentiate `func(*inputs)`. `create_graph` records what
they compute, so that it can be differentiated with respect to the inputs again; otherwise the results have no history.
`strict` raises `AutogradError` where a derivative is zero because nothing depends on an input, instead of returning zeros.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pullback import func as transforms
from pullback import namespace
from pullback import primitive as primitives
from pullback import tree as trees
from pullback.autograd import passes
from pullback.errors import ArgumentError, AutogradError
from pullback.grad_mode import enable_grad

Function = Callable[..., Any]
xp: Any = namespace.tensors


def vjp(
    func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """`func(*inputs)`, and the product of `v` with its Jacobian, nested as the inputs are.

    `v` has the shapes of the result; it may be left out for a result of one element.

    >>> import pullback as pb
    >>> x = pb.tensor([1.0, 2.0])
    >>> pb.autograd.functional.vjp(lambda x: x**2, x, pb.tensor([1.0, 10.0]))
    (tensor([1., 4.]), tensor([ 2., 40.]))
    """
    call = _Call("vjp", func, inputs, create_graph, strict)
    out, pullback = transforms.vjp(call.function, *call.inputs)
    grads = pullback(call.vector(v, out, "the result"))
    return call.results(out, call.like_inputs(grads))


def jvp(
    func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """`func(*inputs)`, and the product of its Jacobian with `v`, nested as the result is; in forward mode.

    `v` has the shapes of the inputs; it may be left out for one input of one element.

    >>> import pullback as pb
    >>> x = pb.tensor([1.0, 2.0])
    >>> pb.autograd.functional.jvp(lambda x: x**2, x, pb.tensor([1.0, 10.0]))
    (tensor([1., 4.]), tensor([ 2., 40.]))
    """
    call = _Call("jvp", func, inputs, create_graph, strict)
    out, tangent = transforms.jvp(call.function, call.inputs, _as_tuple(call.vector(v, inputs, "the inputs")))
    return call.results(out, tangent)


def jacobian(
    func: Function,
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,  # noqa: ARG001  a part of the signature that PyTorch has
    strategy: str = "reverse-mode",
) -> Any:
    """The Jacobian of `func` at `inputs`: of shape S + A for a result of shape S and an input of shape A.

    Several inputs give a tuple, several results a tuple of these. `strategy`: "reverse-mode", one pass per element of the
    result, or "forward-mode", one per element of the inputs. The passes run as one batch, whatever `vectorize` says.

    >>> import pullback as pb
    >>> pb.autograd.functional.jacobian(lambda x: x**2, pb.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])
    """
    call = _Call("jacobian", func, inputs, create_graph, strict)
    jacobian_of = _by("jacobian", "strategy", strategy)
    return call.result(jacobian_of(call.function, call.argnums)(*call.inputs))


def hessian(
    func: Function,
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,  # noqa: ARG001  a part of the signature that PyTorch has
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """The second derivatives of `func`, which returns one element: of shape A + A for an input of shape A.

    Several inputs give a tuple of tuples. `outer_jacobian_strategy` says how the gradient is differentiated; see
    `jacobian`.

    >>> import pullback as pb
    >>> pb.autograd.functional.hessian(lambda x: (x**3).sum(), pb.tensor([1.0, 2.0]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    call = _Call("hessian", func, inputs, create_graph, strict)
    jacobian_of = _by("hessian", "outer_jacobian_strategy", outer_jacobian_strategy)
    return call.result(jacobian_of(call.gradient(), call.argnums)(*call.inputs))


def vhp(
    func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """`func(*inputs)`, one element, and the product of `v` with its Hessian: reverse over reverse.

    `v` has the shapes of the inputs; it may be left out for one input of one element.

    >>> import pullback as pb
    >>> x = pb.tensor([1.0, 2.0])
    >>> pb.autograd.functional.vhp(lambda x: (x**3).sum(), x, pb.ones(2))
    (tensor(9.), tensor([ 6., 12.]))
    """
    call = _Call("vhp", func, inputs, create_graph, strict)
    _, pullback, out = transforms.vjp(call.gradient(value=True), *call.inputs, has_aux=True)
    return call.results(out, call.like_inputs(pullback(call.vector(v, inputs, "the inputs"))))


def hvp(
    func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """`func(*inputs)`, one element, and the product of its Hessian with `v`: forward over reverse, and faster than `vhp`.

    `v` has the shapes of the inputs; it may be left out for one input of one element.

    >>> import pullback as pb
    >>> x = pb.tensor([1.0, 2.0])
    >>> pb.autograd.functional.hvp(lambda x: (x**3).sum(), x, pb.ones(2))
    (tensor(9.), tensor([ 6., 12.]))
    """
    call = _Call("hvp", func, inputs, create_graph, strict)
    tangents = _as_tuple(call.vector(v, inputs, "the inputs"))
    _, product, out = transforms.jvp(call.gradient(value=True), call.inputs, tangents, has_aux=True)
    return call.results(out, product)


class _Call:
    """One call of a function of this module: its inputs, and how to leave it."""

    def __init__(self, name: str, func: Function, inputs: Any, create_graph: bool, strict: bool) -> None:
        self.name = name
        self.func = func
        self.create_graph = create_graph
        self.strict = strict
        self.several = isinstance(inputs, (tuple, list))
        given = _tensors(name, "inputs", inputs)
        self.inputs = given if create_graph else tuple(x.detach() for x in given)
        self.argnums: Any = tuple(range(len(given))) if self.several else 0
        if strict:
            self.refuse_independence(self.function, "the result")

    def function(self, *inputs: Any) -> Any:
        """`func`, if it returns Tensors."""
        out = self.func(*inputs)
        _tensors(self.name, "the result of func", out)
        return tuple(out) if isinstance(out, list) else out

    def gradient(self, *, value: bool = False) -> Function:
        """The gradient of `func`, which must return one element; with its value as a pair if asked for."""
        both = transforms.value_and_grad(self.one_element, self.argnums)

        def gradient(*inputs: Any) -> Any:
            out, grads = both(*inputs)
            return (grads, out) if value else grads

        if self.strict:
            self.refuse_independence(transforms.grad(self.one_element, self.argnums), "the gradient")
        return gradient

    def one_element(self, *inputs: Any) -> Any:
        """`func`, if it returns a Tensor of one element."""
        out = self.function(*inputs)
        if isinstance(out, tuple) or out.size != 1:
            what = f"{len(out)} Tensors" if isinstance(out, tuple) else f"shape {out.shape}"
            raise ArgumentError(f"{self.name}: func must return one Tensor of one element, it returned {what}")
        return out

    def refuse_independence(self, function: Function, what: str) -> None:
        """Raise unless every output of `function` depends on every input."""
        inputs = [x.detach().requires_grad_() for x in self.inputs]
        with enable_grad():
            outputs = _as_tuple(function(*inputs))
        for i, out in enumerate(outputs):
            found: Sequence[Any] = [None] * len(inputs)
            if out.requires_grad:
                found = passes.grad(out, inputs, xp.zeros_like(out), retain_graph=True, allow_unused=True)
            for j, grad in enumerate(found):
                if grad is None:
                    raise AutogradError(
                        f"{self.name}: {what}, item {i}, does not depend on input {j}; leave that input out, or use "
                        f"strict=False to get zeros"
                    )

    def vector(self, v: Any, like: Any, what: str) -> Any:
        """`v`, checked against what it is multiplied with; ones if it was left out."""
        wanted = _as_tuple(like)
        if v is None:
            if len(wanted) != 1 or wanted[0].size != 1:
                raise ArgumentError(f"{self.name}: v may be left out for one element only; it must be as {what}")
            return trees.mapped(xp.ones_like, tuple(like) if isinstance(like, list) else like)
        given = _tensors(self.name, "v", v)
        shapes, expected = [x.shape for x in given], [x.shape for x in wanted]
        if shapes != expected:
            raise ArgumentError(f"{self.name}: v has shapes {shapes}, {what} {expected}; they must agree")
        return given if isinstance(like, (tuple, list)) else given[0]

    def like_inputs(self, values: tuple[Any, ...]) -> Any:
        """A tuple for several inputs, else its one item."""
        return tuple(values) if self.several else values[0]

    def results(self, *trees_: Any) -> tuple[Any, ...]:
        """What is returned."""
        return tuple(map(self.result, trees_))

    def result(self, tree: Any) -> Any:
        """What is returned: without history unless it was asked for."""
        return (
            tree
            if self.create_graph
            else trees.mapped(lambda x: primitives.detached(x) if x.requires_grad else x, tree)
        )


def _as_tuple(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, (tuple, list)) else (value,)


def _tensors(name: str, what: str, value: Any) -> tuple[Any, ...]:
    """A Tensor, or a sequence of Tensors, as a tuple."""
    items = _as_tuple(value)
    for i, item in enumerate(items):
        if not isinstance(item, primitives.tensor_type):
            where = f", item {i}" if isinstance(value, (tuple, list)) else ""
            raise ArgumentError(
                f"{name}: {what} must be a Tensor or a tuple of Tensors, got {type(item).__name__}{where}"
            )
    return items


def _by(name: str, option: str, strategy: str) -> Callable[..., Any]:
    found = {"reverse-mode": transforms.jacrev, "forward-mode": transforms.jacfwd}.get(strategy)
    if found is None:
        raise ArgumentError(f"{name}: {option} is 'reverse-mode' or 'forward-mode', got {strategy!r}")
    return found
