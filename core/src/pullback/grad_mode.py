"""Whether operations are recorded: `no_grad`, `enable_grad`, `set_grad_enabled`, `inference_mode`.

The mode is a ContextVar: another thread starts enabled, an asyncio task inherits a copy, nothing leaks back, and an
exception restores it. Each mode is a context manager and a decorator for functions, generators and coroutines.
"""

from __future__ import annotations

import functools
from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, ParamSpec, Protocol, Self, TypeAlias, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


class _Inference:
    """The mode inside `inference_mode`: as good as False, and `enable_grad` cannot change it."""

    def __bool__(self) -> bool:
        return False


class Observer(Protocol):
    """Somebody who wants to see every node that is recorded."""

    def recorded(self, node: Any, result: Any) -> None:
        """A node was made; `result` is the raw array that its op returned, or several."""


class Observed:
    """The mode where operations are recorded and observers look on: as good as True. The innermost looks first."""

    def __init__(self, observers: tuple[Observer, ...]) -> None:
        self.observers = observers

    def recorded(self, node: Any, result: Any) -> None:
        """Show a new node to all observers."""
        for observer in self.observers:
            observer.recorded(node, result)


Recording: TypeAlias = bool | _Inference | Observed

_INFERENCE: Final = _Inference()
_observed: ContextVar[Observed | None] = ContextVar("pullback_observed", default=None)
_mode: ContextVar[Any] = ContextVar("pullback_grad_mode", default=True)
_outer: ContextVar[Any] = ContextVar(
    "pullback_outer_grad_modes", default=()
)  # (the mode before, (the one before, ...))

recording: Final = _mode.get
"""Whether operations are recorded here, as a truth value: what every operation asks. True itself if nobody observes."""


def _on() -> Recording:
    """The mode in which operations are recorded."""
    return _observed.get() or True


@contextmanager
def observing(observer: Observer) -> Iterator[None]:
    """Show every node that is recorded inside, in this thread or task, to an observer."""
    outer = _observed.get()
    now = Observed((observer, *(outer.observers if outer else ())))
    _observed.set(now)
    if _mode.get() is (outer or True):
        _mode.set(now)
    try:
        yield
    finally:
        _observed.set(outer)
        if _mode.get() is now:
            _mode.set(outer or True)


@contextmanager
def unobserved() -> Iterator[None]:
    """Nobody observes what is recorded inside."""
    outer, mode = _observed.get(), _mode.get()
    _observed.set(None)
    if mode is outer:
        _mode.set(True)
    try:
        yield
    finally:
        _observed.set(outer)
        _mode.set(mode)


def is_grad_enabled() -> bool:
    """Whether operations are recorded here.

    >>> import pullback as pb
    >>> pb.is_grad_enabled()
    True
    """
    return bool(_mode.get())


def is_inference_mode_enabled() -> bool:
    """Whether this runs inside `inference_mode`.

    >>> import pullback as pb
    >>> pb.is_inference_mode_enabled()
    False
    """
    return _mode.get() is _INFERENCE


class _Mode:
    """A mode to set on entry; the one before comes back on exit, whatever happened."""

    mode: Recording = False

    def __enter__(self) -> Self:
        before = _mode.get()
        _outer.set((before, _outer.get()))
        if before is not _INFERENCE:
            mode = self.mode
            _mode.set(_on() if mode is True else mode)
        return self

    def __exit__(self, *exc_info: object) -> None:
        before, outer = _outer.get()
        _outer.set(outer)
        _mode.set(before)

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        return _decorate(function, self)


