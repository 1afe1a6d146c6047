"""Where each call of an op was sent: backend, function or kernel, and owner."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pullback as pb
import pytest
from helpers.distributions import Site
from pullback.extend import generic_kernels
from pullback.profiler import Dispatch, profile

PLUGIN = """
import pullback as pb
from pullback.extend import hookimpl, op

@op.elementwise(x=lambda xp, t: 2 * t)
def twice(xp, x):
    return x + x

@twice.kernel("numpy", dtypes=[pb.float32])
def twice_fused(x):
    return NotImplemented if x.shape == (3,) else 2 * x

@hookimpl
def pullback_register_ops(register):
    register(twice)
"""
OWNED = ("acme::twice", "acme-twice 1.0")
FUSED = Dispatch(*OWNED, "numpy", "module_twice.twice_fused", True)
GENERIC = Dispatch(*OWNED, "numpy", "module_twice.twice", False)


@pytest.fixture
def twice(site: Site):
    site.add("acme-twice", backends={"acme": "module_twice"}, group="pullback.ops.v1", modules={"module_twice": PLUGIN})
    return pb.ops.acme.twice


def test_a_kernel_is_told_from_the_generic_form_at_each_call(twice) -> None:
    single, double = pb.ones(2), pb.ones(2, dtype=pb.float64)
    with profile() as prof:
        for _ in range(2):
            twice(single)
        twice(double)  # another dtype
        twice(pb.ones(3))  # the kernel leaves it alone
        with generic_kernels():
            twice(single)
        twice(pb.ones(2, device="strict"))
    assert prof.dispatches() == [FUSED, FUSED, GENERIC, GENERIC, GENERIC, GENERIC._replace(backend="strict")]
    assert str(FUSED) == "acme::twice of acme-twice 1.0 on numpy: kernel module_twice.twice_fused"
    assert str(GENERIC) == "acme::twice of acme-twice 1.0 on numpy: module_twice.twice"


def test_the_operations_of_the_standard_and_of_the_program_itself() -> None:
    @pb.op.elementwise(x=lambda xp, t: 3 * t, name="mine::thrice")
    def thrice(xp, x):
        return 3 * x

    with profile() as prof:
        thrice(pb.sin(pb.ones(2)))
    sine, mine = prof.dispatches()
    assert sine == ("sin", "pullback", "numpy", f"{np.sin.__module__ or 'numpy'}.sin", False)
    assert (mine.op, mine.owner, mine.backend) == ("mine::thrice", "", "numpy")
    assert mine.function.endswith("thrice")
    assert "of this program on numpy" in str(mine)


def test_a_composite_is_seen_as_what_it_calls_and_the_way_back_is_not_a_call() -> None:
    x = pb.ones(2, requires_grad=True)
    composite = pb.op(lambda xp, x: xp.sum(xp.exp(x)))
    with profile() as prof:
        composite(x).backward()
    assert [call.op for call in prof.dispatches()] in (["exp", "sum"], ["exp", "total"])


def test_nobody_is_told_of_kernels_when_no_profiler_is_on(twice) -> None:
    from pullback import kernels

    with profile():
        assert kernels.observers
    assert kernels.observers == []


def test_an_override_shows_as_the_op_of_the_other_plugin(twice, site: Site, monkeypatch) -> None:
    other = PLUGIN.replace("register(twice)", 'register(twice, overrides="acme::twice")')
    site.add("beta-twice", backends={"beta": "module_beta"}, group="pullback.ops.v1", modules={"module_beta": other})
    monkeypatch.setenv("PULLBACK_ALLOW_OVERRIDES", "beta")
    with profile() as prof:
        pb.ops.acme.twice(pb.ones(2))
    assert prof.dispatches() == [Dispatch("beta::twice", "beta-twice 1.0", "numpy", "module_beta.twice_fused", True)]


def test_a_profiler_alone_loads_no_plugin() -> None:
    program = """
import pullback as pb, sys
with pb.profiler.profile() as prof:
    pb.sin(pb.ones(2))
assert str(prof.dispatches()[0]).startswith("sin of pullback on numpy")
assert "pluggy" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)
