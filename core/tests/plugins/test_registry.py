"""The ops of plugins: loaded on first use, all or nothing, one owner each, and nothing of it on an op's path."""

from __future__ import annotations

import subprocess
import sys
import threading
from typing import Any

import pullback as pb
import pytest
from helpers.distributions import Site
from import_graph import CORE
from pullback.autograd import gradcheck
from pullback.errors import PluginError
from pullback.extend import find_op
from pullback.plugins import discovery, registry

SWISH = """
from pullback.extend import hookimpl, op

@op.elementwise(x=lambda xp, t: {factor} * t)
def swish(xp, x):
    return x * {factor}

@op
def mish(xp, x):
    return xp.tanh(x)

@hookimpl
def pullback_register_ops(register):
    register(swish)
    register(mish)
"""

REPLACING = """
from pullback.extend import hookimpl, op

@op.elementwise(x=lambda xp, t: {factor} * t)
def quick(xp, x):
    return x * {factor}

@hookimpl
def pullback_register_ops(register):
    register(quick, overrides="{target}")
"""


def swish(factor: float = 3) -> str:
    return SWISH.format(factor=factor)


def plugin(name: str) -> discovery.Plugin:
    (found,) = [p for p in discovery.plugins(discovery.OPS) if p.name == name]
    return found


def test_ops_are_reached_by_namespace_and_differentiate(site: Site, device: str) -> None:
    site.add_ops("acme", swish())
    x = pb.tensor([1.0, -2.0], dtype=pb.float64, requires_grad=True)
    assert pb.ops.acme.swish(x).tolist() == [3.0, -6.0]
    assert gradcheck(pb.ops.acme.swish, x, check_forward_ad=True)
    assert pb.ops.acme.swish.primitive.name == "acme::swish"
    assert pb.ops.acme.mish.definition.name == "acme::mish"


def test_nothing_is_loaded_before_its_first_use(site: Site) -> None:
    site.add_ops("acme", swish())
    site.add_ops("other", "1 / 0")
    assert {p.state for p in discovery.plugins(discovery.OPS) if p.distribution.startswith("dist-")} == {"found"}
    assert pb.ops.acme is pb.ops.acme
    assert (plugin("acme").state, plugin("other").state) == ("loaded", "found")
    assert "acme" in dir(pb.ops)
    assert "linalg" in dir(pb.ops)


def test_the_namespace_says_what_it_has(site: Site) -> None:
    site.add_ops("acme", swish())
    assert dir(pb.ops.acme) == ["mish", "swish"]
    assert repr(pb.ops.acme) == "<ops acme of dist-acme 1.0: mish, swish>"
    with pytest.raises(AttributeError, match=r"dist-acme 1\.0 has no op acme::relu; it has mish, swish"):
        _ = pb.ops.acme.relu


def test_a_namespace_that_nobody_has_is_an_attribute_error_that_lists_what_there_is(site: Site) -> None:
    site.add_ops("acme", swish())
    with pytest.raises(AttributeError, match=r"no ops 'acne'.*pullback\.ops\.v1.*installed: acme"):
        _ = pb.ops.acne
    assert not hasattr(pb.ops, "acne")


def test_find_op_names_the_owner(site: Site) -> None:
    site.add_ops("acme", swish())
    found = find_op("acme::swish")
    assert found.owner == "dist-acme 1.0"
    assert (found.plugin, found.name, found.replaces) == ("acme", "acme::swish", "")
    assert found.function is pb.ops.acme.swish
    with pytest.raises(AttributeError, match="no op acme::relu"):
        find_op("acme::relu")


def test_a_module_without_hooks_offers_its_all(site: Site) -> None:
    site.add_ops("plain", "from pullback import exp\n__all__ = ['twice']\ndef twice(x): return 2 * x\n")
    assert pb.ops.plain.twice(pb.tensor(2.0)).item() == 4.0
    assert dir(pb.ops.plain) == ["twice"]


