"""The picture: an SVG that needs nothing around it. Results are at the bottom, what they are computed from above.

The inside of a frame is laid out by itself, with a port at its edge for each box outside that it is connected with;
seen from outside the frame is one box.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from typing import NamedTuple

from pullback.drawing.layout import Edge, Key, Layout, Point, layout
from pullback.drawing.sketch import Box, Frame, Line, Sketch, frames_of
from pullback.drawing.wording import badge, details, summary, words

_PAD = 18.0
_HEAD = 26.0
_LANE = 22.0
"""Room at the right of a frame for what is carried to the next block."""
_MARGIN = 20.0
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

STYLE = """\
.pullback-graph { --ink: #1f2933; --soft: #64748b; --line: #94a3b8; --paper: #ffffff; --op: #f8fafc; --edge: #cbd5e1;
  --leaf: #ecfdf3; --leaf-edge: #6bbf8e; --result: #fff7e6; --result-edge: #e3a73b; --heat: #ef8354; --frame: #6366f1;
  --inside: rgba(99, 102, 241, 0.05); font-family: system-ui, "Segoe UI", Helvetica, Arial, sans-serif }
@media (prefers-color-scheme: dark) { .pullback-graph { --ink: #e5e9f0; --soft: #9aa7b8; --line: #6b7a90;
  --paper: #14181f; --op: #1d232d; --edge: #3b4657; --leaf: #12291d; --leaf-edge: #3f8f63; --result: #2d2413;
  --result-edge: #b98426; --heat: #e07a4b; --frame: #8b8df8; --inside: rgba(139, 141, 248, 0.08) } }
.pullback-graph .paper { fill: var(--paper) }
.pullback-graph .box { fill: var(--op); stroke: var(--edge); stroke-width: 1.2 }
.pullback-graph .leaf .box { fill: var(--leaf); stroke: var(--leaf-edge) }
.pullback-graph .again .box { fill: none; stroke: var(--leaf-edge) }
.pullback-graph .result .box { fill: var(--result); stroke: var(--result-edge) }
.pullback-graph .rest .box, .pullback-graph .outside .box { fill: none; stroke-dasharray: 2 4 }
.pullback-graph .freed .box { stroke-dasharray: 5 3 }
.pullback-graph .heat { fill: var(--heat) }
.pullback-graph text { fill: var(--ink); font-size: 12px }
.pullback-graph .title { font-weight: 600; font-size: 13px }
.pullback-graph .aside, .pullback-graph .fact { fill: var(--soft); font-size: 11px; font-weight: 400 }
.pullback-graph .type { font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; font-size: 11px }
.pullback-graph .line { fill: none; stroke: var(--line); stroke-width: 1.3 }
.pullback-graph .tip { fill: var(--line) }
.pullback-graph .carried { stroke: var(--frame); stroke-dasharray: 5 4 }
.pullback-graph .carried-tip { fill: var(--frame) }
.pullback-graph .frame { fill: var(--inside); stroke: var(--frame); stroke-width: 1.4; stroke-dasharray: 7 4 }
.pullback-graph .badge { fill: var(--frame) }
.pullback-graph .badge-text { fill: var(--paper); font-weight: 700; font-size: 12px }
.pullback-graph .output { fill: var(--soft); font-size: 10px }
"""


def escape(text: str) -> str:
    """Text that is safe between tags and in attributes, and that XML allows."""
    return html.escape(_NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text), quote=True)


def _size(box: Box) -> Point:
    said = words(box)
    head = 7.8 * len(said.title) + (6.4 * len(said.aside) + 10 if said.aside else 0)
    widest = max([head, *(6.7 * len(text) for text in said.types), *(6.0 * len(text) for text in said.facts)])
    width = widest + (24 if box.kind == "op" else 28)
    if box.kind == "again":
        return width, 24.0
    return max(64.0, width), 21.0 + 16 * len(said.types) + 15 * len(said.facts) + 6


class _Inside(NamedTuple):
    """What stands directly in a frame, or in none, and where."""

    placed: Layout
    edges: list[Edge]
    width: float
    height: float
    shift: Point


class _Picture:
    def __init__(self, sketch: Sketch) -> None:
        self.sketch = sketch
        self.sizes: dict[Key, Point] = {key: _size(box) for key, box in sketch.boxes.items()}
        self.lines = [line for line in sketch.lines if not line.carried]
        self.carried = [line for line in sketch.lines if line.carried]
        self.chains = {key: [*frames_of(box), None] for key, box in sketch.boxes.items()}
        self.inside: dict[str | None, _Inside] = {}
        self.most = max((box.vertex.nbytes for box in sketch.boxes.values()), default=0)
        self.children: dict[str | None, list[Key]] = {None: []}
        for key, box in sketch.boxes.items():
            self.children.setdefault(box.frame.key if box.frame else None, []).append(key)
        for frame in sketch.frames:
            self.children.setdefault(frame.outer.key if frame.outer else None, []).append(frame.key)

    # --- where things go ---------------------------------------------------------------------------------------------

    def arrange(self) -> None:
        """Lay out the frames, the inner ones first, then the whole."""
        touching: dict[str | None, list[Line]] = {None: self.lines}
        for line in self.lines:
            for frame in {*self.chains[line.source], *self.chains[line.target]} - {None}:
                touching.setdefault(frame.key, []).append(line)  # type: ignore[union-attr]
        for frame in [*reversed(self.sketch.frames), None]:
            self._arrange(frame, touching.get(frame.key if frame else None, []))

    def _element(self, key: str, frame: Frame | None) -> str | None:
        """What stands for a box directly in a frame: itself, a frame inside, or None if it is outside."""
        chain = self.chains[key]
        if frame not in chain:
            return None
        at = chain.index(frame)
        return key if at == 0 else chain[at - 1].key  # type: ignore[union-attr]

    def _offset(self, element: str, port: Key) -> float:
        """How far from the middle of a frame one of its ports is."""
        inside = self.inside.get(element)
        if inside is None:
            return 0.0
        return inside.placed.middles[port][0] + inside.shift[0] - inside.width / 2

    def _arrange(self, frame: Frame | None, lines: Iterable[Line]) -> None:
        name = frame.key if frame else None
        sizes = {key: self.sizes[key] for key in self.children.get(name, ())}
        edges: dict[Edge, None] = {}
        first: dict[Key, None] = {}
        last: dict[Key, None] = {}
        for line in lines:
            source, target = self._element(line.source, frame), self._element(line.target, frame)
            if source == target or (source is None and target is None):
                continue
            into, out_of = ("in", line.source), ("out", line.source)
            start: Key = source if source is not None else into
            stop: Key = target if target is not None else out_of
            if source is None:
                first[into] = None
            if target is None:
                last[out_of] = None
            edges[
                Edge(
                    start,
                    stop,
                    self._offset(source, out_of) if source else 0.0,
                    self._offset(target, into) if target else 0.0,
                    0.05 if self.sketch.boxes[line.source].kind in ("leaf", "again", "outside") else 1.0,
                )
            ] = None
        sizes |= dict.fromkeys([*first, *last], (6.0, 0.0))
        placed = layout(sizes, list(edges), first=first, last=last)
        if frame is None:
            self.inside[None] = _Inside(placed, list(edges), placed.width, placed.height, (0.0, 0.0))
            return
        carried = sum(self._carrier(line) is frame for line in self.carried)
        lane = _LANE + 7 * (carried - 1) if carried else 0.0
        top = _HEAD - 8 if first else _HEAD + 4
        width, height = placed.width + 2 * _PAD + lane, placed.height + top + (8 if last else _PAD)
        self.inside[frame.key] = _Inside(placed, list(edges), width, height, (_PAD, top))
        self.sizes[frame.key] = width, height

    def _carrier(self, line: Line) -> Frame | None:
        """The frame whose next block a line leads to: drawn there."""
        return next((f for f in self.chains[line.source] if f in self.chains[line.target]), None)

    # --- what is drawn -----------------------------------------------------------------------------------------------

    def draw(self) -> str:
        """The text of the SVG."""
        self.arrange()
        whole = self.inside[None]
        width, height = whole.width + 2 * _MARGIN, whole.height + 2 * _MARGIN + 18
        self.frames: list[str] = []
        self.strokes: list[str] = []
        self.drawn: list[str] = []
        self.at: dict[Key, Point] = {}
        self.corner: dict[str, tuple[float, float]] = {}
        self._draw(None, _MARGIN, _MARGIN)
        for frame in self.sketch.frames:
            self._draw(frame, *self.corner[frame.key])
        self._draw_carried()
        note = escape(summary(self.sketch))
        label = f'<text class="fact" x="{_MARGIN:.0f}" y="{height - 10:.1f}">{note}</text>'
        size = f'viewBox="0 0 {max(width, 360):.1f} {height:.1f}" width="{max(width, 360):.0f}" height="{height:.0f}"'
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="pullback-graph" role="img" {size}>'
            f"<title>{note}</title><style>\n{STYLE}</style>\n"
            f'<rect class="paper" width="100%" height="100%"/>\n'
            + "\n".join([*self.frames, *self.strokes, *self.drawn, label])
            + "\n</svg>\n"
        )

    def _draw(self, frame: Frame | None, left: float, top: float) -> None:
        """The inside of a frame whose corner is there."""
        inside = self.inside[frame.key if frame else None]
        x0, y0 = left + inside.shift[0], top + inside.shift[1]
        if frame is not None:
            self._draw_frame(frame, left, top, inside)
        for key, (x, y) in inside.placed.middles.items():
            if key in self.sketch.boxes:
                self.at[key] = x0 + x, y0 + y
                self._draw_box(self.sketch.boxes[str(key)], x0 + x, y0 + y)
            elif key in self.inside:
                width, height = self.sizes[key]
                self.corner[str(key)] = x0 + x - width / 2, y0 + y - height / 2
            else:
                edge = top if key[0] == "in" else top + inside.height  # type: ignore[index]
                self.strokes.append(f'<path class="line" d="M{x0 + x:.1f} {edge:.1f}V{y0 + y:.1f}"/>')
        for edge_, path in zip(inside.edges, inside.placed.paths, strict=True):
            self._draw_line([(x0 + x, y0 + y) for x, y in path], tip=edge_.target in self.sketch.boxes)

    def _draw_frame(self, frame: Frame, left: float, top: float, inside: _Inside) -> None:
        text = badge(frame)
        width = 8.0 * len(text) + 14
        self.frames.append(
            f'<g class="repeat" data-repeat="{frame.key}"><title>{frame.operations:,} operations, folded into '
            f'one of {frame.count:,} equal blocks</title><rect class="frame" x="{left:.1f}" y="{top:.1f}" '
            f'width="{inside.width:.1f}" height="{inside.height:.1f}" rx="10"/></g>'
        )
        ports = [left + inside.shift[0] + x for key, (x, _) in inside.placed.middles.items() if key[0] == "in"]  # type: ignore[index]
        sides = (left + inside.width - width - 10, left + 10)
        x = next((x for x in sides if not any(x - 4 < port < x + width + 4 for port in ports)), sides[0])
        self.drawn.append(
            f'<g class="badge-group" data-repeat="{frame.key}"><rect class="badge" x="{x:.1f}" y="{top - 11:.1f}" '
            f'width="{width:.1f}" height="22" rx="11"/><text class="badge-text" x="{x + width / 2:.1f}" '
            f'y="{top + 4:.1f}" text-anchor="middle">{text}</text></g>'
        )

    def _draw_box(self, box: Box, x: float, y: float) -> None:
        width, height = self.sizes[box.key]
        left, top = x - width / 2, y - height / 2
        said = words(box)
        radius = 6 if box.kind == "op" else min(height / 2, 16)
        state = " freed" if "freed" in box.vertex.marks else ""
        rows = [
            f'<g class="{box.kind}{state}" data-key="{box.key}"><title>{escape(details(box))}</title>'
            f'<rect class="box" x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}" rx="{radius:.0f}"/>'
        ]
        if box.vertex.nbytes and self.most:
            share = max(4.0, (width - 16) * box.vertex.nbytes / self.most)
            rows.append(
                f'<rect class="heat" x="{left + 8:.1f}" y="{top + height - 5:.1f}" width="{share:.1f}" height="2.5" rx="1"/>'
            )
        aside = f' <tspan class="aside" dx="4">{escape(said.aside)}</tspan>' if said.aside else ""
        at = top + (16.5 if box.kind == "again" else 18)
        rows.append(f'<text class="title" x="{left + 12:.1f}" y="{at:.1f}">{escape(said.title)}{aside}</text>')
        for kind, step, texts in (("type", 16, said.types), ("fact", 15, said.facts)):
            for text in texts:
                at += step
                rows.append(f'<text class="{kind}" x="{left + 12:.1f}" y="{at:.1f}">{escape(text)}</text>')
        self.drawn.append("".join([*rows, "</g>"]))

    def _draw_line(self, path: list[Point], *, tip: bool) -> None:
        (x, y), *others = path
        end_x, end_y = path[-1]
        text = f"M{x:.1f} {y:.1f}"
        for i, (to_x, to_y) in enumerate(others):
            stop = to_y - (5 if tip and i == len(others) - 1 else 0)
            if abs(to_x - x) < 0.5:
                text += f"V{stop:.1f}"
            else:
                middle = (y + stop) / 2
                text += f"C{x:.1f} {middle:.1f} {to_x:.1f} {middle:.1f} {to_x:.1f} {stop:.1f}"
            x, y = to_x, stop
        self.strokes.append(f'<path class="line" d="{text}"/>')
        if tip:
            self.strokes.append(f'<path class="tip" d="M{end_x:.1f} {end_y:.1f}l-4 -7h8z"/>')

    def _draw_carried(self) -> None:
        used: dict[str, int] = {}
        for line in self.carried:
            frame = self._carrier(line)
            if frame is None:
                continue
            number = used.get(frame.key, 0)
            used[frame.key] = number + 1
            right = self.corner[frame.key][0] + self.inside[frame.key].width - 10 - 7 * number
            (sx, sy), (tx, ty) = self.at[line.source], self.at[line.target]
            sx, tx = sx + self.sizes[line.source][0] / 2, tx + self.sizes[line.target][0] / 2
            if line.source == line.target:
                sy, ty = sy + 8, ty - 8
            r, up = min(8.0, abs(sy - ty) / 2), 1 if ty < sy else -1
            text = (
                f"M{sx:.1f} {sy:.1f}H{right - r:.1f}Q{right:.1f} {sy:.1f} {right:.1f} {sy - up * r:.1f}"
                f"V{ty + up * r:.1f}Q{right:.1f} {ty:.1f} {right - r:.1f} {ty:.1f}H{tx + 6:.1f}"
            )
            self.strokes.append(
                f'<path class="line carried" d="{text}"><title>to the next of {frame.count:,} blocks</title></path>'
                f'<path class="carried-tip" d="M{tx:.1f} {ty:.1f}l7 -4v8z"/>'
            )


def svg(sketch: Sketch) -> str:
    """The picture of a sketch."""
    return _Picture(sketch).draw()
