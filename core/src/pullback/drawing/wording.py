"""What is written in a box: the same in every format."""

from __future__ import annotations

from typing import NamedTuple

from pullback.drawing.sketch import Box, Frame, Sketch

TIMES = "\N{MULTIPLICATION SIGN}"
_DOT = " \N{MIDDLE DOT} "


class Words(NamedTuple):
    """A title in bold, what stands behind it in grey, and lines below."""

    title: str
    aside: str
    types: tuple[str, ...]
    facts: tuple[str, ...]

    @property
    def lines(self) -> list[str]:
        """All of it, line by line."""
        return [f"{self.title} {self.aside}".rstrip(), *self.types, *self.facts]


def nbytes_text(count: int) -> str:
    """A number of bytes for people.

    >>> nbytes_text(80), nbytes_text(1536)
    ('80 B', '1.5 KiB')
    """
    value, units = float(count), ["B", "KiB", "MiB", "GiB", "TiB"]
    while value >= 1024 and len(units) > 1:
        value /= 1024
        units.pop(0)
    return f"{count} B" if units[0] == "B" else f"{value:.1f} {units[0]}"


def _cut(text: str, length: int = 36) -> str:
    return text if len(text) <= length else text[: length - 1] + "\N{HORIZONTAL ELLIPSIS}"


def words(box: Box) -> Words:
    """What to write in a box."""
    vertex, times = box.vertex, box.times
    many = f"{TIMES} {times:,}" if box.kind == "leaf" and times > 1 else ""
    types = vertex.types
    if len(types) > 1:
        types = tuple(f"{i}: {text}" for i, text in zip(sorted(vertex.avals), types, strict=True))
    if len(types) > 6:
        types = (*types[:5], f"and {len(types) - 5} more outputs")
    if box.kind == "rest":
        return Words(vertex.title, "", ("earlier than what is shown",), ())
    name = _cut(box.name)
    if box.kind == "again":
        return Words(name or vertex.title, "", (), ())
    if box.kind != "op":
        return Words(name or vertex.title, many, types, vertex.marks)
    title = f"{name} = {vertex.title}" if name else vertex.title
    facts = []
    if vertex.nbytes:
        same = box.nbytes == vertex.nbytes * times
        facts.append(
            f"saves {nbytes_text(vertex.nbytes)} {TIMES} {times:,}"
            if same and times > 1
            else f"saves {nbytes_text(box.nbytes)}" + (" in all" if times > 1 else "")
        )
    if vertex.marks:
        facts.append(_DOT.join(vertex.marks))
    return Words(
        title, _cut(vertex.params), types or ("shape not known: freed",) * ("freed" in vertex.marks), tuple(facts)
    )


def details(box: Box) -> str:
    """All that is known of a box, line by line: what a reader sees who points at it."""
    vertex = box.vertex
    lines = [f"{vertex.title} ({vertex.function})" if vertex.function else vertex.title]
    if box.names:
        shown = ", ".join(box.names[:12]) + (f" and {len(box.names) - 12} more" if len(box.names) > 12 else "")
        lines.append(f"name: {shown}")
    lines += [f"output {i}: {text}" for i, text in zip(sorted(vertex.avals), vertex.types, strict=True)]
    if vertex.params:
        lines.append(f"parameters: {vertex.params}")
    for saved in vertex.saved:
        packed = f", packed as {saved.packed}" if saved.packed else ""
        lines.append(f"saves {saved.name}: {saved.text}, {nbytes_text(saved.nbytes)}{packed}")
    if box.times > 1:
        lines.append(f"{box.times:,} times; all save {nbytes_text(box.nbytes)}")
    lines += vertex.marks
    if vertex.place:
        lines.append(f"at {vertex.place}")
    return "\n".join(lines)


def badge(frame: Frame) -> str:
    """What is written at a frame."""
    return f"{TIMES} {frame.count:,}"


def summary(found: Sketch) -> str:
    """One line about the whole graph."""
    operations = f"{found.operations:,} operation{'s' if found.operations != 1 else ''}"
    leaves = f"{found.leaves:,} {'leaves' if found.leaves != 1 else 'leaf'}"
    return f"{operations}{_DOT}{leaves}{_DOT}{nbytes_text(found.nbytes)} saved for the reverse pass"
