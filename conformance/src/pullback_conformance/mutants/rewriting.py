"""What can be wrong in one place of a rule: small changes of a syntax tree.

A change is given a copy of a node. It alters this node, but nothing below it, and says what it did; or it leaves it alone
and returns "".
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

Change = Callable[[Any], str]

DERIVATIVES = ("t", "ct", "cts")
"""The names of what a rule is linear in: second parameters that mark a function as one."""

_OPERATORS: dict[type, type] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
_SIGNS = {ast.USub: "a minus is lost", ast.Invert: "an inversion is lost", ast.Not: "a not is lost"}
_DROPPED = (
    *("conj", "real", "imag", "unbroadcast", "flip", "guard", "matrix_transpose", "adjoint", "skew", "hermitian"),
    *("expand_dims", "broadcast_to", "moveaxis", "permute_dims", "roll", "tril", "triu", "determined"),
    *("refuse_if", "refuse", "refuse_where", "refuse_phase", "refuse_unequal", "refuse_defective"),
)
_SWAPPED = {
    "matmul": (0, 1),
    "where": (1, 2),
    "moveaxis": (1, 2),
    "copysign": (0, 1),
    "divide": (0, 1),
} | dict.fromkeys(("solve", "atan2", "take", "take_along_axis", "vecdot", "outer", "cross", "less", "greater"), (0, 1))
_NEGATED: dict[type, type] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.GtE,
    ast.GtE: ast.Lt,
    ast.Gt: ast.LtE,
    ast.LtE: ast.Gt,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_BOUNDARY: dict[type, type] = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt}


def become(node: Any, other: Any) -> None:
    """Put a node into the place of another one."""
    node.__class__ = other.__class__
    node.__dict__ = other.__dict__


def called(node: Any) -> str:
    """The name of what a call calls, without what it belongs to."""
    if not isinstance(node, ast.Call):
        return ""
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _positional(node: Any) -> list[Any]:
    """The arguments of a call, without the namespace that helpers of rules take first."""
    first = node.args[0] if node.args else None
    return node.args[1:] if isinstance(first, ast.Name) and first.id == "xp" else node.args  # type: ignore[no-any-return]


def _operator(node: Any) -> str:
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        node.op = _OPERATORS[type(node.op)]()
        return f"operator becomes {type(node.op).__name__}"
    return ""


def _operands(node: Any) -> str:
    if isinstance(node, ast.BinOp) and isinstance(
        node.op, (ast.Sub, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.MatMult)
    ):
        node.left, node.right = node.right, node.left
        return "operands are swapped"
    return ""


def _sign(node: Any) -> str:
    if isinstance(node, ast.UnaryOp) and type(node.op) in _SIGNS and not isinstance(node.operand, ast.Constant):
        what = _SIGNS[type(node.op)]
        become(node, node.operand)
        return what
    return ""


def _dropped(node: Any) -> str:
    name = called(node)
    if name in _DROPPED and _positional(node):
        become(node, _positional(node)[0])
        return f"{name} is dropped"
    return ""


def _swapped(node: Any) -> str:
    name = called(node)
    if name in _SWAPPED:
        arguments = _positional(node)
        offset = len(node.args) - len(arguments)
        i, j = (k + offset for k in _SWAPPED[name])
        if j < len(node.args):
            node.args = [node.args[j if k == i else i if k == j else k] for k in range(len(node.args))]
            return f"arguments of {name} are swapped"
    return ""


def _turned(node: Any) -> str:
    if isinstance(node, ast.keyword) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, bool):
        node.value = ast.Constant(not node.value.value)
        return f"{node.arg} is turned over"
    return ""


def without(name: str) -> Change:
    """The change that takes a keyword argument out of a call."""

    def change(node: Any) -> str:
        kept = [k for k in node.keywords if k.arg != name] if isinstance(node, ast.Call) else []
        if not isinstance(node, ast.Call) or len(kept) == len(node.keywords):
            return ""
        node.keywords = kept
        return f"{name}= is lost"

    return change


def _compared(table: dict[type, type]) -> Change:
    def change(node: Any) -> str:
        if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in table:
            node.ops = [table[type(node.ops[0])]()]
            return f"comparison becomes {type(node.ops[0]).__name__}"
        return ""

    return change


def _constant(node: Any) -> str:
    value: Any = getattr(node, "value", None) if isinstance(node, ast.Constant) else None
    if type(value) in (int, float):
        node.value = value + 1
        return f"{value!r} becomes {node.value!r}"
    return ""


def _condition(node: Any) -> str:
    if isinstance(node, (ast.If, ast.IfExp)) and not isinstance(node.test, (ast.Compare, ast.UnaryOp)):
        node.test = ast.UnaryOp(ast.Not(), node.test)
        return "a condition is turned over"
    return ""


def _logic(node: Any) -> str:
    if isinstance(node, ast.BoolOp):
        node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        return f"logic becomes {type(node.op).__name__}"
    return ""


def _statement(node: Any) -> str:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        become(node, ast.Pass())
        return "a statement is lost"
    return ""


def _scaled(node: Any) -> str:
    """What a rule returns, a millionth too large."""
    if isinstance(node, (ast.Lambda, ast.FunctionDef)) and is_derivative(node):
        if isinstance(node, ast.Lambda):
            node.body = _times(node.body)
            return "times 1 + 1e-6"
        last = node.body[-1]
        if isinstance(last, ast.Return) and last.value is not None and not isinstance(last.value, ast.Tuple):
            node.body = [*node.body[:-1], ast.Return(_times(last.value))]
            return "times 1 + 1e-6"
    return ""


def _times(value: Any) -> Any:
    return ast.BinOp(value, ast.Mult(), ast.Constant(1 + 1e-6))


def is_derivative(node: Any) -> bool:
    """Whether a function is linear in its second parameter: a rule, or a part of one."""
    arguments = node.args.args
    return len(arguments) > 1 and arguments[1].arg in DERIVATIVES


CHANGES: tuple[Change, ...] = (
    *(_operator, _operands, _sign, _dropped, _swapped, _turned, without("device"), without("dtype"), without("axis")),
    *(_compared(_NEGATED), _compared(_BOUNDARY), _constant, _condition, _logic, _statement, _scaled),
)
