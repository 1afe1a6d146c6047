"""The derivative table: one file per chapter of the Array API standard, names as in the standard.

And the ops of plugins, by namespace: `pb.ops.acme.swish` is the op `acme::swish`, loaded on first use.
"""

from __future__ import annotations

from typing import Any

from pullback.plugins import registry


def __getattr__(name: str) -> Any:
    if name in registry.RESERVED or name.startswith("_"):  # a chapter that is about to be imported
        raise AttributeError(f"module 'pullback.ops' has no attribute {name!r}", name=name)
    return registry.namespace(name, face=globals())


def __dir__() -> list[str]:
    return sorted({*globals(), *registry.names()})
