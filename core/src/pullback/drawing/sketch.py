"""What a picture shows: boxes, the lines between them and frames around repeats; no coordinates.

Blocks of a repeat are folded into the first one, so that a loop of any length is one block and a number. When there is
still more than `limit` allows, the operations nearest to the results are kept, and a box says what was left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from pullback.drawing.anatomy import Anatomy, Vertex, together
from pullback.drawing.repeats import Item, Repeat, find, folded


class Box:
    """A vertex, or several that are folded into one."""

    __slots__ = ("frame", "key", "kind", "names", "times", "vertex", "vertices")

    def __init__(self, key: str, vertex: Vertex, times: int, frame: Frame | None) -> None:
        self.key = key
        self.kind = vertex.kind
        self.vertex = vertex
        self.times = times
        self.frame = frame
        self.names: list[str] = [vertex.name] if vertex.name else []
        self.vertices = [vertex]

    @property
    def nbytes(self) -> int:
        """Bytes that all of it saves."""
        return together(self.vertices)

    @property
    def name(self) -> str:
        """The names of all that it stands for."""
        if len(self.names) <= 2:
            return ", ".join(self.names)
        return f"{self.names[0]} \N{HORIZONTAL ELLIPSIS} {self.names[-1]}"


class Frame:
    """A repeat: `count` times what is inside."""

    __slots__ = ("count", "key", "operations", "outer", "repeat")

    def __init__(self, key: str, repeat: Repeat, outer: Frame | None) -> None:
        self.key = key
        self.repeat = repeat
        self.count = repeat.times
        self.operations = repeat.period * repeat.times
        self.outer = outer


class Line(NamedTuple):
    """From a box to another one; `carried` if it goes to the next block of the repeat."""

    source: str
    target: str
    output: str
    """The number of the output, if the source has several."""
    operand: str
    """The name of the operand, if the target has several."""
    carried: bool

    @property
    def label(self) -> str:
        """Output and operand."""
        return " ".join(filter(None, (f"output {self.output}" if self.output else "", self.operand)))


class Sketch(NamedTuple):
    """All of it, and notes for the reader about what is not shown."""

    boxes: dict[str, Box]
    lines: list[Line]
    frames: list[Frame]
    notes: list[str]
    operations: int
    leaves: int
    nbytes: int


def frames_of(box: Box | Frame | None) -> Iterator[Frame]:
    """The frames around a box, from the inside to the outside."""
    frame = box.frame if isinstance(box, Box) else box
    while frame is not None:
        yield frame
        frame = frame.outer


def row_of(found: Anatomy) -> list[Item]:
    """The operations as `repeats` compares them."""
    row = []
    for vertex in found.vertices[: found.operations]:
        operands = []
        for use in vertex.uses:
            leaf = use.source >= found.operations
            operands.append(
                (f"{use.operand}.{use.output}", -1 if leaf else use.source, found.vertices[use.source].types * leaf)
            )
        marks = tuple(mark for mark in vertex.marks if mark != "freed")
        row.append(Item((vertex.title, vertex.types, vertex.params, marks), tuple(operands)))
    return row


def sketch(found: Anatomy, *, collapse: bool, limit: int) -> Sketch:
    """Fold repeats if `collapse`, then leave out what is beyond `limit` boxes of operations."""
    count = found.operations
    repeats = find(row_of(found)) if collapse else ()
    place, many = folded(repeats, count)
    kept = _kept(repeats, count, limit)
    for i, at in enumerate(place):  # a repeat that was too large to be folded is shown as single operations
        if at not in kept and i in kept:
            place[i], many[i] = i, 1
    repeats = tuple(repeat for repeat in repeats if repeat.start in kept and repeat.end - 1 not in kept)
    frames: list[Frame] = []
    frame_at: dict[int, Frame] = {}
    _frame(repeats, None, frames, frame_at)
    vertices = found.vertices
    boxes: dict[str, Box] = {}
    for i in range(count):
        if place[i] in kept:
            box = boxes.get(f"n{place[i]}")
            if box is None:
                boxes[f"n{i}"] = Box(f"n{i}", vertices[i], many[i], frame_at.get(i))
            else:
                box.vertices.append(vertices[i])
                if vertices[i].name:
                    box.names.append(vertices[i].name)
    key = {i: f"n{place[i]}" for i in range(count) if place[i] in kept}
    left_out = count - len(key)
    notes = []
    if left_out:
        rest = Vertex("rest", f"{left_out:,} more operations")
        boxes["rest"] = Box("rest", rest, 1, None)
        notes.append(
            f"{left_out:,} of {count:,} operations, the earliest, are not shown: the limit is {limit:,} boxes of "
            f"operations. Write draw(..., limit={count}) to see all."
        )
    key |= _leaves(found, key, boxes)
    for i in range(count, len(vertices)):
        if vertices[i].kind == "result":
            key[i] = f"n{i}"
            boxes[key[i]] = Box(key[i], vertices[i], 1, None)
    lines = _again(_lines(found, key, boxes), boxes)
    return Sketch(
        boxes,
        lines,
        frames,
        notes,
        count,
        sum(vertex.kind == "leaf" for vertex in vertices),
        found.nbytes,
    )


def _kept(repeats: Sequence[Repeat], count: int, limit: int) -> set[int]:
    """The places of the operations that get a box: of each repeat the first block, from the newest on."""
    kept: set[int] = set()
    behind = count
    for repeat in [*reversed(repeats), Repeat(0, 0, 0)]:
        kept.update(range(max(repeat.end, behind - (limit - len(kept))), behind))
        block = _places(repeat)
        behind = repeat.start
        if len(kept) + len(block) <= limit:
            kept.update(block)
        else:
            if not kept:
                kept.update(range(max(repeat.start, repeat.end - limit), repeat.end))
            break
        if len(kept) >= limit:
            break
    return kept


def _places(repeat: Repeat) -> list[int]:
    """The places of the first block that are not folded into others."""
    places = set(range(repeat.start, repeat.start + repeat.period))
    waiting = list(repeat.inner)
    while waiting:
        inner = waiting.pop()
        places.difference_update(range(inner.start + inner.period, inner.end))
        waiting += inner.inner
    return sorted(places)


def _frame(repeats: Sequence[Repeat], outer: Frame | None, frames: list[Frame], frame_at: dict[int, Frame]) -> None:
    """Frames for repeats, the outer ones first. (As deep as repeats nest: a few levels.)"""
    for repeat in repeats:
        frame = Frame(f"r{len(frames)}", repeat, outer)
        frames.append(frame)
        frame_at.update(dict.fromkeys(range(repeat.start, repeat.start + repeat.period), frame))
        _frame(repeat.inner, frame, frames, frame_at)


def _leaves(found: Anatomy, key: dict[int, str], boxes: dict[str, Box]) -> dict[int, str]:
    """Boxes for leaves. Those that differ only in the block that uses them share one, inside the frame."""
    users: dict[int, list[tuple[str, str]]] = {}
    shown: set[int] = set()
    for i, vertex in enumerate(found.vertices):
        for k, use in enumerate(vertex.uses):
            if found.vertices[use.source].kind not in ("leaf", "outside"):
                continue
            where = key.get(i) if i < found.operations else f"n{i}"
            if where is not None:
                users.setdefault(use.source, []).append((where, use.operand or str(k)))
                shown.add(use.source)
    alike: dict[tuple[Any, ...], list[int]] = {}
    for leaf in sorted(shown):
        vertex = found.vertices[leaf]
        alike.setdefault((tuple(sorted(set(users[leaf]))), vertex.types, vertex.marks), []).append(leaf)
    keys: dict[int, str] = {}
    for (used, *_), leaves in alike.items():
        used_by = [boxes[where] for where, _ in used if where in boxes]
        together = len(leaves) > 1 and bool(used_by) and any(box.frame is not None for box in used_by)
        groups = [leaves] if together else [[leaf] for leaf in leaves]
        frame = _common([box.frame for box in used_by]) if together else None
        for group in groups:
            box = boxes[f"n{group[0]}"] = Box(f"n{group[0]}", found.vertices[group[0]], len(group), frame)
            box.names = [found.vertices[leaf].name for leaf in group if found.vertices[leaf].name]
            keys.update(dict.fromkeys(group, box.key))
    return keys


def _common(frames: Sequence[Frame | None]) -> Frame | None:
    """The innermost frame around all."""
    around = [list(frames_of(frame)) for frame in frames]
    return next((frame for frame in around[0] if all(frame in others for others in around)), None)


def _lines(found: Anatomy, key: dict[int, str], boxes: dict[str, Box]) -> list[Line]:
    """The lines, each once."""
    lines: dict[Line, None] = {}
    for i, vertex in enumerate(found.vertices):
        target = key.get(i)
        if target is None:
            continue
        for use in vertex.uses:
            source = key.get(use.source, "rest")
            output = str(use.output) if len(found.vertices[use.source].avals) > 1 else ""
            operand = use.operand if len(vertex.uses) > 1 else ""
            carried = source != "rest" and _goes_back(boxes[source], boxes[target], use.source, i, found.operations)
            lines[Line(source, target, output, operand, carried)] = None
    return list(lines)


_USES = 4
"""A leaf with more uses than this is shown again at each: long lines across a picture help nobody."""


def _again(lines: list[Line], boxes: dict[str, Box]) -> list[Line]:
    """The lines, those of leaves with many uses from boxes of their own that show the leaf again."""
    users: dict[str, dict[str, None]] = {}
    for line in lines:
        if boxes[line.source].kind in ("leaf", "outside"):
            users.setdefault(line.source, {})[_beside(boxes[line.target], boxes[line.source].frame)] = None
    copies: dict[tuple[str, str], str] = {}
    for key, beside in users.items():
        if len(beside) > _USES:
            for number, user in enumerate(list(beside)[1:], start=1):
                copy = boxes[f"{key}a{number}"] = Box(f"{key}a{number}", boxes[key].vertex, 1, boxes[key].frame)
                copy.kind, copy.names = "again", boxes[key].names
                copies[key, user] = copy.key
    moved = []
    for line in lines:
        copied = copies.get((line.source, _beside(boxes[line.target], boxes[line.source].frame)))
        moved.append(line if copied is None else line._replace(source=copied))
    return moved


def _beside(box: Box, frame: Frame | None) -> str:
    """What a box belongs to as seen from directly inside of a frame: itself, or a frame around it."""
    key = box.key
    for around in frames_of(box):
        if around is frame:
            break
        key = around.key
    return key


def _goes_back(source: Box, target: Box, from_: int, to: int, operations: int) -> bool:
    """Whether a line leads from one block of a repeat to a later block."""
    if from_ >= operations or to >= operations:
        return False
    around = list(frames_of(target))
    return any(frame in around and _block(from_, frame) != _block(to, frame) for frame in frames_of(source))


def _block(place: int, frame: Frame) -> int:
    """The number of the block of a frame's repeat that a place is in, seen within the block of the frame around."""
    around = list(frames_of(frame))[::-1]
    for outer in around:
        repeat = outer.repeat
        number, within = divmod(place - repeat.start, repeat.period)
        if outer is frame:
            return number
        place = repeat.start + within
    raise AssertionError("a frame is around itself")
