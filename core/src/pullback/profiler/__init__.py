"""Where time and memory go: `pb.profiler.profile`, under PyTorch's names."""

from pullback.profiler.events import Event as Event
from pullback.profiler.events import record_function as record_function
from pullback.profiler.profiling import profile as profile
from pullback.profiler.table import Averages as Averages
from pullback.profiler.table import Row as Row

__all__ = ["Averages", "Event", "Row", "profile", "record_function"]
