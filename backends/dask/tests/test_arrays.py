"""From Tensors to Dask arrays."""

from __future__ import annotations

from typing import Any

import dask.array as da
import numpy as np
import pullback as pb
import pytest
from pullback_dask import to_dask


def test_a_tensor_as_a_dask_array(computes: Any) -> None:
    x = pb.asarray(da.arange(6.0, chunks=2)) * 2
    raw = to_dask(x)
    assert isinstance(raw, da.Array)
    assert raw.chunks == ((2, 2, 2),)
    assert computes.calls == 0
    raw[0] = 9.0
    assert x.tolist() == [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]
    assert np.asarray(raw).tolist() == [9.0, 2.0, 4.0, 6.0, 8.0, 10.0]


def test_what_is_none_is_refused() -> None:
    with pytest.raises(TypeError, match="on 'dask' is needed, got Tensor on cpu"):
        to_dask(pb.ones(2))
    with pytest.raises(ValueError, match="detach"):
        to_dask(pb.ones(2, device="dask", requires_grad=True))
