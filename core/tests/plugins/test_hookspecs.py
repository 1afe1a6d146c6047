"""Hooks: what marks them, who knows them, and that every plugin has a manager of its own."""

from __future__ import annotations

import types
from typing import Any

from pullback.plugins import hookspecs


def plugin_with(**functions: Any) -> types.ModuleType:
    made = types.ModuleType("made")
    vars(made).update(functions)
    return made


@hookspecs.hookimpl
def pullback_register_ops(register: Any) -> None:
    register.append("plain")


@hookspecs.hookimpl(tryfirst=True, specname="pullback_register_ops")
def first(register: Any) -> None:
    register.append("first")


def test_the_mark_takes_the_options_of_pluggy() -> None:
    manager = hookspecs.manager()
    manager.register(plugin_with(pullback_register_ops=pullback_register_ops), "one")
    manager.register(plugin_with(first=first), "two")
    manager.check_pending()
    called: list[str] = []
    manager.hook.pullback_register_ops(register=called)
    assert called == ["first", "plain"]


def test_hooks_are_seen_whether_they_are_known_or_not() -> None:
    manager = hookspecs.manager()

    @hookspecs.hookimpl
    def pullback_registr_ops(register: Any) -> None:
        pass

    assert hookspecs.hooks_of(manager, plugin_with(a=pullback_registr_ops, b=print, c=3)) == ["a"]
    assert hookspecs.hooks_of(manager, plugin_with(swish=lambda x: x)) == []


def test_what_one_plugin_does_stays_in_its_manager() -> None:
    one, other = hookspecs.manager(), hookspecs.manager()
    one.register(plugin_with(pullback_register_ops=pullback_register_ops), "one")
    assert one.list_name_plugin()
    assert not other.list_name_plugin()
    assert not other.hook.pullback_register_ops.get_hookimpls()
