"""The doctor names every problem and what to do about it, and is stopped by none."""

from __future__ import annotations

import json
import sys
import warnings

import pytest
from helpers.distributions import HOSTILE, Site
from pullback.plugins import discovery, doctor

FINE = """
import warnings
warnings.warn('this plugin uses something old', DeprecationWarning)
from pullback import maximum
__all__ = ['relu']
def relu(x):
    return maximum(x, 0)
"""


def finding(report: doctor.Report, subject: str) -> doctor.Finding:
    found = [f for f in report.findings if subject in f.subject]
    assert len(found) == 1, [f.subject for f in report.findings]
    return found[0]


def test_a_healthy_environment(site: Site) -> None:
    report = doctor.examine()
    assert report.healthy
    assert [f for f in report.findings if f.level == "error"] == []
    assert report.prefix == sys.prefix
    assert {"pullback", "pullback-numpy", "pullback-strict"} <= set(report.distributions)
    assert json.loads(json.dumps(report.as_dict()))["healthy"] is True


def test_backends_report_devices_and_capabilities(site: Site) -> None:
    reports = {report.name: report for report in doctor.backend_reports()}
    assert reports["numpy"].usable
    assert reports["numpy"].devices == ("cpu",)
    assert reports["numpy"].capabilities["mutable"] is True
    assert "strict:device1" in reports["strict"].devices
    assert reports["strict"].capabilities["mutable"] is False


def test_every_hostile_plugin_is_reported_and_none_disturbs_the_others(site: Site) -> None:
    site.add_hostile()
    site.add("op-broken", backends={"swish": "module_op"}, group=discovery.OPS, modules={"module_op": "1 / 0"})
    site.add("op-fine", backends={"relu": "module_fine"}, group=discovery.OPS, modules={"module_fine": FINE})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        report = doctor.examine()
    assert not report.healthy
    states = {plugin.name: plugin.state for plugin in report.plugins}
    assert states["swish"] == "failed"
    assert states["relu"] == states["numpy"] == "loaded"
    assert {states[name] for name in HOSTILE} == {"failed", "incompatible", "loaded"}
    for plugin in report.plugins:
        if plugin.broken:
            found = finding(report, f"plugin {plugin.name} of {plugin.distribution} 1.0")
            assert found.level == "error"
            assert plugin.cause in found.text
            assert f"PULLBACK_BLOCK_PLUGINS={plugin.name}" in found.remedy
            assert plugin.trace or plugin.state == "incompatible" or plugin.name in ("nobackend", "misnamed")
    usable = {b.name for b in report.backends if b.usable}
    assert {"numpy", "strict"} <= usable
    assert not usable & set(HOSTILE)


def test_other_generations_are_listed_as_incompatible(site: Site) -> None:
    site.add("future", backends={"future": "gone"}, group="pullback.backends.v2")
    (plugin,) = [p for p in doctor.plugin_reports() if p.name == "future"]
    assert plugin.state == "incompatible"
    assert "future" not in {b.name for b in doctor.backend_reports()}


def test_a_conflict_is_mended_by_blocking_a_distribution(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.add_backend("dup")
    site.add("other", backends={"dup": "gone"})
    report = doctor.examine()
    assert [f.remedy for f in report.findings if "of other" in f.subject] == [
        "mend or uninstall other, or set PULLBACK_BLOCK_PLUGINS=other"
    ]
    monkeypatch.setenv("PULLBACK_BLOCK_PLUGINS", "other")
    discovery.refresh()
    assert doctor.examine().healthy


def test_a_backend_that_cannot_run_here_is_a_note_with_its_remedy(site: Site) -> None:
    site.add_backend("gpu", "def available(self): return Availability(False, 'driver too old', 'update the driver')")
    module = site.path / "module_gpu.py"
    module.write_text(f"from pullback.extend import Availability\n{module.read_text()}")
    report = doctor.examine()
    found = finding(report, "backend gpu")
    assert (found.level, found.remedy) == ("note", "update the driver")
    assert "driver too old" in found.text
    assert report.healthy


def test_a_backend_that_says_it_can_run_and_fails_is_reported(site: Site) -> None:
    site.add_backend("boaster", "def available(self): return __import__('pullback').extend.Availability()")
    (report,) = [b for b in doctor.backend_reports() if b.name == "boaster"]
    assert report.state == "failed"
    assert report.reason.startswith("NotImplementedError")


def test_no_usable_backend_is_an_error(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULLBACK_LOAD_PLUGINS", "")
    discovery.refresh()
    found = finding(doctor.examine(), "backends")
    assert found.level == "error"
    assert "pullback[cpu]" in found.remedy


@pytest.mark.parametrize(
    ("variables", "subject", "text"),
    [
        ({"PULLBACK_STRICT_PLUGINS": "maybe"}, "PULLBACK_STRICT_PLUGINS", "neither true"),
        ({"PULLBACK_BLOCK_PLUGINS": "numppy"}, "PULLBACK_BLOCK_PLUGINS", "numppy"),
        ({"PULLBACK_LOAD_PLUGINS": "numpy,strct"}, "PULLBACK_LOAD_PLUGINS", "strct"),
        ({"PULLBACK_DEVICE": "tpu"}, "PULLBACK_DEVICE=tpu", "nobody knows the device 'tpu'"),
        ({"PULLBACK_BACKEND": "jax"}, "PULLBACK_BACKEND=jax", "nobody knows"),
        (
            {"PULLBACK_DEVICE": "cpu", "PULLBACK_BACKEND": "strict"},
            "PULLBACK_DEVICE and PULLBACK_BACKEND",
            "PULLBACK_DEVICE=cpu means numpy but PULLBACK_BACKEND=strict means strict",
        ),
    ],
)
def test_environment_variables(
    site: Site, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], subject: str, text: str
) -> None:
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)
    discovery.refresh()
    report = doctor.examine()
    found = finding(report, subject)
    assert found.level == "error"
    assert text in found.text
    assert report.environment.items() >= variables.items()


