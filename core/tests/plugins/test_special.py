"""A plugin named `special` is what namespaces offer under that name; without it the error says what to install."""

from __future__ import annotations

import pullback as pb
import pytest
from helpers.distributions import Site
from pullback.errors import PluginError
from pullback.plugins import discovery

MODULE = """
from pullback import exp, log1p

def expit(x):
    return 1 / (1 + exp(-x))

def log1pexp(x):
    return log1p(exp(x))
"""


@pytest.fixture(autouse=True)
def _no_other_plugin(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULLBACK_BLOCK_PLUGINS", "pullback-special")
    discovery.refresh()


def test_without_a_plugin_the_package_is_named(device: str) -> None:
    xp = pb.ones(2).__array_namespace__()
    assert not hasattr(xp, "special")
    with pytest.raises(AttributeError, match="pip install pullback-special"):
        _ = xp.special


def test_a_plugin_offers_its_functions_on_every_backend(site: Site, device: str) -> None:
    site.add("shapes", backends={"special": "shapes_special"}, group=discovery.OPS, modules={"shapes_special": MODULE})
    x = pb.tensor([0.0, 1.0], dtype=pb.float64, requires_grad=True)
    special = x.__array_namespace__().special
    special.expit(x).sum().backward()
    s = 1 / (1 + 2.718281828459045**-1.0)
    assert x.grad.tolist() == pytest.approx([0.25, s * (1 - s)], rel=1e-14)
    assert not hasattr(special, "erf")


def test_a_broken_plugin_is_named_and_not_passed_over(site: Site) -> None:
    site.add("shapes", backends={"special": "broken_special"}, group=discovery.OPS, modules={"broken_special": "1 / 0"})
    with pytest.raises(PluginError, match=r"shapes 1\.0.*ZeroDivisionError"):
        hasattr(pb.ones(2).__array_namespace__(), "special")


def test_a_blocked_plugin_is_said_to_be_blocked(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.add("shapes", backends={"special": "shapes_special"}, group=discovery.OPS, modules={"shapes_special": MODULE})
    monkeypatch.setenv("PULLBACK_BLOCK_PLUGINS", "shapes,pullback-special")
    discovery.refresh()
    with pytest.raises(AttributeError, match=r"shapes 1\.0 is blocked"):
        _ = pb.ones(2).__array_namespace__().special
