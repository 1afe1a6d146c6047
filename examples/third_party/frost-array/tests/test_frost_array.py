"""Arrays that never change, in compartments that do not mix. (Run where frost-array is installed.)"""

import numpy as np
import pytest

frost = pytest.importorskip(
    "frost_array", reason="it is not installed: pip install -e examples/third_party/frost-array"
)


def test_arrays_never_change():
    source = np.ones(3)
    x = frost.asarray(source)
    source[0] = 9.0
    with pytest.raises(TypeError):
        x[0] = 9.0
    y = x
    y += 1
    assert [float(v) for v in frost.unstack(x)] == [1.0, 1.0, 1.0]
    assert not np.from_dlpack(x[1:]).flags.writeable
    assert source.flags.writeable
    with pytest.raises(ValueError, match="must be copied"):
        frost.asarray(source, copy=False)


def test_compartments_do_not_mix():
    x, held = frost.ones(2), frost.ones(2, device=frost.HELD_OUT)
    assert (held + 1).device is frost.HELD_OUT
    assert frost.stack([held, held]).device is frost.HELD_OUT
    assert frost.zeros_like(held).device is frost.HELD_OUT
    for mix in (lambda: x + held, lambda: frost.add(x, held), lambda: frost.stack([x, held])):
        with pytest.raises(ValueError, match="held_out and open do not mix"):
            mix()
    assert bool(frost.all(held.to_device(frost.OPEN) == x))


def test_nothing_is_converted_silently():
    with pytest.raises(TypeError, match="from_dlpack"):
        np.asarray(frost.ones(2))
    with pytest.raises(TypeError):
        frost.ones(2) + np.ones(2)


def test_a_digest_is_that_of_what_an_array_holds():
    x = frost.arange(4.0)
    assert frost.digest(x) == frost.digest(frost.asarray([0.0, 1.0, 2.0, 3.0]))
    others = (x[::-1], frost.reshape(x, (2, 2)), frost.astype(x, frost.float32))
    assert len({frost.digest(y) for y in (x, *others)}) == 4
