"""The wheels, installed by extras into fresh environments outside the tree, as users have them."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DISTRIBUTIONS = {
    "pullback",
    "pullback_conformance",
    "pullback_cupy",
    "pullback_dask",
    "pullback_nn",
    "pullback_numpy",
    "pullback_optim",
    "pullback_safetensors",
    "pullback_special",
    "pullback_strict",
}

GRADIENT = """
import pullback as pb

x = pb.tensor([1.0, 2.0], requires_grad=True, device=DEVICE)
(x.sin() * x).sum().backward()
expected = x.detach().sin() + x.detach() * x.detach().cos()
assert x.grad.device == x.device
assert bool((x.grad == expected).all()), (x.grad, expected)
"""


def uv() -> str:
    """The uv that set up the environment."""
    spec = importlib.util.spec_from_file_location("bootstrap", ROOT / "bootstrap.py")
    assert spec is not None
    assert spec.loader is not None
    bootstrap = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bootstrap)
    os.environ.update(bootstrap.pip_settings())
    found = bootstrap.find_uv()
    assert found is not None, "run `python3 bootstrap.py` first: it fetches uv"
    return str(found[0])


def succeed(*command: object, cwd: Path) -> str:
    """Run a command that must succeed, and return what it prints."""
    result = subprocess.run(
        [str(word) for word in command], cwd=cwd, env=clean(), capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, f"{command}\n{result.stdout}{result.stderr}"
    return result.stdout


def clean() -> dict[str, str]:
    """The environment, less what would let the source tree or an outer environment shine through."""
    leaky = ("PYTHONPATH", "VIRTUAL_ENV", "UV_PROJECT", "PULLBACK_", "PYTEST_")
    return {name: value for name, value in os.environ.items() if not name.startswith(leaky)}


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel of every distribution, each built from its sdist."""
    folder = tmp_path_factory.mktemp("dist")
    succeed(uv(), "build", "--quiet", "--all-packages", "--no-sources", "--out-dir", folder, cwd=ROOT)
    assert {path.name.partition("-")[0] for path in folder.glob("*.whl")} >= DISTRIBUTIONS
    assert len(list(folder.glob("*.whl"))) == len(list(folder.glob("*.tar.gz")))
    return folder


class Environment:
    """A fresh environment with pullback and some extra in it, and an empty folder to run things from."""

    def __init__(self, folder: Path, wheels: Path, wish: str) -> None:
        self.folder = folder
        self.bin = folder / "env" / ("Scripts" if os.name == "nt" else "bin")
        succeed(uv(), "venv", "--quiet", "--python", sys.executable, folder / "env", cwd=folder)
        # first-party wheels are taken from the folder even if an index has their names too
        ours = {wheel.name.partition("-")[0].replace("_", "-"): wheel.as_uri() for wheel in wheels.glob("*.whl")}
        overrides = folder / "overrides.txt"
        overrides.write_text("".join(f"{name} @ {uri}\n" for name, uri in ours.items() if name != "pullback"))
        install = [uv(), "pip", "install", "--quiet", "--python", self.bin / "python", "--overrides", overrides]
        succeed(*install, f"{wish} @ {ours['pullback']}", cwd=folder)

    def python(self, program: str) -> str:
        return succeed(self.bin / "python", "-W", "error", "-c", program, cwd=self.folder)

    def pullback(self, *words: str, status: int = 0) -> str:
        command = [str(self.bin / "pullback"), *words]
        result = subprocess.run(command, cwd=self.folder, env=clean(), capture_output=True, text=True, check=False)
        assert result.returncode == status, result.stdout + result.stderr
        return result.stdout

    def packages(self) -> set[str]:
        listed = succeed(uv(), "pip", "list", "--python", self.bin / "python", "--format", "json", cwd=self.folder)
        return {package["name"] for package in json.loads(listed)}


Install = Callable[[str], Environment]


@pytest.fixture
def install(tmp_path: Path, wheels: Path) -> Install:
    """A function that makes an environment with "pullback" or "pullback[EXTRA]" in it."""
    return lambda wish: Environment(tmp_path, wheels, wish)


def test_bare(install: Install):
    env = install("pullback")
    assert env.packages() == {"pullback", "array-api-compat", "pluggy"}
    message = env.python(
        "import pullback as pb\ntry: pb.tensor([1.0])\nexcept pb.errors.BackendNotFoundError as error: print(error)"
    )
    assert "pip install 'pullback[cpu]'" in message
    assert json.loads(env.pullback("backends", "--json")) == []
    assert "pullback[cpu]" in env.pullback("doctor", status=1)


def test_cpu(install: Install):
    env = install("pullback[cpu]")
    assert env.packages() == {"pullback", "pullback-numpy", "array-api-compat", "pluggy", "numpy"}
    env.python(GRADIENT.replace("DEVICE", "'cpu'"))
    assert [backend["name"] for backend in json.loads(env.pullback("backends", "--json"))] == ["numpy"]
    env.pullback("doctor")
    for example in readme_examples():
        env.python(example)


def test_strict(install: Install):
    env = install("pullback[strict]")
    for device in ("strict", "strict:device1", "cpu"):
        env.python(GRADIENT.replace("DEVICE", repr(device)))


