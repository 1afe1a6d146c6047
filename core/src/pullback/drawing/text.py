"""The picture as text for other programs: Mermaid (GitHub, GitLab, many editors) and DOT (Graphviz).

Repeats are subgraphs. Names are the user's: whatever is in them must stay text.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from pullback.drawing.sketch import Box, Frame, Sketch
from pullback.drawing.wording import badge, summary, words

_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")


def _plain(text: str) -> str:
    return _CONTROL.sub(" ", text)


def mermaid_text(text: str) -> str:
    """Text as it stands in quotes in Mermaid, which has entities of its own.

    >>> mermaid_text('<b> "x"')
    '#60;b#62; #34;x#34;'
    """
    return re.sub(r'[&<>"#`\\]', lambda found: f"#{ord(found[0])};", _plain(text))


def dot_text(text: str) -> str:
    r"""Text as it stands in quotes in DOT.

    >>> print(dot_text('a "b"\\'))
    a \"b\"\\
    """
    return _plain(text).replace("\\", "\\\\").replace('"', '\\"')


_SHAPES = {
    "op": ("[", "]"),
    "leaf": ("([", "])"),
    "again": ("([", "])"),
    "result": ("([", "])"),
    "rest": ("[", "]"),
    "outside": ("[", "]"),
}
_DOT_STYLES = {
    "op": 'shape=box, style="rounded,filled", fillcolor="#f8fafc", color="#94a3b8"',
    "leaf": 'shape=box, style="rounded,filled", fillcolor="#ecfdf3", color="#6bbf8e"',
    "again": 'shape=box, style="rounded", color="#6bbf8e"',
    "result": 'shape=box, style="rounded,filled", fillcolor="#fff7e6", color="#e3a73b"',
    "rest": 'shape=box, style="dashed", color="#94a3b8"',
    "outside": 'shape=box, style="dashed", color="#94a3b8"',
}


def _nested(sketch: Sketch, box: Callable[[Box], str], opening: Callable[[Frame], str], closing: str) -> list[str]:
    """All boxes, those of a frame between its opening and its closing."""
    text: list[str] = []
    children: dict[Frame | None, list[Frame]] = {}
    for frame in sketch.frames:
        children.setdefault(frame.outer, []).append(frame)
    members: dict[Frame | None, list[Box]] = {}
    for one in sketch.boxes.values():
        members.setdefault(one.frame, []).append(one)

    def fill(frame: Frame | None, indent: str) -> None:  # as deep as repeats nest
        text.extend(indent + box(one) for one in members.get(frame, ()))
        for child in children.get(frame, ()):
            text.append(indent + opening(child))
            fill(child, indent + "  ")
            text.append(indent + closing)

    fill(None, "  ")
    return text


def mermaid(sketch: Sketch) -> str:
    """A Mermaid flowchart."""

    def box(one: Box) -> str:
        left, right = _SHAPES[one.kind]
        label = "<br/>".join(map(mermaid_text, words(one).lines))
        return f'{one.key}{left}"{label}"{right}:::{one.kind}'

    lines = []
    for line in sketch.lines:
        label = f'|"{mermaid_text(line.label)}"|' if line.label else ""
        lines.append(f"  {line.source} {'-.->' if line.carried else '-->'}{label} {line.target}")
    return "\n".join(
        [
            "flowchart TD",
            f"  %% {_plain(summary(sketch))}",
            *(f"  %% {_plain(note)}" for note in sketch.notes),
            *_nested(sketch, box, lambda frame: f'subgraph {frame.key}["{badge(frame)}"]', "end"),
            *lines,
            "  classDef op fill:#f8fafc,stroke:#94a3b8,color:#1f2933",
            "  classDef leaf fill:#ecfdf3,stroke:#6bbf8e,color:#1f2933",
            "  classDef again fill:none,stroke:#6bbf8e",
            "  classDef result fill:#fff7e6,stroke:#e3a73b,color:#1f2933",
            "  classDef rest fill:none,stroke:#94a3b8,stroke-dasharray:3 3",
            "",
        ]
    )


def dot(sketch: Sketch) -> str:
    """A DOT digraph."""

    def box(one: Box) -> str:
        label = "\\n".join(map(dot_text, words(one).lines))
        return f'{one.key} [label="{label}", {_DOT_STYLES[one.kind]}];'

    def opening(frame: Frame) -> str:
        return f'subgraph cluster_{frame.key} {{ label="{badge(frame)}"; style="dashed,rounded"; color="#6366f1";'

    lines = []
    for line in sketch.lines:
        facts = [f'label="{dot_text(line.label)}"'] if line.label else []
        facts += ['style="dashed"', 'color="#6366f1"', "constraint=false"] if line.carried else []
        said = f" [{', '.join(facts)}]" if facts else ""
        lines.append(f"  {line.source} -> {line.target}{said};")
    return "\n".join(
        [
            "digraph pullback {",
            f'  label="{dot_text(summary(sketch))}";',
            *(f"  // {_plain(note)}" for note in sketch.notes),
            '  node [fontname="Helvetica", fontsize=11]; edge [fontname="Helvetica", fontsize=9, color="#64748b"];',
            *_nested(sketch, box, opening, "}"),
            *lines,
            "}",
            "",
        ]
    )
