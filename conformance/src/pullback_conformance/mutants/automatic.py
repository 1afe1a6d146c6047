"""Automatic mutants: the source of the real rules, changed in one place at a time.

Every function of `pullback.ops` that takes `xp` first is a rule or a part of one. Each of its changes (`rewriting.py`) is
compiled with its module, and the living functions get the new code. Which ops run a function is learned by looking: one
healthy run with a profile function set. A mutant runs the rows of these ops until a check fails.

A mutant that no check notices must be listed in `known/survivors.toml` with a reason; a listed one that is noticed, or is
no more, is stale. `resume` names a file that keeps what was found, so that a run which was cut off goes on; beside it lies
who runs what. After a change of the suite, delete both.
"""

from __future__ import annotations

import ast
import contextlib
import copy
import hashlib
import importlib
import json
import pkgutil
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

from pullback_conformance import mutants
from pullback_conformance.mutants import users
from pullback_conformance.mutants.rewriting import CHANGES

OPS: Any = importlib.import_module("pullback.ops")
SURVIVORS = Path(mutants.__file__).parent.parent / "known" / "survivors.toml"
SECONDS = 300
"""Of processor time for one mutant."""
EQUIVALENT, UNSEEN = "equivalent", "unseen"
TARGET = 0.98
_CHUNK = 40
"""So many mutants share the preparation of their ops."""


@dataclass(frozen=True)
class Source:
    """One function of the rule table: where it is in its module, and its name for people."""

    module: Any
    tree: ast.Module
    node: Any
    owner: str
    chain: tuple[int, ...]
    """The places of its code, and of the functions around it, among all code objects of the module."""
    codes: Sequence[CodeType]
    """All code objects of the module."""

    @property
    def code(self) -> CodeType:
        """The function's own."""
        return self.codes[self.chain[0]]


@dataclass(frozen=True)
class Mutation:
    """A function changed in one place."""

    source: Source
    place: int
    change: int
    what: str
    id: str
    living: Mapping[CodeType, list[FunctionType]] = field(repr=False)

    @property
    def digest(self) -> str:
        """Of all that it depends on: the mutated function, and the change."""
        return hashlib.sha256(f"{self.id}\n{ast.dump(self.source.node)}".encode()).hexdigest()[:16]

    def put_in(self) -> None:
        """Give the living functions the changed code. `LookupError` if there are none, or nothing changes."""
        made = copy.deepcopy(self.source.node)
        CHANGES[self.change](list(ast.walk(made))[self.place])
        with _instead(self.source.node, made):
            after = _codes(_compile(self.source.module, self.source.tree))
        found = 0
        for i in self.source.chain:
            for function in self.living.get(self.source.codes[i], ()):
                if function.__code__ != after[i]:
                    function.__code__ = after[i]
                    found += 1
        if not found:
            raise LookupError(f"{self.id}: nothing that is alive has changed")


@contextlib.contextmanager
def _instead(node: Any, other: Any) -> Iterator[None]:
    kept = node.__dict__
    node.__dict__ = other.__dict__
    try:
        yield
    finally:
        node.__dict__ = kept


def _compile(module: Any, tree: ast.Module) -> CodeType:
    return compile(ast.fix_missing_locations(tree), module.__file__, "exec", dont_inherit=True)


def _codes(code: CodeType) -> list[CodeType]:
    """All code objects of a module, each before what is inside of it."""
    found = [code]
    for const in code.co_consts:
        if isinstance(const, CodeType):
            found += _codes(const)
    return found


# --- the rule table ---------------------------------------------------------------------------------------------------


def sources() -> Iterator[Source]:
    """Every function of the rule table that takes `xp` first, in the order of the modules."""
    for info in sorted(pkgutil.iter_modules(OPS.__path__), key=lambda info: info.name):
        module: Any = importlib.import_module(f"pullback.ops.{info.name}")
        tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
        yield from _sources(module, tree)


def _sources(module: Any, tree: ast.Module) -> Iterator[Source]:
    codes = _codes(_compile(module, tree))
    functions = [(node, owner, around) for node, owner, around in _functions(tree, info_name(module), ())]
    places: dict[int, int] = {}
    for name, line in {_address(node) for node, _, _ in functions}:
        nodes = [node for node, _, _ in functions if _address(node) == (name, line)]
        found = [i for i, code in enumerate(codes) if (code.co_name, code.co_firstlineno) == (name, line)]
        if len(nodes) != len(found):
            raise LookupError(f"{module.__file__}:{line}: {len(nodes)} functions, {len(found)} codes")
        places |= {id(node): i for node, i in zip(nodes, found, strict=True)}
    for node, owner, around in functions:
        if node.args.args and node.args.args[0].arg == "xp":
            chain = tuple(places[id(one)] for one in (node, *around))
            yield Source(module, tree, node, owner, chain, codes)


def info_name(module: Any) -> str:
    """The name of a module within the table."""
    return str(module.__name__).rpartition(".")[2]


def _functions(node: Any, owner: str, around: tuple[Any, ...]) -> Iterator[tuple[Any, str, tuple[Any, ...]]]:
    """All functions and lambdas below a node, in the order of their codes; with a name, and the functions around."""
    if isinstance(node, (ast.FunctionDef, ast.Lambda)):
        owner = f"{owner}.{node.name}" if isinstance(node, ast.FunctionDef) else owner
        yield node, owner, around
        around = (node, *around)
    elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        owner = f"{owner}.{node.targets[0].id}"
    elif isinstance(node, ast.keyword):
        owner = f"{owner}.{node.arg}"
    for child in ast.iter_child_nodes(node):
        yield from _functions(child, owner, around)


