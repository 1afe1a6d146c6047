"""Nine plugins of ops, each broken in its own way, installed at once: programs go on, and the truth is told of each."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from helpers.distributions import Site
from pullback.plugins import discovery

HOOK = """
from pullback.extend import hookimpl, op

@op
def f(xp, x):
    return 2 * x

@hookimpl
def pullback_register_ops({argument}):
    {body}
"""
CRASH = "import os\nos.kill(os.getpid(), 11)"
GOOD = HOOK.format(argument="register", body="register(f)")


class Hostile(NamedTuple):
    """A way of being broken: the source of the module, the state that must be shown, and a part of the cause."""

    source: str
    state: str
    cause: str
    requires: tuple[str, ...] = ()


NINE = {
    "importing": Hostile("import a_library_that_nobody_has", "failed", "No module named 'a_library_that_nobody_has'"),
    "syntax": Hostile("def broken(:", "failed", "SyntaxError"),
    "version": Hostile(f"pullback_api = (2, 0)\n{GOOD}", "incompatible", "it speaks op api (2, 0)"),
    "clash": Hostile(GOOD, "conflict", "also claimed by clash-two 1.0"),
    "duplicate": Hostile(
        HOOK.format(argument="register", body="register(f); register(f)"), "failed", "duplicate::f is registered twice"
    ),
    "signature": Hostile(HOOK.format(argument="registrar", body="registrar(f)"), "failed", "registrar"),
    "halfway": Hostile(
        HOOK.format(argument="register", body="register(f); raise OSError('half way')"), "failed", "OSError: half way"
    ),
    "crash": Hostile(CRASH, "incompatible", "it needs pullback==0.0.1", ("pullback==0.0.1",)),
    "stale": Hostile("", "failed", "if stale-one is an editable install, reinstall it"),
}


@pytest.fixture
def hostile(site: Site) -> Site:
    """All nine, and a good one."""
    for name, plugin in NINE.items():
        site.add_ops(name, plugin.source, distribution=f"{name}-one", requires=plugin.requires)
    site.add_ops("clash", GOOD, distribution="clash-two")
    (site.path / "module_stale_one.py").unlink()
    site.add_ops("good", GOOD, distribution="good-one")
    return site


def run(site: Site, *words: str, status: int = 0, **variables: str) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith("PULLBACK_")}
    env |= {"PYTHONPATH": str(site.path), **variables}
    done = subprocess.run(
        [sys.executable, "-W", "error", *words], env=env, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
    return done


def listed(site: Site, status: int = 1, **variables: str) -> dict[str, dict[str, str]]:
    done = run(site, "-m", "pullback", "plugins", "--json", status=status, **variables)
    return {plugin["distribution"]: plugin for plugin in json.loads(done.stdout)}


PROGRAM = """
import pullback as pb
x = pb.tensor([1.0, 2.0], requires_grad=True)
(x.sin() * x).sum().backward()
print(pb.ops.good.f(x.grad).shape)
"""


def test_programs_go_on_and_say_nothing(hostile: Site) -> None:
    done = run(hostile, "-c", PROGRAM)
    assert (done.stdout, done.stderr) == ("(2,)\n", "")


def test_each_is_named_with_distribution_version_cause_and_remedy(hostile: Site) -> None:
    found = listed(hostile)
    report = run(hostile, "-m", "pullback", "doctor", status=1).stdout
    for name, plugin in NINE.items():
        row = found[f"{name}-one"]
        assert (row["name"], row["version"], row["state"]) == (name, "1.0", plugin.state)
        assert plugin.cause in row["cause"]
        assert row["ops"] == []
        (text,) = re.findall(rf"^error: plugin {name} of {name}-one 1\.0: (.*\n.*)$", report, re.MULTILINE)
        assert row["cause"].splitlines()[0] in text or plugin.cause in report
        assert f"PULLBACK_BLOCK_PLUGINS={name}" in report
    assert found["clash-two"]["state"] == "conflict"
    assert (found["good-one"]["state"], found["good-one"]["ops"]) == ("loaded", ["good::f"])


@pytest.mark.parametrize("name", NINE)
def test_whoever_asks_for_it_gets_the_same_truth(hostile: Site, name: str) -> None:
    program = f"import pullback as pb\ntry: pb.ops.{name}\nexcept pb.errors.PluginError as error: print(error)"
    text = run(hostile, "-c", program).stdout
    assert NINE[name].cause in text
    assert f"'{name}' of {name}-one 1.0" in text
    assert f"pip uninstall {name}-one" in text


def test_blocking_makes_it_healthy_and_unblocking_ill_again(hostile: Site) -> None:
    blocked = ",".join([f"{name}-one" for name in NINE])
    found = listed(hostile, status=0, PULLBACK_BLOCK_PLUGINS=blocked)
    assert {found[f"{name}-one"]["state"] for name in NINE} == {"blocked"}
    assert found["clash-two"]["state"] == "loaded"  # the conflict is resolved
    run(hostile, "-m", "pullback", "doctor", PULLBACK_BLOCK_PLUGINS=blocked)
    only = listed(hostile, status=0, PULLBACK_LOAD_PLUGINS="good,numpy")
    assert {row["state"] for name, row in only.items() if name not in ("good-one", "pullback-numpy")} == {"blocked"}
    assert listed(hostile)["halfway-one"]["state"] == "failed"


def test_uninstalling_makes_it_healthy(hostile: Site) -> None:
    for name in NINE:
        hostile.remove(f"{name}-one")
    found = listed(hostile, status=0)
    assert not set(found) & {f"{name}-one" for name in NINE}
    assert found["clash-two"]["state"] == "loaded"


def test_strict_mode_stops_what_is_asked_for_only(hostile: Site) -> None:
    assert run(hostile, "-c", PROGRAM, PULLBACK_STRICT_PLUGINS="1").stdout == "(2,)\n"


def test_without_the_handshake_it_would_crash(hostile: Site, tmp_path: Path) -> None:
    """The crash is real: what holds it back is that its requirement is read first."""
    hostile.remove("crash-one")
    hostile.add_ops("crash", CRASH, distribution="crash-again")
    done = run(hostile, "-c", "import pullback as pb; pb.ops.crash", status=-11)
    assert done.stdout == ""
    discovery.refresh()
