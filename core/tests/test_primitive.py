"""Primitive: its traits and its rules."""

from __future__ import annotations

import pytest
from pullback.errors import NoDerivativeError
from pullback.primitive import TRAITS, Primitive
from pullback.rules import derivative


def test_traits_are_documented_and_checked() -> None:
    assert {"elementwise", "linear", "singular", "trusted", "variadic", "multiple"} <= set(TRAITS)
    made = Primitive("test::plain", ("x",), linear=True)
    assert made.linear
    assert not made.elementwise
    assert made.label == "Plain"
    with pytest.raises(TypeError, match=r"primitive test::plain: unknown traits liner"):
        Primitive("test::plain", ("x",), liner=True)


def test_rules_are_found_by_operand() -> None:
    rule = derivative(lambda xp, t: t)
    made = Primitive("test::rules", ("x", "y"), vjp={"x": rule})
    assert made.vjp_of(0) is rule
    with pytest.raises(NoDerivativeError, match="test::rules: there is no reverse-mode rule for operand 'y'"):
        made.vjp_of(1)
    with pytest.raises(NoDerivativeError, match="test::rules: there is no forward-mode rule for operand 'x'"):
        made.jvp_of(0)
    several = Primitive("test::several", ("arrays",), vjp={"arrays": rule}, variadic=True)
    assert several.vjp_of(7) is rule
