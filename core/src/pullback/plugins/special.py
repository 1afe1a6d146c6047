"""`xp.special`: the door through which a plugin offers the functions of `scipy.special`, differentiable.

SciPy looks there first: `scipy.special.erf(x)` calls `xp.special.erf(x)` if the namespace `xp` of `x` has it, and with it
come the statistics and windows that are built on these functions. The plugin is the entry point `special` of the group
`pullback.ops.v1`; what it names, a module for instance, has functions of Tensors under SciPy's names as its attributes.
It is loaded when a namespace is first asked for `special`.
"""

from __future__ import annotations

from typing import Any, Final

from pullback.plugins import discovery

NAME: Final = "special"
PACKAGE: Final = "pullback-special"
"""The distribution that offers them, unless another one does."""


def special() -> Any:
    """What the plugin offers. `AttributeError` that names the package if there is none, `PluginError` if it is broken."""
    candidates = [plugin for plugin in discovery.plugins(discovery.OPS) if plugin.name == NAME]
    usable = [plugin for plugin in candidates if plugin.state != "blocked"]
    if usable:
        return discovery.load(usable[0])
    blocked = "".join(f" ({plugin.owner} is {plugin.state}: {plugin.cause})" for plugin in candidates)
    raise AttributeError(
        f"the functions of scipy.special are offered by a plugin, and none is installed{blocked}: pip install {PACKAGE}",
        name=NAME,
    )
