"""What a process does with the memory of large arrays: seen in processes of its own, for it cannot be set back."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from pullback_numpy.memory import KEPT

FAULTS = """
import resource
import numpy as np
{first}

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

def work():
    return [np.ones(1 << 20) for _ in range(10)]  # 80 MiB

work()
before = faults()
for _ in range(5):
    work()
print(faults() - before)
"""


def _glibc() -> bool:
    try:
        return (os.confstr("CS_GNU_LIBC_VERSION") or "").startswith("glibc")
    except (AttributeError, ValueError):
        return False


def _run(program: str, **environment: str) -> str:
    named = {name: value for name, value in os.environ.items() if not name.startswith(("MALLOC_", "GLIBC_"))}
    command = [sys.executable, "-c", program]
    return subprocess.run(command, env=named | environment, check=True, capture_output=True, text=True).stdout.strip()


@pytest.mark.skipif(not _glibc(), reason="the thresholds are those of glibc")
def test_memory_of_large_arrays_is_used_again() -> None:
    without = int(_run(FAULTS.format(first="")))
    with_backend = int(_run(FAULTS.format(first="import pullback; pullback.ones((1,))")))
    assert KEPT > 80 << 20
    assert with_backend < without / 10


@pytest.mark.skipif(not _glibc(), reason="the thresholds are those of glibc")
@pytest.mark.parametrize("name", ["MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES"])
def test_settings_of_the_environment_count(name: str) -> None:
    program = "from pullback_numpy.memory import keep_freed_memory; print(keep_freed_memory())"
    assert _run(program) == "True"
    value = "glibc.malloc.trim_threshold=131072" if name == "GLIBC_TUNABLES" else "131072"
    assert _run(program, **{name: value}) == "False"


def test_other_c_libraries_are_left_alone() -> None:
    program = """
import os
from pullback_numpy.memory import keep_freed_memory

def unknown(name):
    raise ValueError(name)

os.confstr = unknown
print(keep_freed_memory())
del os.confstr
print(keep_freed_memory())
"""
    assert _run(program).split() == ["False", "False"]
