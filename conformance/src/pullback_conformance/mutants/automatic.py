"""Automatic mutants: the source of the real rules, changed in one place at a time.

Every function and lambda of `pullback.ops` that takes `xp` first is read as a syntax tree, and each of its mutations becomes
new code of the living function. Which ops run it is learned by looking: one healthy run with a profile function set.
"""

from __future__ import annotations

import ast
import copy
import gc
import importlib
import pkgutil
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import CodeType, FunctionType
from typing import Any

from pullback_conformance import cells, judge, mutants, specs

OPS: Any = importlib.import_module("pullback.ops")
_DROPPED = ("conj", "unbroadcast", "flip", "matrix_transpose", "real")
_NAMED = ("keepdims", "device", "dtype")
_SWAPPED: dict[type, type] = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult}
OPS_PER_MUTANT = 4


@dataclass(frozen=True)
class Mutation:
    """A changed function: which, where, what, and its new code."""

    function: FunctionType
    where: str
    what: str
    code: CodeType


def functions() -> Iterator[tuple[FunctionType, Any]]:
    """Every function of the rule table that takes `xp` first, with its syntax tree."""
    living: dict[tuple[str, int, tuple[str, ...], bytes], FunctionType] = {}
    for found in gc.get_objects():
        if isinstance(found, FunctionType) and found.__code__.co_filename.startswith(_folder()):
            living[_key(found.__code__)] = found
    for info in pkgutil.iter_modules(OPS.__path__):
        module: Any = importlib.import_module(f"pullback.ops.{info.name}")
        tree = ast.parse(open(module.__file__, encoding="utf-8").read())  # noqa: SIM115  closed with the process
        for node in ast.walk(tree):
            if isinstance(node, (ast.Lambda, ast.FunctionDef)) and node.args.args and node.args.args[0].arg == "xp":
                function = living.get(_key(_compiled(node, module.__file__)))
                if function is not None and not function.__code__.co_freevars:
                    yield function, node


def _folder() -> str:
    return str(next(iter(OPS.__path__)))


def _key(code: CodeType) -> tuple[str, int, tuple[str, ...], bytes]:
    return code.co_filename, code.co_firstlineno, code.co_varnames, code.co_code


def _compiled(node: Any, filename: str) -> CodeType:
    if isinstance(node, ast.Lambda):
        whole: Any = ast.Expression(node)
        outer = compile(ast.fix_missing_locations(whole), filename, "eval")
    else:
        outer = compile(
            ast.fix_missing_locations(ast.Module([node], [])), filename, "exec", dont_inherit=True, flags=_FUTURE
        )
    return next(const for const in outer.co_consts if isinstance(const, CodeType))


_FUTURE = importlib.import_module("__future__").annotations.compiler_flag


def mutations(function: FunctionType, node: Any) -> Iterator[Mutation]:
    """Every mutation of one function."""
    filename = function.__code__.co_filename
    inner = list(ast.walk(node))
    for i in range(len(inner)):
        for change in _CHANGES:
            made = copy.deepcopy(node)
            target = list(ast.walk(made))[i]
            what = change(target)
            if what:
                where = f"{filename.rpartition('/')[2]}:{getattr(target, 'lineno', node.lineno)}"
                yield Mutation(function, where, what, _compiled(made, filename))
    if isinstance(node, ast.Lambda) and len(node.args.args) > 1 and node.args.args[1].arg in ("t", "ct"):
        made = copy.deepcopy(node)
        made.body = ast.BinOp(made.body, ast.Mult(), ast.Constant(1 + 1e-6))
        yield Mutation(
            function, f"{filename.rpartition('/')[2]}:{node.lineno}", "times 1 + 1e-6", _compiled(made, filename)
        )


def _operator(node: Any) -> str:
    if isinstance(node, ast.BinOp) and type(node.op) in _SWAPPED:
        node.op = _SWAPPED[type(node.op)]()
        return f"operator becomes {type(node.op).__name__}"
    return ""


def _sign(node: Any) -> str:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and not isinstance(node.operand, ast.Constant):
        node.op = ast.UAdd()
        return "a minus is lost"
    return ""


def _call(node: Any) -> str:
    """A call of conj and its like becomes its first argument: the function is replaced by one that hands it through."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _DROPPED and node.args:
        name = node.func.attr
        parameters = ast.arguments([], [ast.arg("first")], ast.arg("rest"), [], [], ast.arg("named"), [])
        node.func = ast.Lambda(parameters, ast.Name("first", ast.Load()))
        return f"{name} is dropped"
    return ""


def _swap(node: Any) -> str:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        if node.func.attr == "matmul" and len(node.args) == 2:
            node.args.reverse()
            return "the operands of matmul are swapped"
        if node.func.attr == "where" and len(node.args) == 3:
            node.args[1:] = node.args[:0:-1]
            return "the branches of where are swapped"
    return ""


def _keyword(node: Any) -> str:
    if isinstance(node, ast.Call):
        for keyword in node.keywords:
            if keyword.arg == "keepdims" and isinstance(keyword.value, ast.Constant):
                keyword.value = ast.Constant(not keyword.value.value)
                return "keepdims is turned over"
    return ""


_CHANGES: tuple[Callable[[Any], str], ...] = (_operator, _sign, _call, _swap, _keyword)


def who_runs() -> dict[CodeType, list[str]]:
    """For each function, the ops that run it, those that spend the most calls on it first. In a child: it runs ops."""
    found: dict[CodeType, dict[str, int]] = {}
    folder = _folder()
    rows = specs.standard()
    for op in rows:
        counts: dict[CodeType, int] = {}

        def profile(frame: Any, event: str, arg: Any, counts: dict[CodeType, int] = counts) -> None:
            code = frame.f_code
            if event == "call" and code.co_filename.startswith(folder):
                counts[code] = counts.get(code, 0) + 1

        wanted = ("V01", "J02", "D04")
        for group in mutants.groups_for(op, level=2):
            if group.dtype not in ("float64", "complex128"):
                continue
            chosen = [cell for cell in group.cells if cell.check.startswith(wanted)][:30]
            sys.setprofile(profile)
            judge.fill(cells.Group(group.device, group.op, group.dtype, chosen), rows)
            sys.setprofile(None)
        for code, count in counts.items():
            found.setdefault(code, {})[op] = count
    return {code: sorted(ops, key=ops.__getitem__, reverse=True) for code, ops in found.items()}


def run_automatic(jobs: int = 1, every: int = 1) -> dict[str, Any]:
    """Kill every n-th mutant, and list those that live."""
    users = mutants.in_child(lambda: {_key(code): ops for code, ops in who_runs().items()}, limit=600.0)
    todo = [(m, users.get(_key(m.function.__code__), [])) for f, node in functions() for m in mutations(f, node)][
        ::every
    ]

    def one(job: tuple[Mutation, list[str]]) -> bool:
        mutation, ops = job

        def put_in() -> None:
            mutation.function.__code__ = mutation.code

        return bool(ops) and bool(mutants.in_child(lambda: mutants.hunt(put_in, ops[:OPS_PER_MUTANT])))

    with ThreadPoolExecutor(max(1, jobs)) as pool:
        dead = list(pool.map(one, todo))
    survivors = [
        {"where": m.where, "what": m.what, "ops": ops[:OPS_PER_MUTANT]}
        for (m, ops), killed in zip(todo, dead, strict=True)
        if not killed
    ]
    return {"total": len(todo), "killed": sum(dead), "rate": sum(dead) / max(1, len(todo)), "survivors": survivors}