def _decorate(function: Callable[..., Any], mode: _Mode) -> Callable[..., Any]:
    """Run `function` in `mode`; a generator is in the mode while it runs, not while it is suspended."""
    import inspect  # noqa: PLC0415  8 ms that `import pullback` does not pay

    if inspect.isasyncgenfunction(function):

        @functools.wraps(function)
        async def async_generator(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
            inner = function(*args, **kwargs)
            step: Callable[[], Any] = functools.partial(anext, inner)
            try:
                while True:
                    try:
                        with mode:
                            item = await step()
                    except StopAsyncIteration:
                        return
                    try:
                        sent = yield item
                        step = functools.partial(inner.asend, sent)
                    except Exception as error:  # noqa: BLE001  thrown in by the consumer: hand it to the generator
                        step = functools.partial(inner.athrow, error)
            finally:
                with mode:
                    await inner.aclose()

        return async_generator
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def coroutine(*args: Any, **kwargs: Any) -> Any:
            with mode:  # a ContextVar set inside a task is seen by no other task
                return await function(*args, **kwargs)

        return coroutine
    if inspect.isgeneratorfunction(function):

        @functools.wraps(function)
        def generator(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
            inner = function(*args, **kwargs)
            step: Callable[[], Any] = functools.partial(next, inner)
            while True:
                try:
                    with mode:
                        item = step()
                except StopIteration as stop:
                    return stop.value
                try:
                    sent = yield item
                    step = functools.partial(inner.send, sent)
                except GeneratorExit:
                    with mode:
                        inner.close()
                    raise
                except BaseException as error:  # noqa: BLE001  thrown in by the consumer: hand it to the generator
                    step = functools.partial(inner.throw, error)

        return generator

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        with mode:
            return function(*args, **kwargs)

    return call


class _Switch(_Mode):
    """A mode without arguments: `@no_grad` works as `@no_grad()` does. It keeps nothing, so one object will do."""

    _only: Any = None

    def __new__(cls, function: Callable[..., Any] | None = None) -> Any:
        mode = cls._only
        if type(mode) is not cls:
            mode = cls._only = super().__new__(cls)
        return mode if function is None else _decorate(function, mode)


class no_grad(_Switch):  # noqa: N801  PyTorch's name
    """Context manager and decorator: operations inside are not recorded.

    >>> import pullback as pb
    >>> x = pb.tensor([2.0], requires_grad=True)
    >>> with pb.no_grad():
    ...     y = x * 3
    >>> y.requires_grad
    False
    """

    mode = False


class enable_grad(_Switch):  # noqa: N801  PyTorch's name
    """Context manager and decorator: operations inside are recorded, also within `no_grad`.

    >>> import pullback as pb
    >>> x = pb.tensor([2.0], requires_grad=True)
    >>> with pb.no_grad(), pb.enable_grad():
    ...     y = x * 3
    >>> y.requires_grad
    True
    """

    mode = True


class inference_mode(_Mode):  # noqa: N801  PyTorch's name
    """Context manager and decorator: like `no_grad`, and `enable_grad` inside it has no effect.

    >>> import pullback as pb
    >>> with pb.inference_mode(), pb.enable_grad():
    ...     pb.is_grad_enabled()
    False
    """

    def __new__(cls, mode: Any = True) -> Any:
        self = super().__new__(cls)
        if callable(mode):
            self.mode = _INFERENCE
            return _decorate(mode, self)
        self.mode = _INFERENCE if mode else True
        return self


class set_grad_enabled(_Mode):  # noqa: N801  PyTorch's name
    """Set recording to `mode` at once; as a context manager or decorator, restore it afterwards.

    >>> import pullback as pb
    >>> with pb.set_grad_enabled(False):
    ...     pb.is_grad_enabled()
    False
    >>> pb.is_grad_enabled()
    True
    """

    def __init__(self, mode: bool) -> None:
        self._before = _mode.get()
        self.mode = self._before if self._before is _INFERENCE else bool(mode)
        _mode.set(_on() if self.mode else self.mode)

    def __enter__(self) -> Self:
        _mode.set(self._before)  # the exit restores what held before the call
        return super().__enter__()

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        _mode.set(self._before)  # used as a decorator: nothing to set outside the function
        return super().__call__(function)
