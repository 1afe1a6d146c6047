"""Writes data/torch.safetensors: a file as PyTorch users have them.

uv run --no-project --with 'torch==2.13.*' --with safetensors python plugins/safetensors/tests/make_torch_file.py
"""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import save_file

DATA = Path(__file__).parent / "data" / "torch.safetensors"


def tensors() -> dict[str, torch.Tensor]:
    """Tensors of all dtypes that both have, of several shapes; the values are those in test_files.py."""
    numbers = torch.arange(6, dtype=torch.float64).reshape(2, 3) / 4 - 0.5
    return {
        "layer.weight": numbers.to(torch.float32),
        "layer.bias": torch.tensor([1.5, -2.25, 1e-30]),
        "half": numbers.to(torch.float16),
        "brain": torch.tensor([1.0, -0.3359375, 3e38], dtype=torch.bfloat16),
        "double": numbers.T.contiguous(),
        "long": torch.tensor([-(2**62), 7]),
        "short": torch.tensor([-3, 4], dtype=torch.int16),
        "byte": torch.tensor([0, 255], dtype=torch.uint8),
        "flag": torch.tensor([True, False, True]),
        "complex": torch.tensor([1 + 2j, -0.5j], dtype=torch.complex64),
        "scalar": torch.tensor(2.5),
        "empty": torch.zeros(0, 3),
    }


if __name__ == "__main__":
    DATA.parent.mkdir(exist_ok=True)
    save_file(tensors(), DATA, metadata={"format": "pt"})
    print(f"{DATA.stat().st_size} bytes")