def test_agreeing_variables_are_fine(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULLBACK_DEVICE", "strict:device1")
    monkeypatch.setenv("PULLBACK_BACKEND", "strict")
    assert doctor.examine().healthy


def test_first_party_pins_that_no_longer_fit(site: Site) -> None:
    site.add("pullback-extra", requires=("pullback==0.1.0", "pullback-numpy==99.0"))
    found = finding(doctor.examine(), "pullback-extra 1.0")
    assert found.level == "error"
    assert "pullback-numpy==99.0" in found.text
    assert "pullback-numpy" in found.remedy


def test_a_core_other_than_the_installed_one(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pullback.__version__", "0.0.9")
    found = finding(doctor.examine(), "pullback")
    assert "0.0.9 is imported, but 0.1.0 is installed" in found.text


@pytest.mark.parametrize(
    ("names", "problem"),
    [
        (("cupy-cuda12x", "cupy-cuda13x"), True),
        (("cupy", "cupy_rocm_7_0"), True),
        (("cupy-cuda13x",), False),
        (("cupy", "cupy-xarray"), False),
    ],
)
def test_two_distributions_of_cupy(site: Site, names: tuple[str, ...], problem: bool) -> None:
    for name in names:
        site.add(name)
    found = [f for f in doctor.examine().findings if f.subject == "CuPy"]
    assert bool(found) is problem
    if problem:
        assert found[0].level == "error"
        assert "pip uninstall" in found[0].remedy


PLAIN = """
from pullback.extend import hookimpl, op

@op
def f(xp, x):
    return x

@hookimpl
def pullback_register_ops(register):
"""


def test_overrides_are_listed_with_what_becomes_of_them(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.add_ops("acme", f"{PLAIN}    register(f)\n")
    site.add_ops("fast", f"{PLAIN}    register(f, overrides='acme::f')\n")
    found = finding(doctor.examine(), "op acme::f")
    assert found.level == "note"
    assert found.text == "dist-fast 1.0 could replace that of dist-acme 1.0, and does not"
    assert found.remedy == "to let it: PULLBACK_ALLOW_OVERRIDES=fast"
    monkeypatch.setenv("PULLBACK_ALLOW_OVERRIDES", "fast,faster,nobody")
    discovery.refresh()
    report = doctor.examine()
    assert finding(report, "op acme::f").text == "dist-fast 1.0 replaces that of dist-acme 1.0"
    assert [f.text for f in report.findings if f.subject == "PULLBACK_ALLOW_OVERRIDES"] == [
        "no plugin or distribution is named faster",
        "no plugin or distribution is named nobody",
    ]
    site.add_ops(
        "faster", f"{PLAIN}    register(f, overrides='acme::f')\n    register(f, name='g', overrides='acme::g')\n"
    )
    texts = [(f.level, f.text) for f in doctor.examine().findings if f.subject.startswith("op acme::")]
    assert ("error", "dist-faster 1.0 would replace it, but fast would too") in texts
    assert ("error", "dist-faster 1.0 would replace it, but there is no such op") in texts


@pytest.mark.parametrize("variable", doctor.FLAGS)
def test_a_flag_that_makes_no_sense_is_a_finding(site: Site, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, "perhaps")
    report = doctor.examine()
    assert finding(report, variable).remedy == f"unset {variable}"
