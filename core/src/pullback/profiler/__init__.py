"""Where time and memory go: `pb.profiler.profile`, under PyTorch's names."""

from pullback.profiler.dispatch import Dispatch as Dispatch
from pullback.profiler.events import Event as Event
from pullback.profiler.events import record_function as record_function
from pullback.profiler.profiling import profile as profile

__all__ = ["Dispatch", "Event", "profile", "record_function"]
