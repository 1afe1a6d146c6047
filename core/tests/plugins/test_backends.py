"""Backends by name, array and device: the right one, loaded when it is needed, whatever else is installed."""

from __future__ import annotations

import pickle
import re
import subprocess
import sys
import threading
import tomllib
import warnings
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import array_api_strict
import numpy as np
import pullback as pb
import pytest
from helpers.distributions import HOSTILE, Site
from pullback.backend import API, Availability, Backend
from pullback.errors import (
    ArgumentError,
    BackendNotFoundError,
    BackendUnavailableError,
    PluginError,
)
from pullback.plugins import backends, discovery


@pytest.fixture
def nothing_installed(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in an environment with the core alone."""
    monkeypatch.setattr(discovery, "plugins", lambda group=None: [])
    monkeypatch.setattr(backends, "_loaded", {})
    monkeypatch.setattr(backends, "_by_type", {})


# --- by name ---------------------------------------------------------------------------------------------------------


def test_a_backend_is_loaded_by_name_on_first_use(site: Site) -> None:
    site.add_backend("mine")
    assert "mine" in pb.backends()
    assert "module_mine" not in sys.modules
    made = backends.backend("mine")
    assert made.name == "mine"
    assert backends.backend("mine") is made


def test_an_entry_point_may_name_an_instance(site: Site) -> None:
    source = "from pullback.extend import Backend\nclass B(Backend):\n    name = 'ready'\nREADY = B()"
    site.add("ready", backends={"ready": "module_ready:READY"}, modules={"module_ready": source})
    assert backends.backend("ready") is sys.modules["module_ready"].READY


def test_an_unknown_name_says_what_is_installed(site: Site) -> None:
    site.add_hostile("native")
    with pytest.raises(BackendNotFoundError) as caught:
        backends.backend("jax")
    text = str(caught.value)
    assert "no backend 'jax'" in text
    assert "installed: numpy: devices 'cpu' 'numpy'" in text
    assert "installed: native: failed" in text


def test_without_any_backend_the_error_says_what_to_install(nothing_installed: None) -> None:
    for make in (lambda: pb.zeros(3), lambda: pb.tensor(1.0), lambda: pb.arange(3), lambda: pb.randn(2)):
        with pytest.raises(BackendNotFoundError, match="no default device") as caught:
            make()
        for extra in ("cpu", "cuda12", "cuda13", "strict"):
            assert f"pip install 'pullback[{extra}]'" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "state", "cause"),
    [
        ("nobackend", "failed", "is not a Backend"),
        ("newer", "incompatible", r"api \(1, 99\)"),
        ("older", "incompatible", r"api \(0, 9\)"),
        ("raises", "failed", "ValueError: in the constructor"),
        ("misnamed", "failed", "called 'another'"),
    ],
)
def test_what_is_not_a_backend_for_this_pullback_is_refused(site: Site, name: str, state: str, cause: str) -> None:
    site.add_hostile(name)
    for _ in range(2):
        with pytest.raises(PluginError, match=cause):
            backends.backend(name)
    (plugin,) = [p for p in discovery.plugins() if p.name == name]
    assert plugin.state == state
    assert "another" not in pb.backends()


@pytest.mark.parametrize("api", [None, 1, "1.0", (1,), ("1", "0"), (1, "0"), (API[0], API[1] + 1), (API[0] + 1, 0)])
def test_an_api_that_this_pullback_does_not_speak_is_refused_before_construction(site: Site, api: Any) -> None:
    site.add_backend("odd", f"api = {api!r}\n    def __init__(self): raise AssertionError('constructed')")
    with pytest.raises(PluginError, match="incompatible: it speaks backend api"):
        backends.backend("odd")


def test_a_backend_of_another_generation_says_so_when_it_is_asked_for(site: Site) -> None:
    site.add("future", backends={"future": "module_future"}, group="pullback.backends.v2")
    assert "future" not in pb.backends()
    with pytest.raises(
        PluginError, match=r"made for pullback\.backends\.v2; this pullback speaks pullback\.backends\.v1"
    ):
        backends.backend("future")


def test_of_two_claims_the_one_that_is_not_blocked_is_loaded(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.add_backend("dup")
    site.add("other", backends={"dup": "gone"})
    with pytest.raises(PluginError, match="also claimed by"):
        backends.backend("dup")
    monkeypatch.setenv("PULLBACK_BLOCK_PLUGINS", "other")
    discovery.refresh()
    assert backends.backend("dup").name == "dup"


def test_a_registered_backend_cannot_take_a_name_that_is_taken(site: Site) -> None:
    class Impostor(Backend):
        name = "numpy"

    before = backends.backend("numpy")
    with pytest.raises(PluginError, match="'numpy' is taken"):
        backends.register(Impostor())
    assert backends.backend("numpy") is before
    assert backends.register(before) is before


def test_every_extra_that_an_error_names_exists_and_installs_that_backend() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    for name, extras in backends.EXTRAS.items():
        for extra in extras:
            (requirement,) = project["optional-dependencies"][extra]
            assert requirement.startswith((f"pullback-{name}==", f"pullback-{name}[{extra}]=="))


# --- by array --------------------------------------------------------------------------------------------------------


def test_arrays_are_owned_without_touching_other_plugins(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.add_hostile()
    monkeypatch.setattr(backends, "_by_type", {})
    assert backends.of_array(np.ones(2)).name == "numpy"
    assert backends.of_array(np.float64(1)).name == "numpy"
    assert backends.of_array([1.0]) is None
    assert not [name for name in sys.modules if name.startswith("hostile_")]


def test_an_array_of_an_unknown_type_survives_every_broken_plugin(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.add_hostile()
    monkeypatch.setattr(backends, "_by_type", {})
    monkeypatch.setattr(backends, "_loaded", {})
    broken = set(HOSTILE) - {"liar"}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert backends.of_array(array_api_strict.ones(2)).name == "strict"
        assert backends.of_array(SimpleNamespace()) is None
    assert {re.search("plugin '(.*?)'", str(w.message))[1] for w in caught} == broken
    assert len(caught) == len(broken), "each is reported once"


def test_strict_mode_stops_at_a_broken_plugin(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.add_hostile("native")
    monkeypatch.setenv("PULLBACK_STRICT_PLUGINS", "1")
    with pytest.raises(PluginError, match="libfoo"):
        backends.of_array(SimpleNamespace())


def test_a_library_without_a_plugin_gets_one_generic_backend(site: Site) -> None:
    first, second, other = (library(name) for name in ("lib", "lib", "lib"))
    one = backends.of_array(first())
    assert backends.of_array(first()) is one
    assert one.namespace is first.namespace
    sibling = type("Sibling", (), {"__array_namespace__": first.__array_namespace__})
    assert backends.of_array(sibling()) is one, "one backend for each namespace"
    another = backends.of_array(second())
    assert another is not one
    assert one.name == "lib"
    assert len({one.name, another.name, backends.of_array(other()).name}) == 3


def library(name: str) -> type:
    """An array type with a namespace of this name."""
    namespace = ModuleType(name)
    kind = type(f"Array{id(namespace)}", (), {"__array_namespace__": lambda self: namespace, "namespace": namespace})
    kind.__module__ = f"{name}.arrays"
    return kind


# --- by device -------------------------------------------------------------------------------------------------------


def test_devices_by_every_name_that_means_them() -> None:
    cpu = pb.device("cpu")
    assert pb.device(cpu) is cpu
    assert pb.device("numpy") == cpu
    assert pb.device("strict").backend.name == "strict"
    assert pb.device("strict:device1") != pb.device("strict")
    assert pickle.loads(pickle.dumps(cpu)) is cpu


def test_a_third_party_backend_claims_its_device_types(site: Site) -> None:
    site.add_backend("mine", "device_types = ('npu',)\n    def available(self): return 1 / 0")
    with pytest.raises(BackendUnavailableError, match="'npu:3': backend 'mine' is installed but cannot run: ZeroDiv"):
        pb.device("npu:3")


def test_an_unknown_device_lists_installed_known_and_installable(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    everything = discovery.plugins()
    monkeypatch.setattr(
        discovery,
        "plugins",
        lambda group=None: [p for p in everything if p.name in ("numpy", "strict") and group in (None, p.group)],
    )
    monkeypatch.setattr(backends, "_loaded", {k: v for k, v in backends._loaded.items() if k != "cupy"})
    with pytest.raises(BackendNotFoundError) as caught:
        pb.device("tpu")
    for text in ("'tpu'", "'cpu' 'cuda'", "installed: numpy", "installed: strict", "to install cupy: pip install"):
        assert text in str(caught.value)
    with pytest.raises(BackendNotFoundError, match=r"'cuda:1' needs the backend 'cupy'(.|\n)*pullback\[cuda13\]"):
        pb.device("cuda:1")


def test_a_device_that_its_backend_does_not_have() -> None:
    with pytest.raises(BackendNotFoundError, match=r"no device 'strict:nowhere'.*strict:device1"):
        pb.device("strict:nowhere")


def test_a_device_is_a_name_or_a_device() -> None:
    with pytest.raises(ArgumentError, match="got 0"):
        pb.device(0)


def test_a_backend_that_fails_to_say_whether_it_can_run_cannot(site: Site) -> None:
    site.add_hostile("liar")
    with pytest.raises(BackendUnavailableError, match="cannot run: RuntimeError: asked too much"):
        pb.device("liar")


def test_a_blocked_backend_is_refused_by_device(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.add_backend("mine")
    monkeypatch.setenv("PULLBACK_BLOCK_PLUGINS", "mine")
    discovery.refresh()
    with pytest.raises(PluginError, match="blocked: by PULLBACK_BLOCK_PLUGINS=mine"):
        pb.device("mine")


# --- the default -----------------------------------------------------------------------------------------------------


def test_precedence_of_the_default_device(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    assert pb.zeros(1).device.name == "cpu"
    monkeypatch.setenv("PULLBACK_BACKEND", "strict")
    assert pb.zeros(1).device.name == "strict"
    monkeypatch.setenv("PULLBACK_DEVICE", "strict:device1")
    assert pb.zeros(1).device.name == "strict:device1"
    pb.set_default_device("strict:device2")
    try:
        assert pb.zeros(1).device.name == "strict:device2"
        with pb.device("strict"):
            assert pb.zeros(1).device.name == "strict"
            assert pb.zeros(1, device="cpu").device.name == "cpu"
        assert pb.zeros(1).device.name == "strict:device2"
    finally:
        pb.set_default_device(None)
    assert pb.zeros(1).device.name == "strict:device1"


def test_the_default_is_one_of_the_context_it_was_set_in() -> None:
    seen = []

    def thread() -> None:
        pb.set_default_device("strict")
        seen.append(pb.get_default_device().name)

    worker = threading.Thread(target=thread)
    worker.start()
    worker.join()
    assert seen == ["strict"]
    assert pb.get_default_device().name == "cpu"


@pytest.mark.parametrize("variable", ["PULLBACK_DEVICE", "PULLBACK_BACKEND"])
def test_a_wrong_variable_is_named_in_the_error(site: Site, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, "tpu")
    with pytest.raises(BackendNotFoundError, match=f"{variable}=tpu: nobody knows"):
        pb.zeros(1)


def test_numpy_is_the_default_without_loading_or_asking_anyone_else(site: Site) -> None:
    site.add_hostile()
    assert pb.get_default_device().name == "cpu"
    assert not [name for name in sys.modules if name.startswith("hostile_")]


class Stand(Backend):
    """A backend that can be a default, or not."""

    default_candidate = True

    def __init__(self, name: str, availability: Availability) -> None:
        super().__init__()
        self.name = name
        self.status = availability

    def available(self) -> Availability:
        return self.status

    def default_native_device(self) -> int:
        return 0


def test_without_numpy_the_only_backend_that_can_run_is_the_default(nothing_installed: None) -> None:
    backends.register(Stand("first", Availability(False, "no driver", "get one")))
    with pytest.raises(
        BackendNotFoundError, match=r"no backend can run here(.|\n)*first: cannot run here: no driver. get"
    ):
        pb.get_default_device()
    backends.register(Stand("second", Availability()))
    assert pb.get_default_device().backend.name == "second"


def test_a_test_rig_is_no_default(nothing_installed: None) -> None:
    backends.register(Stand("rig", Availability())).default_candidate = False
    with pytest.raises(BackendNotFoundError, match="no backend can run here"):
        pb.get_default_device()


def test_without_numpy_several_that_can_run_are_an_error(nothing_installed: None) -> None:
    backends.register(Stand("first", Availability()))
    backends.register(Stand("second", Availability()))
    with pytest.raises(
        BackendNotFoundError, match=r"several backends(.|\n)*set_default_device(.|\n)*first(.|\n)*second"
    ):
        pb.get_default_device()


def test_without_numpy_importing_works_and_the_first_array_says_what_to_install() -> None:
    program = """
import sys
class NoNumPy:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "numpy":
            raise ModuleNotFoundError("No module named 'numpy'", name="numpy")
sys.meta_path.insert(0, NoNumPy())
import pullback as pb
for make in (lambda: pb.ones(2), lambda: pb.tensor([1.0]), lambda: pb.zeros(2, device="cpu")):
    try:
        make()
    except pb.errors.BackendError as error:
        print(error)
    else:
        sys.exit("an array was made")
print(pb.backends())
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("No module named 'numpy'") >= 3
    assert "pip install 'pullback[cpu]'" in done.stdout
    assert "'numpy'" in done.stdout.splitlines()[-1]
