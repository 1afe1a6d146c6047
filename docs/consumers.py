"""Write docs/consumers.md from the tables that the tests run: `python docs/consumers.py`; `--check` only compares."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

os.environ["SCIPY_ARRAY_API"] = "1"  # before SciPy is imported

HERE = Path(__file__).parent
PAGE = HERE / "consumers.md"
TESTS = HERE.parent / "core" / "tests"

HEAD = """\
# SciPy, scikit-learn and others on Tensors

Functions that are written in the Array API take a Tensor as they are, and are differentiated: nothing is patched, and
nothing is registered. `import pullback` does not touch your environment, so two switches are yours to set:

```python
import os

os.environ["SCIPY_ARRAY_API"] = "1"  # before SciPy is first imported; scikit-learn wants it too

import numpy as np
import pullback as pb
import sklearn
from scipy import stats
from sklearn.decomposition import PCA

x = pb.asarray(np.random.default_rng(0).standard_normal((8, 3))).requires_grad_()

stats.zscore(x).sum().backward()

with sklearn.config_context(array_api_dispatch=True):
    PCA(2).fit(x).explained_variance_.sum().backward()
```

What to know:

- **Give every array as a Tensor**: the limits of an integral, the points, the weights. SciPy refuses a Tensor beside a
  NumPy array or a list ("Multiple namespaces for array inputs"). `xp = x.__array_namespace__()` makes them:
  `xp.asarray(0.0)`.
- **A leaf cannot be written in place.** A function that writes into its own argument (`xpx.at(x)[i].set(v)`,
  `Rotation.from_matrix`) is refused; give it a copy: `xp.asarray(x, copy=True)`.
- **What converts to NumPy raises** if the Tensor requires grad, and names this page: a gradient is never lost silently
  there. What ends in `float(...)` returns a Python number: its gradient is lost, and nothing can tell you.
- **`scipy.special`** and what is built on it (p-values, Kaiser windows, ...) needs the functions of `xp.special`, which a
  plugin offers: `pip install pullback-special`. Without it those calls raise and say so. With it they are differentiated,
  and by the few arguments that have no derivative in closed form a gradient is refused, see [special.md](special.md).
- **`svd_solver="randomized"`** and its like factor a sketch of the data by `qr`. With more columns than the data have
  rank it has no derivative (`DegenerateError`): choose `n_oversamples` so that it has not.
- **0/0 in entries that are overwritten later** is common in these libraries, which silence NumPy only where they see
  NumPy. Its gradient is right here (a zero cotangent stays zero); against the `RuntimeWarning`, `numpy.errstate` works.

Each row below is a test: the value is compared with that over NumPy arrays, and the gradient by every floating argument
with finite differences and with forward mode (`pb.func.jvp`); then both once more on array-api-strict, which has the
standard and nothing else. *Beyond the standard* names what a call asks for on top: it works on NumPy only. This page is
written by `docs/consumers.py` from the tables in `core/tests/consumers/`.
"""


def lines() -> Iterator[str]:
    """The page, line by line."""
    sys.path.insert(0, str(TESTS))
    from consumers import TABLES  # noqa: PLC0415  after SciPy's switch and the path are set
    from helpers.consumers import CLOSED, CONSTANT, PLUGIN, SCALAR, WORKS  # noqa: PLC0415

    titles = {
        WORKS: "Differentiated",
        CONSTANT: "Without gradient, by nature",
        SCALAR: "A Python number: the gradient is lost",
        PLUGIN: "Differentiated, with pullback-special",
        CLOSED: "Closed",
    }
    yield from HEAD.splitlines()
    yield ""
    yield f"| library | version | {' | '.join(titles)} |"
    yield "|---|---|" + "---:|" * len(titles)
    for table in TABLES:
        counts = [sum(call.outcome == outcome for call in table.calls) for outcome in titles]
        yield f"| {table.library} | {version(table.library)} | {' | '.join(map(str, counts))} |"
    total = [sum(call.outcome == outcome for table in TABLES for call in table.calls) for outcome in titles]
    yield f"| all | | {' | '.join(map(str, total))} |"
    for table in TABLES:
        yield ""
        yield f"## {table.library} {version(table.library)}"
        for outcome, title in titles.items():
            calls = [call for call in table.calls if call.outcome == outcome]
            if not calls:
                continue
            yield ""
            yield f"### {title}"
            yield ""
            if outcome in (WORKS, PLUGIN):
                yield "| call | differentiated | remarks |"
                yield "|---|---|---|"
                for call in calls:
                    yield f"| `{_cell(call.text)}` | {', '.join(call.differentiated)} | {_remarks(call)} |"
            else:
                yield "| call | why |" if outcome != CLOSED else "| call | raises | why |"
                yield "|---|---|" if outcome != CLOSED else "|---|---|---|"
                for call in calls:
                    raised = f" `{call.raises.__name__}` |" if call.raises is not None else ""
                    yield f"| `{_cell(call.text)}` |{raised} {call.why} |"


def _remarks(call: Any) -> str:
    beyond = f"beyond the standard: {call.beyond}" if call.beyond else ""
    reverse = f"reverse mode only: {call.reverse_only}" if call.reverse_only else ""
    return "; ".join(filter(None, (beyond, reverse)))


def _cell(text: str) -> str:
    return text.replace("|", r"\|")


def _timeless(text: str) -> str:
    """The page without the versions: those that were measured last are right to stand there."""
    return re.sub(r"\b\d+(\.\d+)+\b", "#", text)


def main(argv: list[str] | None = None) -> int:
    """Write the page, or say whether it is current."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if the page is not current")
    options = parser.parse_args(argv)
    text = "\n".join(lines()) + "\n"
    if options.check:
        current = PAGE.exists() and _timeless(PAGE.read_text(encoding="utf-8")) == _timeless(text)
        if not current:
            print(f"{PAGE.name} is not current: run python docs/consumers.py", file=sys.stderr)
        return 0 if current else 1
    PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
