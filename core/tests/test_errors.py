"""The exception tree is as drawn, and each class is the built-in that a PyTorch user catches."""

from __future__ import annotations

import inspect
import pickle
import re

import pullback as pb
import pytest
from pullback import errors

CLASSES = [value for value in vars(errors).values() if inspect.isclass(value) and issubclass(value, Exception)]


def drawn() -> dict[str, tuple[str, list[str]]]:
    """Parent and built-in bases of each class in the drawing."""
    tree: dict[str, tuple[str, list[str]]] = {}
    above: list[tuple[int, str]] = []
    for line in errors.__doc__.splitlines():
        found = re.match(r"    ([│ ]*[├└]── )?(\w+Error)(?: \(([\w, ]+)\))?", line)
        if found is None:
            continue
        depth = len(found[1] or "")
        above = [(d, name) for d, name in above if d < depth]
        tree[found[2]] = (above[-1][1] if above else "Exception", found[3].split(", ") if found[3] else [])
        above.append((depth, found[2]))
    return tree


def test_the_drawing_is_the_tree() -> None:
    real = {}
    for cls in CLASSES:
        parent, *others = cls.__bases__
        real[cls.__name__] = (parent.__name__, [base.__name__ for base in others])
    assert drawn() == real


def test_all_names_everything() -> None:
    assert sorted(errors.__all__) == errors.__all__
    assert set(errors.__all__) == {cls.__name__ for cls in CLASSES}
    assert pb.errors is errors


@pytest.mark.parametrize("cls", CLASSES)
def test_every_class_is_a_builtin_too_and_survives_a_process_boundary(cls: type[Exception]) -> None:
    assert cls is errors.PullbackError or any(base.__module__ == "builtins" for base in cls.__mro__[1:-3])
    assert cls.__doc__
    error = cls("sin")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is cls


CAUGHT = [
    (RuntimeError, lambda: pb.ones(2, requires_grad=True).backward()),
    (RuntimeError, lambda: pb.ones(2, requires_grad=True).add_(1)),
    (RuntimeError, lambda: pb.tensor([1], requires_grad=True)),
    (RuntimeError, lambda: pb.ones(2) + pb.ones(2, device="strict")),
    (RuntimeError, lambda: pb.ones(2) + pb.ones(3)),
    (ValueError, lambda: pb.ones(2) + pb.ones(3)),
    (RuntimeError, lambda: pb.zeros(-1)),
    (RuntimeError, lambda: pb.device("abacus")),
    (TypeError, lambda: pb.sin("a")),
    (TypeError, lambda: pb.tensor("a")),
    (ValueError, lambda: pb.arange(0, 3, 0)),
    (IndexError, lambda: pb.tensor(1.0)[0]),
]


@pytest.mark.parametrize(("builtin", "call"), CAUGHT)
def test_what_a_pytorch_user_catches(builtin: type[Exception], call: object) -> None:
    with pytest.raises(builtin) as caught:
        call()
    assert isinstance(caught.value, errors.PullbackError)


def test_a_freed_graph_names_the_op_and_the_way_out() -> None:
    x = pb.ones(2, requires_grad=True)
    y = pb.sin(x).sum()
    y.backward()
    with pytest.raises(errors.GraphFreedError, match=r"backward: .*residuals of SinBackward0 .*retain_graph=True"):
        y.backward()


@pytest.mark.parametrize("shapes", [((2,), (3,)), ((2, 1, 4), (3, 3)), ((0,), (2,))], ids=str)
def test_shapes_that_do_not_broadcast_are_named(shapes: tuple[tuple[int, ...], ...], device: str) -> None:
    x, y = map(pb.ones, shapes)
    for call, op in ((lambda: x + y, "add"), (lambda: pb.maximum(x, y), "maximum"), (lambda: x < y, "less")):
        with pytest.raises(errors.ShapeError, match=rf"^{op}: the shapes .* and .* do not broadcast"):
            call()
    assert (pb.ones(2, 1) + pb.ones(1, 3)).shape == (2, 3)
