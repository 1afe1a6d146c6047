"""Indexing."""

import pullback as pb
import pytest
from pullback.errors import IndexingError


@pytest.mark.parametrize("device", ["numpy", "strict"])
class TestTooManyIndices:
    @pytest.mark.parametrize("key", [0, (0,), slice(None), [0]], ids=repr)
    def test_of_a_scalar_names_item(self, device, key):
        with pytest.raises(IndexingError, match=r"1 axes are indexed, the array has shape \(\); .* write x.item\(\)"):
            pb.tensor(3.0, device=device)[key]

    @pytest.mark.parametrize("key", [(0, 0), (..., 0, 0), (None, 0, slice(None))], ids=repr)
    def test_of_a_vector(self, device, key):
        with pytest.raises(IndexError, match=r"2 axes are indexed, the array has shape \(3,\)$"):
            pb.ones(3, device=device)[key]

    def test_a_mask_counts_its_axes(self, device):
        with pytest.raises(IndexError, match="2 axes"):
            pb.ones(3, device=device)[pb.ones(3, 3, device=device) > 0]

    def test_a_write_changes_nothing(self, device):
        x = pb.ones(3, device=device)
        with pytest.raises(IndexError):
            x[0, 0] = 5.0
        assert x.tolist() == [1.0, 1.0, 1.0]

    @pytest.mark.parametrize("key", [..., (), None], ids=repr)
    def test_keys_without_an_axis_are_fine(self, device, key):
        assert pb.tensor(3.0, device=device)[key].sum().item() == 3.0