HALF_WAY = swish() + "    raise OSError('half way')\n"
HOOK = "from pullback.extend import hookimpl, op\n@op\ndef f(xp, x): return x\n@hookimpl\ndef {hook}\n"
BROKEN: dict[str, tuple[str, str]] = {
    "half way": (HALF_WAY, "failed: OSError: half way"),
    "exit": (swish() + "    raise SystemExit('no licence')\n", "failed: SystemExit: no licence"),
    "twice": (swish() + "    register(swish)\n", "acme::swish is registered twice: by .*dist-acme 1.0"),
    "another namespace": (
        swish() + "    register(mish, name='math::mish')\n",
        "'math::mish' is in another namespace.*call it acme::mish",
    ),
    "no op": (swish() + "    register(3)\n", "register takes an op.*not 3"),
    "no name": (swish() + "    register(mish, name='a b')\n", "a Python identifier, and has 'a b'"),
    "its own": (swish() + "    register(mish, name='m', overrides='acme::swish')\n", "no op of another plugin"),
    "a built-in": (swish() + "    register(mish, name='m', overrides='sin')\n", "overrides='sin' is no op of another"),
    "a misspelt hook": (HOOK.format(hook="pullback_register_opz(register): register(f)"), "pullback_register_opz"),
    "a wrong signature": (
        HOOK.format(hook="pullback_register_ops(registrar): registrar(f)"),
        r"PluginValidationError: .*registrar",
    ),
    "no hook": ("x = 1", "offers no ops: it has neither a function pullback_register_ops"),
    "all of nothing": ("__all__ = ['gone']", "AttributeError.*gone"),
    "a newer api": (f"pullback_api = (1, 99)\n{swish()}", r"incompatible: it speaks op api \(1, 99\), this pullback"),
    "an older generation": (f"pullback_api = (0, 1)\n{swish()}", r"incompatible: it speaks op api \(0, 1\)"),
    "nonsense for an api": (f"pullback_api = '1'\n{swish()}", "incompatible: it speaks op api 1"),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_plugin_registers_nothing_and_says_why_each_time(site: Site, fault: str) -> None:
    source, cause = BROKEN[fault]
    site.add_ops("acme", source)
    site.add_ops("fine", swish())
    for _ in range(2):
        with pytest.raises(
            PluginError, match=rf"(?s)plugin 'acme' of dist-acme 1\.0.*{cause}.*PULLBACK_BLOCK_PLUGINS=acme"
        ):
            _ = pb.ops.acme
    found = plugin("acme")
    assert (found.broken, found.ops, found.target) == (True, [], None)
    assert pb.ops.fine.swish(pb.tensor(1.0)).item() == 3.0


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("linalg", "that of a module of pullback.ops"),
        ("acme-swish", "no name of a Python attribute"),
        ("class", "no name"),
    ],
)
def test_a_namespace_that_cannot_be_reached_is_refused_before_it_is_imported(site: Site, name: str, cause: str) -> None:
    site.add_ops(name, "1 / 0", distribution="dist-odd")
    with pytest.raises(PluginError, match=cause):
        registry.load(plugin(name))


def test_the_reserved_names_are_the_modules_of_the_table() -> None:
    assert {path.stem for path in (CORE / "ops").glob("*.py")} - {"__init__"} == registry.RESERVED


# --- refreshing ------------------------------------------------------------------------------------------------------


