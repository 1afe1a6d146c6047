"""Discovery is not harmed by what it finds, and says of each plugin what is wrong with it."""

from __future__ import annotations

import sys
import warnings
import weakref
from importlib import metadata

import pytest
from helpers.distributions import Site
from pullback.errors import PluginError
from pullback.plugins import discovery


def plugin(name: str, distribution: str | None = None) -> discovery.Plugin:
    (found,) = [p for p in discovery.plugins() if p.name == name and distribution in (None, p.distribution)]
    return found


def test_both_groups_are_found_in_an_order_that_does_not_depend_on_directories(site: Site) -> None:
    site.add("zoo", backends={"alpha": "zoo", "omega": "zoo"})
    site.add("ant", backends={"beta": "ant"}, version="2.5")
    site.add("bee", backends={"swish": "bee"}, group=discovery.OPS)
    found = [(p.group, p.name, p.owner) for p in discovery.plugins() if p.distribution in ("zoo", "ant", "bee")]
    assert found == [
        (discovery.BACKENDS, "alpha", "zoo 1.0"),
        (discovery.BACKENDS, "beta", "ant 2.5"),
        (discovery.BACKENDS, "omega", "zoo 1.0"),
        (discovery.OPS, "swish", "bee 1.0"),
    ]
    assert [p.name for p in discovery.plugins(discovery.OPS) if p.distribution == "bee"] == ["swish"]


