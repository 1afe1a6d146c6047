"""The import graph of a package, read from its source: nothing is run."""

from __future__ import annotations

import ast
from collections.abc import Container, Iterable, Iterator, Mapping, Set
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
CORE = ROOT / "core" / "src" / "pullback"


class Import(NamedTuple):
    """`module` names `target`, at its top level or `deferred` to the call of a function."""

    module: str
    target: str
    deferred: bool


def modules(package: Path) -> dict[str, Path]:
    """The modules below a package by name; a package is named without `__init__`."""
    names = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package.parent).with_suffix("").parts
        names[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return names


def imports(package: Path) -> list[Import]:
    """Every import that can run. What only a type checker reads is none."""
    found = []
    known = modules(package)
    for module, path in known.items():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for target, deferred in _walk(tree, deferred=False):
            parent = target.rpartition(".")[0]
            found.append(Import(module, parent if target not in known and parent in known else target, deferred))
    return found


def _walk(node: ast.AST, *, deferred: bool) -> Iterator[tuple[str, bool]]:
    if isinstance(node, ast.Import):
        yield from ((alias.name, deferred) for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        assert node.level == 0, "imports are absolute, so that they can be read"
        yield from ((f"{node.module}.{alias.name}", deferred) for alias in node.names)
    elif isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        for child in node.orelse:
            yield from _walk(child, deferred=deferred)
    else:
        inside = deferred or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for child in ast.iter_child_nodes(node):
            yield from _walk(child, deferred=inside)


def edges(found: Iterable[Import], *, within: Container[str]) -> dict[str, set[str]]:
    """The imports between the modules of a package, as a graph."""
    graph: dict[str, set[str]] = {}
    for link in found:
        if link.target in within and link.target != link.module:
            graph.setdefault(link.module, set()).add(link.target)
    return graph


def reachable(start: str, edges: Mapping[str, Set[str]]) -> set[str]:
    """All that a module imports, at first or at any remove."""
    seen: set[str] = set()
    pending = [start]
    while pending:
        for target in edges.get(pending.pop(), set()) - seen:
            seen.add(target)
            pending.append(target)
    return seen


def cycle(edges: Mapping[str, Set[str]]) -> list[str] | None:
    """Some cycle of a graph, its first node repeated at the end; None if there is none."""
    finished: set[str] = set()
    for start in sorted(edges):
        path: list[str] = []
        pending = [iter([start])]
        while pending:
            node = next(pending[-1], None)
            if node is None:
                pending.pop()
                if path:
                    finished.add(path.pop())
            elif node in path:
                return [*path[path.index(node) :], node]
            elif node not in finished:
                path.append(node)
                pending.append(iter(sorted(edges.get(node, ()))))
    return None


def imported_packages(path: Path) -> set[str]:
    """The packages that a file imports, anywhere in it."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {target.partition(".")[0] for target, _ in _walk(tree, deferred=False)}
