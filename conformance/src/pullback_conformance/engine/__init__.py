"""E01-E27: what the engine promises, whatever the op. Each trial is a small program, on any device."""

from pullback_conformance.engine import gradients as gradients  # the modules add their programs
from pullback_conformance.engine import lives as lives
from pullback_conformance.engine.trial import BATTERY as BATTERY
