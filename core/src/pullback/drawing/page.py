"""The picture as an HTML page that needs no network: the SVG, every repeat unrolled below, and what each op saves."""

from __future__ import annotations

from pullback.drawing.anatomy import Anatomy, Vertex, section, together
from pullback.drawing.sketch import Frame, Sketch, sketch
from pullback.drawing.svg import escape, svg
from pullback.drawing.wording import TIMES, badge, nbytes_text, summary

_UNROLLED = 150
"""Operations of a repeat that are drawn one by one."""
_FRAMES = 20
"""Repeats that are unrolled."""

_STYLE = """\
.pullback-page { font-family: system-ui, "Segoe UI", Helvetica, Arial, sans-serif; color: #1f2933; line-height: 1.5 }
.pullback-page .scroll { overflow: auto; max-width: 100% }
.pullback-page svg { max-width: none }
.pullback-page details { margin: .5em 0; border: 1px solid #cbd5e1; border-radius: 8px; padding: .4em .9em }
.pullback-page summary { cursor: pointer; font-weight: 600 }
.pullback-page .badge-group, .pullback-page .repeat { cursor: pointer }
.pullback-page table { border-collapse: collapse; font-size: 13px; margin: .6em 0 }
.pullback-page td, .pullback-page th { padding: .15em 1.2em .15em 0; text-align: right }
.pullback-page td:first-child, .pullback-page th:first-child { text-align: left }
.pullback-page .note { color: #b45309 }
@media (prefers-color-scheme: dark) { .pullback-page { color: #e5e9f0 } .pullback-page details { border-color: #3b4657 } }
"""

_SCRIPT = """\
for (const part of document.querySelectorAll('.pullback-page [data-repeat]:not(details)')) {
  if (part.closest('details') || part.dataset.ready) continue;  // a notebook runs this once for each drawing
  part.dataset.ready = 'yes';
  part.addEventListener('click', () => {
    const page = part.closest('.pullback-page');
    const details = page.querySelector(`details[data-repeat="${part.dataset.repeat}"]`);
    if (!details) return;
    details.open = !details.open;
    if (details.open) details.scrollIntoView({behavior: 'smooth', block: 'nearest'});
  });
}
"""


def fragment(found: Anatomy, shown: Sketch) -> str:
    """What a notebook shows."""
    parts = [f"<style>\n{_STYLE}</style>", f'<div class="pullback-page"><div class="scroll">{svg(shown)}</div>']
    parts += [f'<p class="note">{escape(note)}</p>' for note in shown.notes]
    frames = [frame for frame in shown.frames if frame.outer is None]
    parts += [_unrolled(found, frame) for frame in frames[-_FRAMES:]]
    if len(frames) > _FRAMES:
        parts.append(f'<p class="note">The first {len(frames) - _FRAMES} repeats are not unrolled here.</p>')
    parts += [_table(found), f"<script>\n{_SCRIPT}</script></div>"]
    return "\n".join(parts)


def _unrolled(found: Anatomy, frame: Frame) -> str:
    """A repeat with its operations one by one, as far as they are not too many."""
    repeat = frame.repeat
    titles = list(dict.fromkeys(v.title for v in found.vertices[repeat.start : repeat.start + repeat.period]))
    inside = escape(", ".join(titles[:8]) + (", \N{HORIZONTAL ELLIPSIS}" if len(titles) > 8 else ""))
    blocks = max(1, min(repeat.times, _UNROLLED // repeat.period))
    end = repeat.start + blocks * repeat.period
    picture = svg(sketch(section(found, repeat.start, end), collapse=False, limit=max(_UNROLLED, repeat.period)))
    note = f'<p class="note">The first {blocks:,} of {repeat.times:,}.</p>' if blocks < repeat.times else ""
    return (
        f'<details data-repeat="{frame.key}"><summary>{badge(frame)}: {inside} ({frame.operations:,} operations, '
        f'one by one)</summary>{note}<div class="scroll">{picture}</div></details>'
    )


def _table(found: Anatomy) -> str:
    """Operations by name: how many, and what they save."""
    alike: dict[str, list[Vertex]] = {}
    for vertex in found.vertices[: found.operations]:
        alike.setdefault(vertex.title, []).append(vertex)
    counts = {title: (len(vertices), together(vertices)) for title, vertices in alike.items()}
    rows = "".join(
        f"<tr><td>{escape(title)}</td><td>{number:,}</td><td>{nbytes_text(nbytes)}</td></tr>"
        for title, (number, nbytes) in sorted(counts.items(), key=lambda item: (-item[1][1], -item[1][0]))
    )
    return (
        f'<details class="by-op"><summary>What each operation saves</summary><table><tr><th>operation</th><th>{TIMES}</th>'
        f"<th>saves</th></tr>{rows}</table><p>An array that two of them save counts for both; "
        f"in all {nbytes_text(found.nbytes)} are kept.</p></details>"
    )


def page(found: Anatomy, shown: Sketch) -> str:
    """A whole page."""
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(summary(shown))}</title>\n<style>body {{ margin: 1.5em; background: #fff }}\n"
        "@media (prefers-color-scheme: dark) { body { background: #14181f } }</style></head>\n"
        f"<body>{fragment(found, shown)}</body></html>\n"
    )
