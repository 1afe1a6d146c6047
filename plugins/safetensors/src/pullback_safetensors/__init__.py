"""Save and load Tensors and trainings of pullback as safetensors files: atomically, and without pickle."""

from pullback_safetensors.errors import FileFormatError as FileFormatError
from pullback_safetensors.files import load_file as load_file
from pullback_safetensors.files import safe_open as safe_open
from pullback_safetensors.files import save_file as save_file
from pullback_safetensors.training import load_training as load_training
from pullback_safetensors.training import save_training as save_training

__all__ = ["FileFormatError", "load_file", "load_training", "safe_open", "save_file", "save_training"]
