"""Creation functions that Dask gets wrong."""

from __future__ import annotations

import numpy as np
import pullback as pb
import pytest

pytestmark = pytest.mark.usefixtures("computes")


@pytest.mark.parametrize(("rows", "columns", "k"), [(3, 3, 0), (2, 5, 1), (7, 4, -2), (0, 3, 0)])
def test_eye(rows: int, columns: int, k: int) -> None:
    xp = pb.zeros(1, device="dask").__array_namespace__()
    found = xp.eye(rows, columns, k=k, dtype=pb.float32)
    assert found.dtype is pb.float32
    assert found.tolist() == np.eye(rows, columns, k).tolist()


@pytest.mark.parametrize("shape", [(0, 2), (2, 0, 3), (0,), 4])
def test_shapes_without_elements(shape: object) -> None:
    xp = pb.zeros(1, device="dask").__array_namespace__()
    for made in (
        xp.zeros(shape),
        xp.ones(shape),
        xp.full(shape, 1.5),
        xp.empty(shape),
        pb.asarray(np.ones(shape)).to("dask"),
    ):
        assert made.to("cpu").numpy().shape == np.ones(shape).shape


def test_the_namespace_says_what_it_has() -> None:
    info = pb.zeros(1, device="dask").__array_namespace__().__array_namespace_info__()
    assert [str(device) for device in info.devices()] == ["dask"]
    assert info.default_dtypes()["real floating"] is pb.float64
    assert not info.capabilities()["data-dependent shapes"]
    assert not info.capabilities()["boolean indexing"]