def test_special(install: Install):
    """SciPy finds the functions in an environment that has nothing but wheels, and their gradients arrive."""
    env = install("pullback[cpu,special]")
    assert {"pullback-special", "pullback-numpy", "scipy"} <= env.packages()
    env.python(
        "import os; os.environ['SCIPY_ARRAY_API'] = '1'\n"
        "import pullback as pb, scipy.special, math\n"
        "x = pb.tensor([0.0, 1.0], requires_grad=True)\n"
        "scipy.special.erf(x).sum().backward()\n"
        "assert abs(float(x.grad[0]) - 2 / math.sqrt(math.pi)) < 1e-6\n"
        "assert pb.ops.special.gammaln(x).requires_grad\n"
    )
    (plugin,) = [plugin for plugin in json.loads(env.pullback("plugins", "--json")) if plugin["name"] == "special"]
    assert plugin["distribution"] == "pullback-special"
    env.pullback("doctor")


NET = """
import pullback as pb, pullback_nn as nn, pullback_optim as optim
from pullback_safetensors import load_file, save_file

pb.manual_seed(0)
net = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(32, 3))
x, labels = pb.randn(6, 1, 4, 4), pb.asarray([0, 1, 2, 0, 1, 2])
optimizer = optim.Adam(net.parameters(), lr=0.01)
losses = []
for step in range(30):
    loss = nn.functional.cross_entropy(net(x), labels)
    losses.append(loss.item())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
assert losses[-1] < losses[0] / 2, losses
save_file(net.state_dict(), "net.safetensors")
again = load_file("net.safetensors")
assert all(bool((again[key] == value).all()) for key, value in net.state_dict().items())
assert pb.ops.nn.relu(pb.tensor(-1.0)).item() == 0.0
"""


def test_layers_optimisers_and_saved_tensors(install: Install):
    env = install("pullback[cpu,nn,optim,safetensors]")
    assert {"pullback-nn", "pullback-optim", "pullback-safetensors", "safetensors"} <= env.packages()
    assert not {"scipy", "torch"} & env.packages()
    env.python(NET)
    env.pullback("doctor")


def test_dask(install: Install):
    env = install("pullback[dask]")
    env.python(
        "import pullback as pb\n"
        "x = pb.ones(1000, device='dask', requires_grad=True)\n"
        "loss = (x * x).sum()\n"
        "loss.backward()\n"
        "loss, grad = pb.compute(loss, x.grad)\n"
        "assert float(loss.item()) == 1000.0 and float(grad.sum().item()) == 2000.0\n"
    )
    env.pullback("doctor")


def test_conformance(install: Install):
    env = install("pullback[cpu,test]")
    env.python("import pullback_conformance, pullback; assert pullback_conformance.__doc__")
    assert {"pullback-conformance", "pytest", "hypothesis"} <= env.packages()
    one = ["--pyargs", "pullback_conformance", "--pullback-op=sin", "--pullback-level=L0"]
    for plugin in ([], ["-p", "pullback_conformance.pytest_plugin"]):  # loaded by itself, or by name where none is
        command = [env.bin / "python", "-m", "pytest", "-q", "-p", "no:cacheprovider", *plugin, *one]
        assert re.search(r"\d+ passed", succeed(*command, cwd=env.folder))


def test_demo(install: Install):
    env = install("pullback[demo]")
    env.pullback("demo", "--steps", "50", "--out", "demo.png")
    assert (env.folder / "demo.png").read_bytes().startswith(b"\x89PNG")


def test_type_checkers_read_the_wheels(install: Install):
    """`py.typed` is shipped: a strict checker sees the types of an installed pullback, and objects to their misuse."""
    env = install("pullback[cpu]")
    program = env.folder / "consumer.py"
    program.write_text(
        "import pullback as pb\n\n\n"
        "def loss(x: pb.Tensor) -> pb.Tensor:\n"
        "    return (x * x).sum()\n\n\n"
        "x: int = loss(pb.tensor([1.0], requires_grad=True))\n"
    )
    mypy = [sys.executable, "-m", "mypy", "--strict", "--python-executable", str(env.bin / "python"), str(program)]
    result = subprocess.run(mypy, cwd=env.folder, env=clean(), capture_output=True, text=True, check=False)
    (error,) = re.findall(r"error: (.*)", result.stdout)
    assert 'has type "Tensor"' in error


def test_pip_installs_them_too(tmp_path: Path, wheels: Path):
    """uv is what developers use; users have pip."""
    succeed(uv(), "venv", "--quiet", "--seed", "--python", sys.executable, tmp_path / "env", cwd=tmp_path)
    python = tmp_path / "env" / ("Scripts" if os.name == "nt" else "bin") / "python"
    found = [
        f"{wheel}{'[cpu]' if wheel.name.startswith('pullback-') else ''}" for wheel in wheels.glob("pullback-*.whl")
    ]
    backends = [str(wheel) for wheel in wheels.glob("pullback_numpy-*.whl")]
    succeed(python, "-m", "pip", "install", "--quiet", *found, *backends, cwd=tmp_path)
    succeed(python, "-m", "pip", "check", cwd=tmp_path)
    succeed(python, "-c", GRADIENT.replace("DEVICE", "None"), cwd=tmp_path)


def readme_examples() -> list[str]:
    """The Python programs of the README that need nothing but `pullback[cpu]`."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert found
    return found
