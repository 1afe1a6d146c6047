"""Checkpoints, under the name that they have in PyTorch; see `pullback.autograd`."""

from pullback.autograd.checkpointing import checkpoint as checkpoint
from pullback.autograd.checkpointing import checkpoint_sequential as checkpoint_sequential
from pullback.errors import CheckpointError as CheckpointError

__all__ = ["CheckpointError", "checkpoint", "checkpoint_sequential"]