def test_metadata_is_read_once_until_refresh(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    scans = []
    read = metadata.distributions
    monkeypatch.setattr(metadata, "distributions", lambda: scans.append(1) or read())
    first = discovery.plugins()
    assert all(a is b for a, b in zip(first, discovery.plugins(), strict=True))
    assert len(scans) == 1
    discovery.refresh()
    discovery.plugins()
    assert len(scans) == 2


def test_a_later_copy_of_a_distribution_is_shadowed_however_it_is_spelt(site: Site) -> None:
    site.add("My.Dist", backends={"mine": "one"}, version="1.0")
    site.add("my_dist", backends={"mine": "two"}, version="2.0")
    assert plugin("mine").state == "found"


def test_broken_metadata_of_others_is_passed_over(site: Site) -> None:
    (site.path / "half_removed-1.0.dist-info").mkdir()
    site.add("garbled", group="console_scripts")
    (site.path / "garbled-1.0.dist-info" / "entry_points.txt").write_text("[console_scripts]\nno equals sign\n")
    site.add("good", backends={"good": "good"})
    assert plugin("good").state == "found"


def test_broken_metadata_of_a_plugin_is_a_failed_plugin(site: Site) -> None:
    site.add("garbled")
    (site.path / "garbled-1.0.dist-info" / "entry_points.txt").write_text("[pullback.backends.v1]\nno equals sign\n")
    found = plugin("garbled")
    assert found.state == "failed"
    assert "entry_points.txt" in found.cause
    with pytest.raises(PluginError, match=r"garbled 1\.0.*entry_points\.txt"):
        discovery.load(found)


# --- generation, name and version ------------------------------------------------------------------------------------


@pytest.mark.parametrize("group", ["pullback.backends.v2", "pullback.ops.v0"])
def test_another_generation_is_incompatible_and_never_imported(site: Site, group: str) -> None:
    site.add("future", backends={"future": "module_future"}, group=group, modules={"module_future": "1 / 0"})
    found = plugin("future")
    assert found.state == "incompatible"
    assert group in found.cause
    assert discovery.BACKENDS in found.cause
    with pytest.raises(PluginError, match="incompatible"):
        discovery.load(found)


def test_two_distributions_with_one_name_are_both_refused(site: Site) -> None:
    site.add("zoo", backends={"dup": "zoo"})
    site.add("ant", backends={"dup": "ant"}, version="2.0")
    site.add("bee", backends={"dup": "bee"}, group=discovery.OPS)
    for mine, other in (("zoo", "ant 2.0"), ("ant", "zoo 1.0")):
        found = plugin("dup", mine)
        assert found.state == "conflict"
        assert other in found.cause
        with pytest.raises(PluginError, match="PULLBACK_BLOCK_PLUGINS="):
            discovery.load(found)
    assert plugin("dup", "bee").state == "found", "the groups have names of their own"


def test_blocking_one_distribution_resolves_a_conflict(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.add("the-zoo", backends={"dup": "zoo"})
    site.add("ant", backends={"dup": "ant"})
    monkeypatch.setenv("PULLBACK_BLOCK_PLUGINS", "The_Zoo")
    discovery.refresh()
    assert plugin("dup", "the-zoo").state == "blocked"
    assert plugin("dup", "ant").state == "found"


REQUIREMENTS = {
    "pullback==99.0": "incompatible",
    "Pullback[cpu] == 99.0": "incompatible",
    "pullback==0.1.0": "found",
    "numpy==99.0": "found",
    "pullback-numpy==99.0": "found",
    "pullback==99.0; extra == 'test'": "found",
}


@pytest.mark.parametrize("requirement", REQUIREMENTS)
@pytest.mark.parametrize("packaging", [True, False], ids=["packaging", "no packaging"])
def test_a_plugin_for_another_pullback_is_refused_before_it_is_imported(
    site: Site, monkeypatch: pytest.MonkeyPatch, requirement: str, packaging: bool
) -> None:
    if not packaging:
        monkeypatch.setitem(sys.modules, "packaging.requirements", None)
    site.add("old", backends={"old": "module_old"}, requires=("attrs", requirement))
    found = plugin("old")
    assert found.state == REQUIREMENTS[requirement]
    assert ("pullback 0.1.0 is installed" in found.cause) == (found.state == "incompatible")


@pytest.mark.parametrize(
    ("requirement", "state"),
    [
        ("pullback>=0.1,<0.2", "found"),
        ("pullback>=0.2", "incompatible"),
        ("pullback>=0.2; python_version < '3'", "found"),
        ("pullback (<0.1)", "incompatible"),
        ("pullback is nice", "found"),
    ],
)
def test_ranges_markers_and_nonsense_in_requirements(site: Site, requirement: str, state: str) -> None:
    site.add("old", backends={"old": "module_old"}, requires=(requirement,))
    assert plugin("old").state == state


# --- block and allow lists -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("listed", ["one", "dist-one", "DIST_One", " one , two "])
def test_blocked_by_plugin_or_distribution_name(site: Site, monkeypatch: pytest.MonkeyPatch, listed: str) -> None:
    site.add_backend("one")
    site.add_backend("two")
    monkeypatch.setenv("PULLBACK_BLOCK_PLUGINS", listed)
    discovery.refresh()
    assert plugin("one").state == "blocked"
    assert "PULLBACK_BLOCK_PLUGINS" in plugin("one").cause
    assert plugin("two").state == ("blocked" if "two" in listed else "found")
    with pytest.raises(PluginError, match="blocked"):
        discovery.load(plugin("one"))
    assert "module_one" not in sys.modules


def test_the_allow_list_lets_nothing_else_in(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.add_backend("one")
    site.add_backend("two")
    monkeypatch.setenv("PULLBACK_LOAD_PLUGINS", "dist_two")
    discovery.refresh()
    assert {p.name for p in discovery.plugins() if p.state != "blocked"} == {"two"}
    assert "PULLBACK_LOAD_PLUGINS" in plugin("one").cause


def test_an_empty_allow_list_lets_nothing_in(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.add_backend("one")
    monkeypatch.setenv("PULLBACK_LOAD_PLUGINS", "")
    discovery.refresh()
    assert {p.state for p in discovery.plugins()} == {"blocked"}


@pytest.mark.parametrize("variable", discovery.LISTS)
def test_unknown_names_in_a_list_warn(site: Site, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    site.add_backend("one")
    monkeypatch.setenv(variable, "one,oen")
    discovery.refresh()
    with pytest.warns(RuntimeWarning, match=f"{variable}: no plugin or distribution named oen"):
        discovery.plugins()


# --- loading ---------------------------------------------------------------------------------------------------------


def test_a_loaded_plugin_is_imported_once(site: Site) -> None:
    site.add("one", backends={"one": "module_one:VALUE"}, modules={"module_one": "VALUE = object()"})
    found = plugin("one")
    assert discovery.load(found) is discovery.load(found)
    assert found.state == "loaded"
    assert found.load_ms > 0


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("missing", "ModuleNotFoundError: No module named 'a_library_that_nobody_has'"),
        ("native", "OSError: libfoo.so.12: cannot open shared object file"),
        ("syntax", "SyntaxError: "),
        ("quits", "SystemExit: no licence"),
        ("noisy", "RuntimeError: half way"),
    ],
)
def test_a_failure_is_recorded_and_raised_with_its_cause(site: Site, name: str, cause: str) -> None:
    site.add_hostile(name)
    found = plugin(name)
    with pytest.raises(PluginError) as caught:
        discovery.load(found)
    assert found.state == "failed"
    assert found.cause.startswith(cause)
    for text in (cause, f"plugin {name!r}", f"hostile-{name} 1.0", f"PULLBACK_BLOCK_PLUGINS={name}", "pip uninstall"):
        assert text in str(caught.value)
    assert caught.value.__cause__ is not None
    assert f"hostile_{name}.py" in found.trace


def test_the_cause_is_remembered_and_the_import_not_tried_again(site: Site) -> None:
    site.add("once", backends={"once": "module_once"}, modules={"module_once": "import sys\nsys.tries += 1\n1 / 0"})
    sys.tries = 0
    found = plugin("once")
    for _ in range(2):
        with pytest.raises(PluginError, match="ZeroDivisionError") as caught:
            discovery.load(found)
    assert sys.tries == 1
    del sys.tries
    assert "module_once.py" in "".join(caught.value.__notes__)


def test_a_failure_keeps_nothing_of_its_caller_alive(site: Site) -> None:
    site.add_hostile("noisy")

    class Array: ...

    def caller() -> weakref.ref[Array]:
        array = Array()
        with pytest.raises(PluginError):
            discovery.load(plugin("noisy"))
        return weakref.ref(array)

    assert caller()() is None


@pytest.mark.parametrize("value", ["module_gone:Made", "module_there.gone:Made", "module_there:Gone"])
def test_an_entry_point_that_leads_nowhere_says_reinstall(site: Site, value: str) -> None:
    site.add("moved", backends={"moved": value}, modules={"module_there": "Made = 1"})
    with pytest.raises(PluginError, match=r"editable install, reinstall it"):
        discovery.load(plugin("moved"))


@pytest.mark.parametrize("source", ["import a_library_that_nobody_has", "object().attribute", "import sys\nsys.gone"])
def test_what_a_plugin_itself_misses_does_not_say_reinstall(site: Site, source: str) -> None:
    site.add("needy", backends={"needy": "module_needy:Made"}, modules={"module_needy": source})
    with pytest.raises(PluginError) as caught:
        discovery.load(plugin("needy"))
    assert "reinstall" not in str(caught.value)


# --- reporting -------------------------------------------------------------------------------------------------------


def test_a_broken_plugin_warns_once(site: Site) -> None:
    site.add_hostile("native")
    found = plugin("native")
    with pytest.raises(PluginError):
        discovery.load(found)
    with pytest.warns(RuntimeWarning, match=r"plugin 'native' of hostile-native 1\.0.*libfoo"):
        discovery.report(found)
    with warnings.catch_warnings(record=True) as later:
        discovery.report(found)
    assert not later


def test_strict_mode_raises_instead(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.add("zoo", backends={"dup": "zoo"})
    site.add("ant", backends={"dup": "ant"})
    monkeypatch.setenv("PULLBACK_STRICT_PLUGINS", "1")
    with pytest.raises(PluginError, match="conflict"):
        discovery.report(plugin("dup", "zoo"))


@pytest.mark.parametrize("states", ["found", "loaded", "blocked"])
def test_what_is_not_broken_is_not_reported(site: Site, monkeypatch: pytest.MonkeyPatch, states: str) -> None:
    monkeypatch.setenv("PULLBACK_STRICT_PLUGINS", "1")
    site.add_backend("fine")
    found = plugin("fine")
    found.state = states
    discovery.report(found)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *((text, True) for text in ("1", "true", "YES", " on ")),
        *((text, False) for text in ("0", "False", "no", "off", "", None)),
    ],
)
def test_flags(monkeypatch: pytest.MonkeyPatch, text: str | None, value: bool) -> None:
    monkeypatch.delenv("PULLBACK_STRICT_PLUGINS", raising=False)
    if text is not None:
        monkeypatch.setenv("PULLBACK_STRICT_PLUGINS", text)
    assert discovery.flag("PULLBACK_STRICT_PLUGINS") is value


@pytest.mark.parametrize("text", ["2", "maybe", "None"])
def test_a_flag_that_is_neither_true_nor_false_is_an_error(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("PULLBACK_STRICT_PLUGINS", text)
    with pytest.raises(PluginError, match=f"PULLBACK_STRICT_PLUGINS='{text.lower()}'"):
        discovery.flag("PULLBACK_STRICT_PLUGINS")
