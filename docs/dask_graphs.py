"""Draw the picture of docs/dask.md: `python docs/dask_graphs.py`; `--check` only compares.

Both graphs are those that the programs hand to Dask, for a linear regression on four blocks of rows. Nothing is computed.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import dask
import dask.array as da
import pullback as pb
from dask.core import get_dependencies
from dask.utils import key_split
from pullback_dask import to_dask
from pullback_dask.parallel.blocks import blocks_of
from pullback_dask.parallel.gradients import step_graph
from pullback_dask.parallel.work import Call, Piece, Shipment

PICTURE = Path(__file__).parent / "pictures" / "dask.svg"
BLOCKS = 4
Graph = dict[Any, set[Any]]

COLOURS = {"data": "#7fb77e", "parameters": "#e0a458", "block": "#5b8db8", "add": "#b07aa1", "array": "#9aa5b1"}
LEGEND = {
    "data": "makes a block of rows",
    "parameters": "parameters",
    "block": "loss and gradients of a block, on the NumPy backend",
    "add": "adds up neighbours",
    "array": "one operation on one chunk",
}
WIDTH, ROW, RADIUS, MARGIN, HEAD = 420, 46, 7, 30, 40


def loss(w: Any, x: Any, y: Any) -> Any:
    """The mean squared error of a linear model."""
    return (x @ w - y).square().mean()


def rows() -> tuple[Any, Any]:
    """Four blocks of rows; the names say what the tasks are."""
    x = da.ones((BLOCKS * 8, 3), chunks=(8, 3), name="x")
    return x, da.ones(BLOCKS * 8, chunks=8, name="y")


def data_parallel() -> Graph:
    """The tasks of one step and what each needs."""
    blocks = blocks_of(rows(), None)
    shipment = Shipment.packed(Call(loss, (pb.zeros(3), Piece(0), Piece(1)), {}, (0,), True, None))
    _, graph = step_graph(shipment, blocks, range(BLOCKS), fan_in=2)
    return {key: get_dependencies(graph, key) for key in graph}


def arrays() -> Graph:
    """The tasks of the same loss and gradient on Dask arrays, as Dask optimises them."""
    x, y = rows()
    w = pb.zeros(3, dtype=pb.float64).to("dask")
    value, grad = pb.func.value_and_grad(loss)(w, pb.asarray(x), pb.asarray(y))
    (*optimised,) = dask.optimize(to_dask(value), to_dask(grad))
    graph = {key: task for array in optimised for key, task in dict(array.__dask_graph__()).items()}
    return {key: set(get_dependencies(graph, key)) & graph.keys() for key in graph}


def kind(key: Any) -> str:
    """What a task is, by its name."""
    name = key_split(key)
    if name.startswith("pullback-"):
        return name.removeprefix("pullback-")
    return "data" if name in ("x", "y") else "array"


def layers(graph: Graph) -> list[list[Any]]:
    """The tasks by how many others must run before them, each layer in an order that keeps the lines short."""
    depth: dict[Any, int] = {}

    def deep(key: Any) -> int:
        if key not in depth:
            depth[key] = max((1 + deep(other) for other in graph[key]), default=0)
        return depth[key]

    found: list[list[Any]] = [[] for _ in range(1 + max(map(deep, graph)))]
    for key in graph:
        found[depth[key]].append(key)
    place: dict[Any, float] = {}
    for layer in found:

        def wish(key: Any) -> tuple[float, str]:
            above = [place[other] for other in graph[key]]
            return (sum(above) / len(above) if above else 0.5), _plain(key)

        layer.sort(key=wish)
        place.update((key, (i + 0.5) / len(layer)) for i, key in enumerate(layer))
    return found


def _plain(key: Any) -> str:
    """A key without what is random in it."""
    return str((key_split(key), *key[1:]) if isinstance(key, tuple) else key_split(key))


def drawn(graph: Graph, left: float, title: str) -> tuple[list[str], int]:
    """The lines of SVG of a graph, and how deep it is."""
    found = layers(graph)
    where = {
        key: (left + MARGIN + (i + 0.5) / len(layer) * (WIDTH - 2 * MARGIN), HEAD + MARGIN + depth * ROW)
        for depth, layer in enumerate(found)
        for i, key in enumerate(layer)
    }
    lines = [f'<text x="{left + WIDTH / 2:.0f}" y="22" text-anchor="middle" font-weight="bold">{title}</text>']
    ends = [(where[other], where[key]) for layer in found for key in layer for other in sorted(graph[key], key=_plain)]
    lines += [
        f'<line x1="{a:.1f}" y1="{b:.1f}" x2="{c:.1f}" y2="{d:.1f}" stroke="#999" stroke-width="0.8"/>'
        for (a, b), (c, d) in ends
    ]
    lines += [
        f'<circle cx="{where[key][0]:.1f}" cy="{where[key][1]:.1f}" r="{RADIUS}" fill="{COLOURS[kind(key)]}">'
        f"<title>{key_split(key)}</title></circle>"
        for layer in found
        for key in layer
    ]
    return lines, len(found)


def picture() -> str:
    """Both graphs, side by side."""
    left, right = data_parallel(), arrays()
    one, deep = drawn(left, 0, f"data-parallel form: {len(left)} tasks")
    two, deeper = drawn(right, WIDTH, f"array form: {len(right)} tasks")
    bottom = HEAD + MARGIN + max(deep, deeper) * ROW
    legend = []
    for i, (name, text) in enumerate(LEGEND.items()):
        y = bottom + 18 * i
        legend.append(f'<circle cx="{MARGIN}" cy="{y}" r="{RADIUS - 1}" fill="{COLOURS[name]}"/>')
        legend.append(f'<text x="{MARGIN + 14}" y="{y + 4}">{text}</text>')
    height = bottom + 18 * len(LEGEND) + 10
    size = f'viewBox="0 0 {2 * WIDTH} {height}" width="{2 * WIDTH}" height="{height}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size}'
    style = ' font-family="sans-serif" font-size="12">'
    frame = f'<rect width="{2 * WIDTH}" height="{height}" fill="white"/>'
    return "\n".join([head + style, frame, *one, *two, *legend, "</svg>", ""])


def main() -> int:
    """Write the picture, or say that it differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if the picture differs")
    if not parser.parse_args().check:
        PICTURE.write_text(picture(), encoding="utf-8")
    elif not PICTURE.exists() or PICTURE.read_text(encoding="utf-8") != picture():
        print(f"not up to date: {PICTURE.name}; run python docs/dask_graphs.py")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
