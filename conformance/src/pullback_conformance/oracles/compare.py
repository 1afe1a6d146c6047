"""Whether two arrays agree: NaN with NaN, infinities by sign, the rest within a gate; and how far apart they are."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np


class Agreement(NamedTuple):
    """The worst entry: its error and its gate, in units of the gate's own scale, and where it is."""

    ok: bool
    error: float
    gate: float
    place: tuple[int, ...]


def agree(found: Any, expected: Any, gate: Any) -> Agreement:
    """Compare entry by entry; `gate` is absolute. Shapes must be equal: nothing is broadcast.

    >>> agree([1.0, 2.0], [1.0, 2.5], 0.1).place
    (1,)
    """
    found, expected = np.asarray(found), np.asarray(expected)
    if found.shape != expected.shape:
        return Agreement(False, np.inf, 0.0, ())
    if found.size == 0:
        return Agreement(True, 0.0, float(np.max(gate, initial=0.0)), ())
    gates = np.broadcast_to(np.asarray(gate, dtype=float), found.shape)
    with np.errstate(invalid="ignore", over="ignore"):
        error = _error(found, expected)
        excess = np.where(error == 0, 0.0, error / np.where(gates > 0, gates, 5e-324))
    worst = np.unravel_index(int(np.argmax(np.where(np.isnan(excess), np.inf, excess))), found.shape)
    index = tuple(int(i) for i in worst)
    return Agreement(bool(error[index] <= gates[index]), float(error[index]), float(gates[index]), index)


def _error(found: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Distances; infinite where one is NaN or infinite and the other is not the same."""
    if np.iscomplexobj(found) or np.iscomplexobj(expected):
        re, im = _error(np.real(found), np.real(expected)), _error(np.imag(found), np.imag(expected))
        return np.asarray(np.hypot(re, im))
    same = (found == expected) | (np.isnan(found) & np.isnan(expected))
    finite = np.isfinite(found) & np.isfinite(expected)
    distance = np.abs(
        np.where(finite, found, 0) - np.where(finite, expected, 0).astype(np.result_type(found, expected))
    )
    return np.where(same, 0.0, np.where(finite, distance, np.inf))


def close(a: Any, b: Any) -> bool:
    """Equal for the purpose of guessing."""
    return bool(np.allclose(a, b, rtol=1e-6, atol=1e-9))


def likely_cause(found: Any, expected: Any) -> str:
    """What a wrong gradient looks like: the guess of somebody who has seen many."""
    found, expected = np.asarray(found), np.asarray(expected)
    if found.shape != expected.shape:
        return "a sum over broadcast axes, or keepdims, is missing"
    finite = np.isfinite(found) & np.isfinite(expected)
    if not finite.all():
        return "the rule divides by zero, or multiplies zero by infinity, where the right value is another"
    if close(found, 0 * found):
        return "the gradient is zero: the rule, or its place in the graph, is lost"
    if close(found, -expected):
        return "the sign is flipped"
    if np.iscomplexobj(expected) and close(found, np.conj(expected)):
        return "a conj is missing or one too many"
    for axis in range(found.ndim):
        if close(found, np.flip(expected, axis=axis)):
            return f"axis {axis} runs backwards"
    if found.ndim > 1 and found.shape[-1] == found.shape[-2] and close(found, np.swapaxes(expected, -1, -2)):
        return "a matrix is transposed"
    if close(np.sort(found, axis=None), np.sort(expected, axis=None)):
        return "the right numbers in the wrong places: an axis, a shift or a permutation"
    nonzero = np.abs(expected) > 1e-9
    ratios = found[nonzero] / expected[nonzero]
    if ratios.size and close(ratios, ratios.flat[0]):
        return f"everything is {np.real_if_close(ratios.flat[0]):.6g} times what it should be: a factor or a scale"
    wrong = ~np.isclose(found, expected, rtol=1e-7, atol=1e-9)
    return f"{int(wrong.sum())} of {found.size} entries are wrong" if wrong.any() else "an inaccurate formula"
