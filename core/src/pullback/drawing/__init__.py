"""Drawings of graphs: `pb.autograd.graph.draw` makes them; everything here is loaded with the first one."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from pullback import primitive as primitives
from pullback.drawing import page, sketch, svg, text
from pullback.drawing.anatomy import Anatomy, anatomy
from pullback.drawing.wording import summary
from pullback.errors import ArgumentError, AutogradError

_SUFFIXES = {".svg": "svg", ".html": "html", ".htm": "html", ".dot": "dot", ".gv": "dot", ".mmd": "mermaid"}


class Drawing:
    """A graph as it was when it was drawn, in four formats. Notebooks show it. It keeps no array alive."""

    def __init__(self, found: Anatomy, shown: sketch.Sketch) -> None:
        self._anatomy = found
        self._sketch = shown

    @property
    def notes(self) -> tuple[str, ...]:
        """What is not shown, in words."""
        return tuple(self._sketch.notes)

    @cached_property
    def mermaid(self) -> str:
        """Text for Mermaid."""
        return text.mermaid(self._sketch)

    @cached_property
    def dot(self) -> str:
        """Text for Graphviz."""
        return text.dot(self._sketch)

    @cached_property
    def svg(self) -> str:
        """The picture."""
        return svg.svg(self._sketch)

    @cached_property
    def html(self) -> str:
        """A page with the picture, its repeats unrolled, and what each operation saves. It needs no network."""
        return page.page(self._anatomy, self._sketch)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the format that the suffix says: .svg, .html, .dot, .gv, .mmd; or .md, with Mermaid in a fence.

        Raises `ArgumentError` for another suffix.
        """
        name = os.fspath(path)
        suffix = os.path.splitext(name)[1].lower()
        if suffix == ".md":
            content = f"```mermaid\n{self.mermaid}```\n"
        elif suffix in _SUFFIXES:
            content = getattr(self, _SUFFIXES[suffix])
        else:
            raise ArgumentError(
                f"Drawing.save: {name!r} has the suffix {suffix!r}; known are {', '.join([*_SUFFIXES, '.md'])}"
            )
        with open(name, "w", encoding="utf-8") as file:
            file.write(content)

    def __repr__(self) -> str:
        return f"<drawing of {summary(self._sketch)}>"

    def _repr_html_(self) -> str:
        return page.fragment(self._anatomy, self._sketch)

    def _repr_svg_(self) -> str:
        return self.svg

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/html": self._repr_html_(), "image/svg+xml": self.svg, "text/plain": repr(self)}


def draw(outputs: Sequence[Any], names: Mapping[str, Any], *, collapse: bool, limit: int) -> Drawing:
    """Draw the graph of the outputs; see `pb.autograd.graph.draw`."""
    if limit < 1:
        raise ArgumentError(f"draw: limit must be at least 1, got {limit}")
    found: list[Any] = []
    for output in outputs:
        found += output if isinstance(output, (list, tuple)) else [output]
    for i, output in enumerate(found):
        _refuse(f"output {i}", output)
    if not found:
        raise ArgumentError("draw: a Tensor is needed whose graph to draw")
    for name, tensor in names.items():
        if not isinstance(tensor, primitives.tensor_type):
            raise ArgumentError(f"draw: the name {name!r} is for a Tensor, got a {type(tensor).__name__}")
    mine = {id(tensor): name for name, tensor in names.items()}
    several = len(found) > 1
    results = [(mine.get(id(output), f"output {i}" if several else "output"), output) for i, output in enumerate(found)]
    others = {name: t for name, t in names.items() if all(t is not output for output in found) and t.requires_grad}
    read = anatomy(results, others)
    return Drawing(read, sketch.sketch(read, collapse=collapse, limit=limit))


def _refuse(what: str, output: Any) -> None:
    if not isinstance(output, primitives.tensor_type):
        raise ArgumentError(f"draw: {what} must be a Tensor, got a {type(output).__name__}")
    if not output.requires_grad:
        raise AutogradError(
            f"draw: {what} does not require grad, so it has no graph; pb.autograd.explain(...) says why it does not"
        )
