"""`import pullback` is light: it loads no array library, no plugin, and nothing slow."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

NOT_LOADED = [
    "array_api_compat",
    "array_api_strict",
    "cupy",
    "dask",
    "dataclasses",
    "importlib.metadata",
    "inspect",
    "jax",
    "matplotlib",
    "numpy",
    "packaging",
    "pluggy",
    "pullback_conformance",
    "pullback_cupy",
    "pullback_numpy",
    "pullback_strict",
    "rich",
    "scipy",
    "torch",
    "traceback",
    # what is slow to load in the standard library, and needed late if at all
    "argparse",
    "asyncio",
    "email",
    "json",
    "logging",
    "pathlib",
    "pickle",
    "subprocess",
    "tempfile",
    "urllib",
]


def python(program: str) -> str:
    """What a program prints in an interpreter of its own."""
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(program)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def loaded() -> set[str]:
    """What `import pullback` adds to a bare interpreter."""
    program = "import sys; before = set(sys.modules); import pullback; print(*sorted(set(sys.modules) - before))"
    return set(python(program).split())


@pytest.mark.parametrize("module", NOT_LOADED)
def test_import_loads_nothing_heavy(module: str, loaded: set[str]):
    assert "pullback.tensor" in loaded
    assert not [name for name in loaded if f"{name}.".startswith(f"{module}.")]


def test_a_backend_is_loaded_when_the_first_array_is_made():
    out = python(
        """
        import sys
        import pullback as pb

        assert "numpy" in pb.backends() and "numpy" not in sys.modules
        pb.tensor([1.0])
        print("numpy" in sys.modules, "array_api_strict" in sys.modules, "cupy" in sys.modules)
        """
    )
    assert out.split() == ["True", "False", "False"]


WITHOUT_NUMPY = """
    import importlib.metadata
    import sys

    class Absent:
        def find_spec(self, name, path=None, target=None):
            if name.partition(".")[0] in HIDDEN:
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    def distributions(**context):
        return [dist for dist in every(**context) if dist.metadata["Name"] in ("pullback", "pluggy", "array-api-compat")]

    HIDDEN = {"numpy", "pullback_numpy", "pullback_strict", "pullback_cupy", "array_api_strict", "cupy", "scipy"}
    sys.meta_path.insert(0, Absent())
    every = importlib.metadata.distributions
    importlib.metadata.distributions = distributions
    import pullback as pb
    from pullback.errors import BackendNotFoundError

    try:
        CREATE
    except BackendNotFoundError as error:
        print(error)
"""
"""Only core and its dependencies are there: neither their modules nor their entry points can be found."""

CREATIONS = {
    "tensor": "pb.tensor([1.0])",
    "zeros": "pb.zeros(2, 3)",
    "randn": "pb.randn(2)",
    "device": "pb.ones(2, device='cpu')",
}


@pytest.mark.parametrize("creation", CREATIONS.values(), ids=CREATIONS)
def test_without_a_backend_the_first_array_says_what_to_install(creation: str):
    out = python(WITHOUT_NUMPY.replace("CREATE", creation))
    for extra in ("pullback[cpu]", "pullback[cuda12]", "pullback[cuda13]", "pullback[strict]"):
        assert f"pip install '{extra}'" in out
    assert "installed:" not in out


def test_without_a_backend_all_that_needs_no_array_works():
    out = python(WITHOUT_NUMPY.replace("CREATE", "pb.no_grad().__enter__(); print(pb.float32, pb.backends())"))
    assert out.split() == ["pullback.float32", "[]"]