def test_blocking_unblocking_and_uninstalling(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.add_ops("acme", swish())
    assert pb.ops.acme.swish
    monkeypatch.setenv("PULLBACK_BLOCK_PLUGINS", "dist-acme")
    discovery.refresh()
    with pytest.raises(PluginError, match=r"plugin 'acme' of dist-acme 1\.0 .*blocked: by PULLBACK_BLOCK_PLUGINS"):
        _ = pb.ops.acme
    monkeypatch.delenv("PULLBACK_BLOCK_PLUGINS")
    discovery.refresh()
    assert pb.ops.acme.swish(pb.tensor(1.0)).item() == 3.0
    site.remove("dist-acme")
    with pytest.raises(AttributeError, match="no ops 'acme'"):
        _ = pb.ops.acme


def test_two_owners_of_a_namespace_and_how_to_choose(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.add_ops("acme", swish(3), distribution="one")
    site.add_ops("acme", swish(5), distribution="two")
    with pytest.raises(PluginError, match=r"claimed by two 1\.0.*PULLBACK_BLOCK_PLUGINS=two"):
        _ = pb.ops.acme
    for blocked, value in {"two": 3.0, "one": 5.0}.items():
        monkeypatch.setenv("PULLBACK_BLOCK_PLUGINS", blocked)
        discovery.refresh()
        assert pb.ops.acme.swish(pb.tensor(1.0)).item() == value


# --- overrides -------------------------------------------------------------------------------------------------------


def test_an_override_changes_nothing_until_it_is_allowed(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.add_ops("acme", swish(3))
    site.add_ops("fast", REPLACING.format(factor=7, target="acme::swish"))
    x = pb.tensor(1.0)
    assert pb.ops.fast.quick(x).item() == 7.0
    assert pb.ops.acme.swish(x).item() == 3.0
    for allowed in ("fast", "dist-fast", "dist_fast, other"):
        monkeypatch.setenv("PULLBACK_ALLOW_OVERRIDES", allowed)
        discovery.refresh()
        assert pb.ops.acme.swish(x).item() == 7.0
        assert find_op("acme::swish")[:5] == ("fast::quick", pb.ops.fast.quick, "fast", "dist-fast", "1.0")
        assert find_op("acme::swish").replaces == "dist-acme 1.0"
        assert pb.ops.acme.mish(x).item() == pytest.approx(0.7616, abs=1e-4)


@pytest.mark.parametrize(
    ("target", "message"),
    [("acme::gone", "overrides acme::gone, which dist-acme 1.0 does not have"), ("acme::swish", "")],
)
def test_an_override_that_cannot_be(site: Site, monkeypatch: pytest.MonkeyPatch, target: str, message: str) -> None:
    site.add_ops("acme", swish())
    site.add_ops("fast", REPLACING.format(factor=7, target=target))
    if not message:
        site.add_ops("faster", REPLACING.format(factor=9, target=target))
        message = r"acme::swish is overridden by dist-fast 1\.0 and by dist-faster 1\.0"
    monkeypatch.setenv("PULLBACK_ALLOW_OVERRIDES", "fast,faster")
    discovery.refresh()
    with pytest.raises(PluginError, match=message):
        _ = pb.ops.acme


def test_a_broken_override_is_reported_and_changes_nothing(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.add_ops("acme", swish(3))
    site.add_ops("fast", "1 / 0")
    monkeypatch.setenv("PULLBACK_ALLOW_OVERRIDES", "fast")
    discovery.refresh()
    with pytest.warns(RuntimeWarning, match="'fast' of dist-fast.*ZeroDivisionError"):
        assert pb.ops.acme.swish(pb.tensor(1.0)).item() == 3.0


# --- what it costs, and what it says ---------------------------------------------------------------------------------


def test_pluggy_is_imported_by_the_first_plugin_of_ops_and_by_nothing_else(site: Site) -> None:
    site.add_ops("acme", swish())
    program = f"""
import sys
sys.path.insert(0, {str(site.path)!r})
import pullback as pb
x = pb.tensor(1.0)
pb.backends()
assert "pluggy" not in sys.modules and "module_dist_acme" not in sys.modules
assert pb.ops.acme.swish(x).item() == 3
assert "pluggy" in sys.modules
"""
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True, timeout=60)


def test_a_used_namespace_costs_what_an_attribute_costs(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.add_ops("acme", swish())
    x = pb.tensor(1.0)
    assert pb.ops.acme.swish
    with monkeypatch.context() as patch:
        for name in ("plugins", "load", "_scan"):
            patch.setattr(discovery, name, None)  # whoever asks again gets a TypeError
        patch.setattr(registry, "namespace", None)
        assert pb.ops.acme.swish(x).item() == 3.0


def test_a_look_after_the_first_reads_no_metadata(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it takes is measured by benchmarks/discovery.py."""
    for i in range(3):
        site.add_ops(f"acme{i}", swish())
    pb.ops.acme0  # noqa: B018  the first use
    monkeypatch.setattr(discovery, "distributions", None)  # whoever looks again gets a TypeError
    assert pb.ops.acme1.swish(pb.tensor(1.0)).item() == 3.0
    assert registry.find("acme2::swish").owner == "dist-acme2 1.0"
    assert {"acme0", "acme1", "acme2"} <= set(registry.names())


def test_threads_that_ask_at_once_load_once(site: Site) -> None:
    site.add_ops("acme", "import builtins, time\nbuiltins.loads = getattr(builtins, 'loads', 0) + 1\n" + swish())
    found: list[Any] = []
    threads = [threading.Thread(target=lambda: found.append(pb.ops.acme)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    import builtins

    assert len({id(space) for space in found}) == 1
    assert builtins.__dict__.pop("loads") == 1


def test_tracing_says_what_is_done(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    site.add_ops("acme", swish())
    monkeypatch.setenv("PULLBACK_TRACE_PLUGINS", "1")
    assert pb.ops.acme.swish
    text = capsys.readouterr().err
    for line in (
        "acme of dist-acme 1.0 (pullback.ops.v1): found",
        "imported acme of dist-acme 1.0 in ",
        "hook pullback_register_ops of acme (dist-acme 1.0)",
        "acme of dist-acme 1.0 registered acme::mish, acme::swish",
    ):
        assert f"pullback: {line}" in text


def test_who_is_not_on_the_list_overrides_nothing(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.add_ops("acme", swish(3))
    site.add_ops("fast", REPLACING.format(factor=7, target="acme::swish"))
    site.add_ops("other", swish(5))
    monkeypatch.setenv("PULLBACK_ALLOW_OVERRIDES", "other")
    discovery.refresh()
    assert pb.ops.acme.swish(pb.tensor(1.0)).item() == 3.0
    assert plugin("fast").state == "found"
