"""Views: writing to a part writes to the whole, in value and in gradient, on every backend."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pullback as pb
import pytest
from helpers.checks import host
from pullback.errors import AutogradError
from pullback.views import View

Step = Callable[[Any], Any]

STEPS: dict[str, tuple[Step, Callable[[np.ndarray], np.ndarray]]] = {
    "element": (lambda x: x[1, 2], lambda a: a[1, 2, ...]),
    "row": (lambda x: x[1], lambda a: a[1]),
    "column": (lambda x: x[:, 1], lambda a: a[:, 1]),
    "slice": (lambda x: x[:, ::2], lambda a: a[:, ::2]),
    "reversed": (lambda x: x[::-1], lambda a: a[::-1]),
    "ellipsis": (lambda x: x[..., -1], lambda a: a[..., -1]),
    "new axis": (lambda x: x[None], lambda a: a[None]),
    "reshape": (lambda x: pb.reshape(x, (3, 2)), lambda a: a.reshape(3, 2)),
    "flatten": (lambda x: x.flatten(), lambda a: a.reshape(-1)),
    "T": (lambda x: x.T, lambda a: a.T),
    "mT": (lambda x: x.mT, lambda a: a.T),
    "permute_dims": (lambda x: pb.permute_dims(x, (1, 0)), lambda a: a.T),
    "moveaxis": (lambda x: pb.moveaxis(x, 0, 1), lambda a: a.T),
    "expand_dims": (lambda x: pb.expand_dims(x, axis=1), lambda a: a[:, None]),
    "squeeze": (lambda x: pb.squeeze(x[:1], axis=0), lambda a: a[0]),
    "flip": (lambda x: pb.flip(x, axis=1), lambda a: a[:, ::-1]),
    "unstack": (lambda x: pb.unstack(x)[0], lambda a: a[0]),
    "iteration": (lambda x: next(iter(x)), lambda a: a[0]),
    "diagonal": (lambda x: pb.linalg.diagonal(x, offset=1), lambda a: a[[0, 1], [1, 2]]),
    "below the diagonal": (lambda x: pb.linalg.diagonal(x, offset=-1), lambda a: a[[1], [0]]),
    "off the matrix": (lambda x: pb.linalg.diagonal(x, offset=7), lambda a: a[[], []]),
}
POINT = np.arange(1.0, 7.0).reshape(2, 3)
PLACES = np.arange(6).reshape(2, 3)


def places(*names: str) -> np.ndarray:
    """Which elements of the root a chain of steps shows."""
    found = PLACES
    for name in names:
        found = STEPS[name][1](found)
    return np.asarray(found)


def tracked(device: str) -> tuple[Any, Any]:
    """A leaf and a result to take views of."""
    leaf = pb.asarray(POINT).to(device).requires_grad_()
    return leaf, leaf * 1.0


@pytest.mark.parametrize("name", STEPS)
class TestOneStep:
    def test_it_shows_its_part(self, name: str, device: str) -> None:
        _, root = tracked(device)
        view = STEPS[name][0](root)
        assert isinstance(view, View)
        np.testing.assert_array_equal(host(view), POINT.reshape(-1)[places(name)], strict=True)

    def test_a_write_to_it_reaches_the_root(self, name: str, device: str) -> None:
        leaf, root = tracked(device)
        view = STEPS[name][0](root)
        factor = pb.asarray(np.asarray(10.0)).to(device).requires_grad_()
        view *= factor
        values, slopes = POINT.copy().reshape(-1), np.ones(6)
        values[places(name)] *= 10
        slopes[places(name)] = 10
        np.testing.assert_array_equal(host(root), values.reshape(2, 3))
        np.testing.assert_array_equal(host(view), values[places(name)])
        root.sum().backward()
        np.testing.assert_array_equal(host(leaf.grad).reshape(-1), slopes)
        assert float(factor.grad) == POINT.reshape(-1)[places(name)].sum()

    def test_a_write_to_the_root_reaches_it(self, name: str, device: str) -> None:
        leaf, root = tracked(device)
        view = STEPS[name][0](root)
        root *= root  # x^2
        np.testing.assert_array_equal(host(view), POINT.reshape(-1)[places(name)] ** 2)
        view.sum().backward()
        slopes = np.zeros(6)
        slopes[places(name)] = 2 * POINT.reshape(-1)[places(name)]
        np.testing.assert_array_equal(host(leaf.grad).reshape(-1), slopes)

    def test_what_was_computed_from_it_before_keeps_the_old_value(self, name: str, device: str) -> None:
        leaf, root = tracked(device)
        view = STEPS[name][0](root)
        before = view * view
        root.zero_()
        before.sum().backward()
        slopes = np.zeros(6)
        slopes[places(name)] = 2 * POINT.reshape(-1)[places(name)]
        np.testing.assert_array_equal(host(leaf.grad).reshape(-1), slopes)

    def test_overwritten_elements_get_no_gradient(self, name: str, device: str) -> None:
        leaf, root = tracked(device)
        STEPS[name][0](root).zero_()
        (root * root).sum().backward()
        slopes = 2 * POINT.copy().reshape(-1)
        slopes[places(name)] = 0
        np.testing.assert_array_equal(host(leaf.grad).reshape(-1), slopes)

    def test_without_history(self, name: str, device: str) -> None:
        root = pb.asarray(POINT).to(device)
        view = STEPS[name][0](root)
        view += 1.0
        values = POINT.copy().reshape(-1)
        values[places(name)] += 1
        np.testing.assert_array_equal(host(root).reshape(-1), values)
        root[...] = 7.0
        np.testing.assert_array_equal(host(view), np.full(places(name).shape, 7.0))


@pytest.mark.parametrize("second", ["reversed", "T", "row", "flatten", "flip"])
@pytest.mark.parametrize("first", ["slice", "T", "reshape", "flip", "reversed"])
def test_a_view_of_a_view(first: str, second: str, device: str) -> None:
    leaf, root = tracked(device)
    middle = STEPS[first][0](root)
    view = STEPS[second][0](middle) if second != "flip" else pb.flip(middle)
    shown = STEPS[second][1](places(first)) if second != "flip" else np.flip(places(first))
    view[...] = view * 3.0
    values, slopes = POINT.copy().reshape(-1), np.ones(6)
    values[shown] *= 3
    slopes[shown] = 3
    np.testing.assert_array_equal(host(root).reshape(-1), values)
    np.testing.assert_array_equal(host(middle), values[places(first)])
    middle.sum().backward(retain_graph=True)
    kept = np.zeros(6)
    kept[places(first)] = slopes[places(first)]
    np.testing.assert_array_equal(host(leaf.grad).reshape(-1), kept)
    leaf.grad = None
    root.sum().backward()
    np.testing.assert_array_equal(host(leaf.grad).reshape(-1), slopes)


class TestSiblings:
    def test_that_overlap(self, device: str) -> None:
        leaf, root = tracked(device)
        top, left = root[0], root[:, 0]
        top *= 10.0
        left += 5.0
        assert top.tolist() == [15.0, 20.0, 30.0]
        assert left.tolist() == [15.0, 9.0]
        (top * pb.asarray([1.0, 2.0, 3.0], dtype=pb.float64, device=device)).sum().backward(retain_graph=True)
        np.testing.assert_array_equal(host(leaf.grad), [[10, 20, 30], [0, 0, 0]])
        left.sum().backward()
        np.testing.assert_array_equal(host(leaf.grad), [[20, 20, 30], [1, 0, 0]])

    def test_one_written_with_the_other(self, device: str) -> None:
        leaf, root = tracked(device)
        root[0] += root[1]
        root[1] *= root[0]  # (a + b) b
        assert root.tolist() == [[5.0, 7.0, 9.0], [20.0, 35.0, 54.0]]
        root[1].sum().backward()
        a, b = POINT
        np.testing.assert_array_equal(host(leaf.grad), [b, a + 2 * b])

    def test_parts_of_the_same_memory_that_overlap(self, device: str) -> None:
        leaf = pb.asarray(np.arange(1.0, 5.0)).to(device).requires_grad_()
        x = leaf * 1.0
        x[1:] += x[:-1]
        assert x.tolist() == [1.0, 3.0, 5.0, 7.0]
        x.sum().backward()
        assert leaf.grad.tolist() == [2.0, 2.0, 2.0, 1.0]

    def test_a_loop_of_writes(self, device: str) -> None:
        # a running product, written element by element: d/dx_i of sum_k x_1 ... x_k
        leaf = pb.asarray(np.array([2.0, 3.0, 5.0])).to(device).requires_grad_()
        out = pb.ones(4, dtype=pb.float64, device=device)
        for i in range(3):
            out[i + 1] = out[i] * leaf[i]
        assert out.tolist() == [1.0, 2.0, 6.0, 30.0]
        out.sum().backward()
        assert leaf.grad.tolist() == [1 + 3 + 15, 2 + 10, 6]


class TestDetached:
    def test_values_are_shared_and_history_is_not(self, device: str) -> None:
        leaf, root = tracked(device)
        bare = root.detach()
        assert not bare.requires_grad
        bare += 1.0
        np.testing.assert_array_equal(host(root), POINT + 1)
        root.sum().backward()
        np.testing.assert_array_equal(host(leaf.grad), np.ones((2, 3)))

    def test_a_leaf_may_be_written_through_it(self, device: str) -> None:
        leaf, _ = tracked(device)
        leaf.detach()[0] = 0.0
        leaf.data += 1.0
        assert leaf.is_leaf
        assert leaf.requires_grad
        assert leaf.tolist() == [[1.0, 1.0, 1.0], [5.0, 6.0, 7.0]]

    def test_what_is_written_through_it_leaves_no_history(self, device: str) -> None:
        leaf, _ = tracked(device)
        target = pb.zeros(2, 3, dtype=pb.float64, device=device)
        target.detach()[...] = leaf * 2
        assert not target.requires_grad
        np.testing.assert_array_equal(host(target), 2 * POINT)

    def test_at_every_level_of_transforms(self, device: str) -> None:
        x = pb.tensor(3.0)
        assert float(pb.func.jvp(lambda x: x.detach() * x, (x,), (pb.tensor(1.0),))[1]) == 3.0
        assert float(pb.func.grad(lambda x: pb.func.jvp(lambda y: y.detach() * y, (x,), (x,))[0])(x)) == 3.0
        many = pb.tensor([3.0, 4.0])
        found = pb.func.grad(lambda x: pb.func.vmap(lambda y: y.detach() * y)(x).sum())(many)
        assert found.tolist() == [3.0, 4.0]

    def test_it_cannot_be_written_inside_a_transform(self, device: str) -> None:
        def function(x: Any) -> Any:
            y = x * 1.0
            y.detach()[...] = 0.0
            return y

        with pytest.raises(AutogradError, match=r"detach\(\) cannot be written"):
            pb.func.jvp(function, (pb.tensor(3.0),), (pb.tensor(1.0),))


class TestModes:
    def test_a_view_of_no_grad_has_no_history(self, device: str) -> None:
        _, root = tracked(device)
        with pb.no_grad():
            view = root[0]
        assert not view.requires_grad
        root *= 2.0
        assert not view.requires_grad
        assert view.tolist() == [2.0, 4.0, 6.0]

    def test_it_may_not_be_written_where_that_would_be_recorded(self, device: str) -> None:
        leaf, root = tracked(device)
        with pb.no_grad():
            view = root[0]
            deeper = view[:2]
        for part in (view, deeper):
            with pytest.raises(AutogradError, match="this view was made under no_grad"):
                part += 1.0
        np.testing.assert_array_equal(host(root), POINT)
        with pb.no_grad():
            view += 1.0
        assert root[0].tolist() == [2.0, 3.0, 4.0]
        plain = pb.zeros(3, dtype=pb.float64, device=device)
        with pb.no_grad():
            part = plain[:2]
        part += 1.0
        assert plain.tolist() == [1.0, 1.0, 0.0]
        with pytest.raises(AutogradError, match="this view was made under no_grad"):
            part += leaf[0, :2]
        assert plain.tolist() == [1.0, 1.0, 0.0]
        assert not plain.requires_grad

    def test_of_a_leaf_it_is_a_view_of_a_leaf(self, device: str) -> None:
        leaf, _ = tracked(device)
        with pb.no_grad():
            view = leaf[0]
        with pytest.raises(AutogradError, match="a view of a leaf"):
            view += 1.0
        assert leaf.is_leaf
        np.testing.assert_array_equal(host(leaf), POINT)

    def test_below_a_detach_anything_goes(self, device: str) -> None:
        leaf, _ = tracked(device)
        with pb.no_grad():
            view = leaf.detach()[0]
        view += leaf[1]
        assert leaf.is_leaf
        assert leaf.tolist() == [[5.0, 7.0, 9.0], [4.0, 5.0, 6.0]]

    def test_a_view_that_became_a_leaf_guards_what_is_below_it(self, device: str) -> None:
        root = pb.zeros(3, device=device)
        view = root[:2].requires_grad_()
        for part in (view, view[:1]):
            with pytest.raises(AutogradError, match="a leaf"):
                part += 1.0
        assert root.tolist() == [0.0, 0.0, 0.0]
        with pb.no_grad():
            view += 1.0
        assert root.tolist() == [1.0, 1.0, 0.0]
        assert view.is_leaf

    def test_detach_in_place_is_refused(self, device: str) -> None:
        _, root = tracked(device)
        view = root[0]
        with pytest.raises(RuntimeError, match=r"write .detach\(\)"):
            view.detach_()
        assert view.requires_grad
        assert not root.detach_().requires_grad


class TestBroadcast:
    def test_it_follows_its_base(self, device: str) -> None:
        leaf, root = tracked(device)
        wide = pb.broadcast_to(root, (2, 2, 3))
        root *= 2.0
        np.testing.assert_array_equal(host(wide), np.broadcast_to(2 * POINT, (2, 2, 3)))
        wide.sum().backward()
        np.testing.assert_array_equal(host(leaf.grad), np.full((2, 3), 4.0))

    @pytest.mark.parametrize("history", [False, True])
    def test_it_cannot_be_written(self, history: bool, device: str) -> None:
        root = tracked(device)[1] if history else pb.asarray(POINT).to(device)
        for part in (
            pb.broadcast_to(root, (2, 2, 3)),
            root[:, :1].expand(2, 3)[0],
            pb.broadcast_arrays(root[0], root)[0],
        ):
            with pytest.raises(AutogradError, match=r"write to a .clone\(\) of it"):
                part += 1.0
            with pb.no_grad(), pytest.raises(AutogradError, match=r"write to a .clone\(\) of it"):
                part[...] = 1.0
        np.testing.assert_array_equal(host(root), POINT)


class TestComplexParts:
    def test_they_are_views(self, device: str) -> None:
        leaf = pb.asarray(np.array([1 + 2j, 3 + 4j])).to(device).requires_grad_()
        z = leaf * 1.0
        real, imag = z.real, z.imag
        real *= 10.0
        imag[0] = 0.0
        assert z.tolist() == [10 + 0j, 30 + 4j]
        assert (real.tolist(), imag.tolist()) == ([10.0, 30.0], [0.0, 4.0])
        (real + imag).sum().backward()
        assert leaf.grad.tolist() == [10 + 0j, 10 + 1j]

    def test_the_real_part_of_a_real_array_is_itself(self, device: str) -> None:
        x = pb.ones(2, device=device)
        assert x.real is x


@pytest.mark.parametrize(
    "copy",
    [
        lambda x: x.clone(),
        lambda x: +x,
        lambda x: x[[0, 1]],
        lambda x: x[x > 0],
        lambda x: pb.take(x, pb.asarray([0], device=x.device), axis=0),
        lambda x: pb.reshape(x, (6,), copy=True),
        lambda x: pb.concat([x]),
        lambda x: pb.stack([x]),
        lambda x: pb.roll(x, 1, axis=0),
        lambda x: pb.astype(x, x.dtype),
        lambda x: pb.where(x > 0, x, 0.0),
        lambda x: pb.tril(x),
    ],
)
def test_a_copy_is_no_view(copy: Step, device: str) -> None:
    _, root = tracked(device)
    made = copy(root)
    before = host(made).copy()
    root.zero_()
    np.testing.assert_array_equal(host(made), before)
    made += 1.0
    np.testing.assert_array_equal(host(root), np.zeros((2, 3)))


def test_the_version_is_that_of_the_memory(device: str) -> None:
    root = pb.ones(2, 3, device=device)
    family = [root, root[0], root.detach(), root.data, root.T[1:], pb.broadcast_to(root, (2, 2, 3))]
    assert [t._version for t in family] == [0] * 6
    for i, t in enumerate(family[:5], start=1):
        t += 1.0
        assert [t._version for t in family] == [i] * 6
    assert root.clone()._version == 0


def test_views_keep_what_they_show_alive(device: str) -> None:
    view = (pb.ones(3, device=device, requires_grad=True) * 2.0)[:2]
    view *= 3.0
    assert view.tolist() == [6.0, 6.0]
