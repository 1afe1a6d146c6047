"""Draw the pictures of docs/looking.md: `python docs/looking.py`; `--check` only compares."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import pullback as pb
from pullback.drawing import Drawing

PICTURES = Path(__file__).parent / "pictures"


def net() -> Drawing:
    """A net of three layers."""
    params = {}
    h = pb.zeros(32, 16)
    for i, (width, then) in enumerate([(16, 64), (64, 64), (64, 1)], start=1):
        params[f"weight {i}"] = pb.zeros(width, then, requires_grad=True)
        params[f"bias {i}"] = pb.zeros(then, requires_grad=True)
        h = h @ params[f"weight {i}"] + params[f"bias {i}"]
        h = pb.tanh(h) if i < 3 else h
    loss = (h - pb.ones(32, 1)).square().mean()
    return pb.autograd.graph.draw(loss, params=params, loss=loss)


def loop() -> Drawing:
    """A loop of twenty steps."""
    inside, across = pb.zeros(8, 32, requires_grad=True), pb.zeros(32, 32, requires_grad=True)
    bias = pb.zeros(32, requires_grad=True)
    state = pb.zeros(4, 32)
    for _ in range(20):
        state = pb.tanh(pb.zeros(4, 8) @ inside + state @ across + bias)
    loss = state.square().sum()
    return pb.autograd.graph.draw(loss, inside=inside, across=across, bias=bias, loss=loss)


def main() -> int:
    """Write the pictures, or say which differ."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a picture differs")
    check = parser.parse_args().check
    stale = []
    for name, drawing in (("net", net()), ("loop", loop())):
        path = PICTURES / f"{name}.svg"
        if not check:
            drawing.save(path)
        elif not path.exists() or path.read_text(encoding="utf-8") != drawing.svg:
            stale.append(path.name)
    if stale:
        print(f"not up to date: {', '.join(stale)}; run python docs/looking.py")
    return bool(stale)


if __name__ == "__main__":
    sys.exit(main())