def _address(node: Any) -> tuple[str, int]:
    if isinstance(node, ast.Lambda):
        return "<lambda>", node.lineno
    return node.name, min(node.lineno, *(d.lineno for d in node.decorator_list)) if node.decorator_list else node.lineno


def mutations() -> list[Mutation]:
    """Every mutation of the rule table. Their ids hold no line numbers: they last as long as the code does."""
    living = users.living(str(next(iter(OPS.__path__))))
    found: list[Mutation] = []
    taken: dict[str, int] = {}
    for source in sources():
        for place, node in enumerate(_inside(source.node)):
            for number, change in enumerate(CHANGES if node is not None else ()):
                made = copy.copy(node)
                what = change(made)
                if what and ast.dump(made) != ast.dump(node):
                    text = " ".join(ast.unparse(node).split())
                    id = f"{source.owner}: {text[:70]}: {what}"
                    taken[id] = taken.get(id, 0) + 1
                    id += f" ({taken[id]})" if taken[id] > 1 else ""
                    found.append(Mutation(source, place, number, what, id, living))
    return found


def _inside(function: Any) -> list[Any]:
    """The nodes of a function by their places; None for those of inner functions with mutations of their own."""
    inner: set[int] = set()
    for node in ast.walk(function):
        if node is not function and isinstance(node, (ast.FunctionDef, ast.Lambda)):
            arguments = node.args.args
            if arguments and arguments[0].arg == "xp":
                inner |= {id(one) for one in ast.walk(node)}
        for one in (node, getattr(node, "returns", None), getattr(node, "annotation", None)):
            if isinstance(one, ast.arguments) or (one is not node and one is not None):  # what is never computed
                inner |= {id(part) for part in ast.walk(one)}
    return [None if id(node) in inner else node for node in ast.walk(function)]


# --- the run ----------------------------------------------------------------------------------------------------------


def listed(path: Path = SURVIVORS) -> dict[str, dict[str, str]]:
    """The survivors that are known, by id; `ValueError` for one without a kind or a reason."""
    entries = tomllib.loads(path.read_text(encoding="utf-8")).get("survivor", []) if path.exists() else []
    for entry in entries:
        if entry.get("kind") not in (EQUIVALENT, UNSEEN) or not entry.get("reason") or not entry.get("id"):
            raise ValueError(
                f"{path}: a survivor needs an id, a reason, and a kind that is equivalent or unseen: {entry}"
            )
    return {entry["id"]: entry for entry in entries}


def settle(
    found: Mapping[str, Sequence[str]], known: Mapping[str, Mapping[str, str]], *, whole: bool
) -> dict[str, Any]:
    """The balance: who lives without being listed, who is listed without living."""
    survivors = [id for id, checks in found.items() if not checks]
    stale = [id for id in known if found.get(id)] + [id for id in known if whole and id not in found]
    equivalent = sum(known.get(id, {}).get("kind") == EQUIVALENT for id in survivors)
    killed = len(found) - len(survivors)
    return {
        "total": len(found),
        "killed": killed,
        "equivalent": equivalent,
        "rate": killed / max(1, len(found) - equivalent),
        "survivors": [{"id": id} | dict(known.get(id, {})) for id in survivors],
        "unlisted": [id for id in survivors if id not in known],
        "stale": stale,
        "ok": not stale and all(id in known for id in survivors) and killed >= TARGET * (len(found) - equivalent),
    }


def run_automatic(jobs: int = 1, every: int = 1, resume: Path | None = None) -> dict[str, Any]:
    """Kill every n-th mutant, and look whether those that live are the ones that are listed."""
    todo = mutations()[::every]
    found = _earlier(resume)
    missing = [m for m in todo if m.digest not in found]
    if missing:
        runs = users.of(missing, resume and resume.with_suffix(".users.json"))
        for start in range(0, len(missing), _CHUNK):
            some = missing[start : start + _CHUNK]
            users.prepare(op for m in some for op in runs[m.id])
            with ThreadPoolExecutor(max(1, jobs)) as pool:
                for mutation, checks in zip(some, pool.map(lambda m: _fate(m, runs[m.id]), some), strict=True):
                    found[mutation.digest] = checks
                    if resume:
                        with resume.open("a", encoding="utf-8") as file:
                            entry = {"digest": mutation.digest, "id": mutation.id, "found": checks}
                            file.write(json.dumps(entry) + "\n")
    return settle({m.id: found[m.digest] for m in todo}, listed(), whole=every == 1)


def _earlier(path: Path | None) -> dict[str, list[str]]:
    if path is None or not path.exists():
        return {}
    lines = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return {line["digest"]: line["found"] for line in lines}


def _fate(mutation: Mutation, ops: Sequence[str]) -> list[str]:
    """The checks that notice a mutant; none if it lives."""
    found: list[str] = mutants.in_child(
        lambda: users.hunt(mutation.put_in, ops, mutation.what), limit=20.0 * SECONDS, seconds=SECONDS
    )
    if found and found[0].startswith("raised"):
        raise RuntimeError(f"{mutation.id}: {found[0]}")
    return found
