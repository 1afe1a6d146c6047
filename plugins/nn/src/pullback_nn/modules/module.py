"""Module: parameters, buffers and modules as attributes, and what follows from that they can be found by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, Self

import pullback as pb
from pullback.errors import ArgumentError, DTypeError, PullbackError

from pullback_nn.modules.parameter import Buffer, Parameter


class StateError(PullbackError, RuntimeError, KeyError):
    """A state that does not fit a Module. Nothing of it was loaded."""

    __str__ = Exception.__str__  # KeyError would quote it


class LoadResult(NamedTuple):
    """What `load_state_dict` left out."""

    missing_keys: list[str]
    unexpected_keys: list[str]


class Module:
    """Base of every layer and model. Subclasses call `super().__init__()` first, and override `forward`.

    >>> import pullback as pb, pullback_nn as nn
    >>> class Net(nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.hidden = nn.Linear(2, 3)
    ...         self.scale = nn.Parameter(pb.ones(3))
    ...     def forward(self, x):
    ...         return self.scale * self.hidden(x)
    >>> net = Net()
    >>> [(name, p.shape) for name, p in net.named_parameters()]
    [('scale', (3,)), ('hidden.weight', (3, 2)), ('hidden.bias', (3,))]
    >>> net(pb.ones(4, 2)).shape
    (4, 3)
    """

    training: bool

    def __init__(self) -> None:
        vars(self).update(
            training=True, _parameters={}, _buffers={}, _modules={}, _transient=set(), _hooks={}, _before={}
        )

    # --- calling -----------------------------------------------------------------------------------------------------

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What calling the module computes. *Override.*"""
        raise NotImplementedError(f"{type(self).__name__}: define forward(self, ...)")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if not self._hooks and not self._before:
            return self.forward(*args, **kwargs)
        for hook in list(self._before.values()):
            changed = hook(self, args)
            if changed is not None:
                args = changed if isinstance(changed, tuple) else (changed,)
        out = self.forward(*args, **kwargs)
        for hook in list(self._hooks.values()):
            changed = hook(self, args, out)
            out = out if changed is None else changed
        return out

    def register_forward_hook(self, hook: Callable[..., Any]) -> HookHandle:
        """Call `hook(module, args, out)` after each forward; what it returns, if anything, replaces the result."""
        return HookHandle(self._hooks, hook)

    def register_forward_pre_hook(self, hook: Callable[..., Any]) -> HookHandle:
        """Call `hook(module, args)` before each forward; what it returns, if anything, replaces the arguments."""
        return HookHandle(self._before, hook)

    # --- attributes --------------------------------------------------------------------------------------------------

    def _places(self, name: str) -> dict[str, Any]:
        """The dictionaries of parameters, buffers and modules; an error if `__init__` of Module did not run."""
        try:
            return {kind: vars(self)[kind] for kind in ("_parameters", "_buffers", "_modules")}
        except KeyError:
            raise AttributeError(
                f"{type(self).__name__}: call super().__init__() before the assignment of {name!r}"
            ) from None

    def __setattr__(self, name: str, value: Any) -> None:
        kind = "_parameters" if isinstance(value, Parameter) else "_modules" if isinstance(value, Module) else ""
        if isinstance(value, Buffer):
            self.register_buffer(name, value.data, persistent=value.persistent)
            return
        if kind:
            if name not in self._places(name)[kind]:  # else it keeps its turn
                self._forget(name)
            vars(self)[kind][name] = value
            return
        own = vars(self)
        for place in ("_parameters", "_buffers", "_modules"):
            if name in own.get(place, ()):
                self._replace(place, name, value)
                return
        object.__setattr__(self, name, value)

    def _replace(self, place: str, name: str, value: Any) -> None:
        wanted = {"_parameters": "a Parameter", "_buffers": "a Tensor", "_modules": "a Module"}[place]
        if value is not None and not (place == "_buffers" and isinstance(value, pb.Tensor)):
            raise ArgumentError(
                f"{type(self).__name__}.{name} holds {wanted} or None, got {type(value).__name__}"
                + ("; write nn.Parameter(...) around it" if place == "_parameters" else "")
            )
        vars(self)[place][name] = value

    def _forget(self, name: str) -> None:
        vars(self).pop(name, None)
        for place in self._places(name).values():
            place.pop(name, None)
        self._transient.discard(name)

    def __getattr__(self, name: str) -> Any:
        own = self.__dict__
        for place in ("_parameters", "_modules", "_buffers"):
            if place in own and name in (found := own[place]):
                return found[name]
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}", name=name, obj=self)

    def __delattr__(self, name: str) -> None:
        if any(name in place for place in self._places(name).values()):
            self._forget(name)
        else:
            object.__delattr__(self, name)

    def __dir__(self) -> list[str]:
        own = (name for place in self._places("").values() for name in place)
        return sorted({*object.__dir__(self), *own})

    def register_parameter(self, name: str, param: Any) -> None:
        """The Parameter, or None, under a name."""
        if param is not None and not isinstance(param, Parameter):
            raise ArgumentError(f"register_parameter: {name!r} must be a Parameter or None, got {type(param).__name__}")
        self._register("_parameters", name, param)

    def register_buffer(self, name: str, tensor: Any, persistent: bool = True) -> None:
        """The Tensor, or None, under a name: state that is no parameter. `persistent`: it is in `state_dict()`."""
        if tensor is not None and not isinstance(tensor, pb.Tensor):
            raise ArgumentError(f"register_buffer: {name!r} must be a Tensor or None, got {type(tensor).__name__}")
        self._register("_buffers", name, tensor)
        if not persistent:
            self._transient.add(name)

    def add_module(self, name: str, module: Any) -> None:
        """The Module, or None, under a name."""
        if module is not None and not isinstance(module, Module):
            raise ArgumentError(f"add_module: {name!r} must be a Module or None, got {type(module).__name__}")
        self._register("_modules", name, module)

    register_module = add_module

    def _register(self, place: str, name: str, value: Any) -> None:
        if not isinstance(name, str) or not name or "." in name:
            raise ArgumentError(
                f"{type(self).__name__}: the name of a part must have no dot and not be empty, got {name!r}"
            )
        taken = hasattr(self, name) and not any(name in found for found in self._places(name).values())
        if taken:
            raise ArgumentError(f"{type(self).__name__} has an attribute {name!r} already; take another name")
        if name not in vars(self)[place]:  # else it keeps its turn
            self._forget(name)
        vars(self)[place][name] = value

    # --- what is inside ----------------------------------------------------------------------------------------------

    def named_modules(self, memo: set[int] | None = None, prefix: str = "") -> Iterator[tuple[str, Module]]:
        """This module and all inside of it, each once, with their names: "", "features", "features.0", ..."""
        memo = set() if memo is None else memo
        if id(self) in memo:
            return
        memo.add(id(self))
        yield prefix, self
        for name, module in self._modules.items():
            if module is not None:
                yield from module.named_modules(memo, f"{prefix}.{name}" if prefix else name)

    def modules(self) -> Iterator[Module]:
        """This module and all inside of it, each once."""
        return (module for _, module in self.named_modules())

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules that are attributes of this one, with their names."""
        seen = set()
        for name, module in self._modules.items():
            if module is not None and id(module) not in seen:
                seen.add(id(module))
                yield name, module

    def children(self) -> Iterator[Module]:
        """The modules that are attributes of this one."""
        return (module for _, module in self.named_children())

    def _named(self, place: str, prefix: str, recurse: bool) -> Iterator[tuple[str, Any]]:
        seen = set()
        for path, module in self.named_modules(prefix=prefix) if recurse else ((prefix, self),):
            for name, x in vars(module)[place].items():
                if x is not None and id(x) not in seen:
                    seen.add(id(x))
                    yield f"{path}.{name}" if path else name, x

    def named_parameters(self, prefix: str = "", recurse: bool = True) -> Iterator[tuple[str, Parameter]]:
        """All parameters, each once, with their names."""
        return self._named("_parameters", prefix, recurse)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """All parameters, each once: what an optimiser takes."""
        return (parameter for _, parameter in self.named_parameters(recurse=recurse))

    def named_buffers(self, prefix: str = "", recurse: bool = True) -> Iterator[tuple[str, pb.Tensor]]:
        """All buffers, each once, with their names."""
        return self._named("_buffers", prefix, recurse)

    def buffers(self, recurse: bool = True) -> Iterator[pb.Tensor]:
        """All buffers, each once."""
        return (buffer for _, buffer in self.named_buffers(recurse=recurse))

    def get_submodule(self, target: str) -> Module:
        """The module with a name such as "features.0"; `AttributeError` if there is none."""
        module: Any = self
        for name in target.split(".") if target else ():
            if name not in module._modules:
                raise AttributeError(
                    f"{type(module).__name__} has no module {name!r} (of {target!r})", name=name, obj=self
                )
            module = module._modules[name]
        return module  # type: ignore[no-any-return]

    def get_parameter(self, target: str) -> Parameter:
        """The parameter with a name such as "features.0.weight"; `AttributeError` if there is none."""
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        if module._parameters.get(name) is None:
            raise AttributeError(
                f"{type(module).__name__} has no parameter {name!r} (of {target!r})", name=name, obj=self
            )
        return module._parameters[name]  # type: ignore[no-any-return]

    # --- what happens to all of it -----------------------------------------------------------------------------------

    def apply(self, fn: Callable[[Module], Any]) -> Self:
        """Call `fn(module)` for all modules inside, and last for this one; returns it."""
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    def train(self, mode: bool = True) -> Self:
        """Set `training` here and inside: dropout drops, batch norm takes the numbers of the batch. Returns the module."""
        if not isinstance(mode, bool):
            raise ArgumentError(f"train: mode must be True or False, got {mode!r}")
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """`train(False)`."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Have all parameters require gradients, or not."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters, or set them to zeros."""
        for parameter in self.parameters():
            if parameter.grad is not None:
                parameter.grad = None if set_to_none else pb.zeros_like(parameter.grad)

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Move all parameters and buffers to a device, a dtype or both, as `Tensor.to`; integers keep their dtype."""
        probe = pb.zeros(()).to(*args, **kwargs)
        if not probe.dtype.differentiable:
            raise DTypeError(f"{type(self).__name__}.to: a floating or complex dtype is needed, got {probe.dtype.name}")
        moves = _names_device(args, kwargs)

        def convert(x: Any) -> Any:
            if x.dtype.differentiable:
                return x.to(*args, **kwargs)
            return x.to(probe.device) if moves else x

        return self._convert(convert)

    def _convert(self, convert: Callable[[Any], Any]) -> Self:
        """Replace the values of all parameters, gradients and buffers. First all are made, then all are replaced."""
        parameters = list(self.parameters())
        with pb.no_grad():
            made = [(p, convert(p.detach()), None if p.grad is None else convert(p.grad.detach())) for p in parameters]
            buffers = {id(b): convert(b.detach()) for b in self.buffers()}
        for parameter, value, grad in made:
            parameter.grad = None
            parameter.data = value
            parameter.grad = grad
        for module in self.modules():
            for name, buffer in module._buffers.items():
                if buffer is not None:
                    module._buffers[name] = buffers[id(buffer)]
        return self

    def float(self) -> Self:
        """float32 everywhere."""
        return self.to(pb.float32)

    def double(self) -> Self:
        """float64 everywhere."""
        return self.to(pb.float64)

    def cpu(self) -> Self:
        """To the host."""
        return self.to("cpu")

    def cuda(self, device: int | None = None) -> Self:
        """To a GPU."""
        return self.to("cuda" if device is None else f"cuda:{device}")

    # --- state -------------------------------------------------------------------------------------------------------

    def _state(self, prefix: str = "") -> Iterator[tuple[str, Any]]:
        """The parameters and persistent buffers with their names, as they are; shared ones under each of their names."""
        for name, x in (*self._parameters.items(), *self._buffers.items()):
            if x is not None and name not in self._transient:
                yield prefix + name, x
        for name, module in self._modules.items():
            if module is not None:
                yield from module._state(f"{prefix}{name}.")

    def state_dict(self, *, prefix: str = "") -> dict[str, Any]:
        """The values of all parameters and persistent buffers, by name. They share memory with the module.

        >>> import pullback_nn as nn
        >>> list(nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)).state_dict())[:3]
        ['0.weight', '0.bias', '1.weight']
        """
        return {name: x.detach() for name, x in self._state(prefix)}

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True) -> LoadResult:
        """Copy values into the parameters and buffers of these names; dtype and device stay those of the module.

        Raises `StateError`, and changes nothing, if a shape does not fit, or, when `strict`, if a key is missing or
        unexpected. Returns which ones were.

        >>> import pullback as pb, pullback_nn as nn
        >>> nn.Linear(1, 1).load_state_dict({"weight": pb.ones(1, 1)})
        Traceback (most recent call last):
        pullback_nn.modules.module.StateError: Linear.load_state_dict: the state does not fit, and nothing was loaded:
          missing: bias
        """
        if not isinstance(state_dict, Mapping):
            raise ArgumentError(
                f"load_state_dict: a mapping of names to Tensors is needed, got {type(state_dict).__name__}"
            )
        own = dict(self._state())
        missing = [name for name in own if name not in state_dict]
        unexpected = [name for name in state_dict if name not in own]
        problems = []
        if strict and missing:
            problems.append(f"missing: {', '.join(missing)}")
        if strict and unexpected:
            problems.append(f"unexpected: {', '.join(unexpected)}")
        given = {name: state_dict[name] for name in own if name in state_dict}
        problems += [problem for name, value in given.items() if (problem := _misfit(name, own[name], value))]
        if problems:
            raise StateError(
                f"{type(self).__name__}.load_state_dict: the state does not fit, and nothing was loaded:\n  "
                + "\n  ".join(problems)
            )
        with pb.no_grad():
            made = [
                (own[name], value.detach().to(own[name].device).to(own[name].dtype)) for name, value in given.items()
            ]
            for x, value in made:
                x.copy_(value)
        return LoadResult(missing, unexpected)

    # --- printing ----------------------------------------------------------------------------------------------------

    def extra_repr(self) -> str:
        """What stands in the brackets of the repr. *Override.*"""
        return ""

    def __repr__(self) -> str:
        lines = [f"({name}): {repr(module).replace(chr(10), chr(10) + '  ')}" for name, module in self._modules.items()]
        head, extra = type(self).__name__, self.extra_repr()
        if not lines:
            return f"{head}({extra})"
        return "\n  ".join([f"{head}({extra}", *lines]) + "\n)"


def _names_device(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether the arguments of `to` name a device."""
    named = any(kwargs.get(name) is not None for name in ("device", "backend"))
    return named or any(isinstance(arg, (str, pb.Device, pb.Tensor)) for arg in args)


def _misfit(name: str, own: Any, value: Any) -> str:
    if not isinstance(value, pb.Tensor):
        return f"{name}: a Tensor is needed, got {type(value).__module__}.{type(value).__qualname__}; write pb.asarray(...)"
    if value.shape != own.shape:
        return f"{name}: the module has shape {own.shape}, the state {value.shape}"
    if value.dtype.is_complex and not own.dtype.is_complex:
        return f"{name}: the module is {own.dtype.name}, the state {value.dtype.name}"
    return ""


class HookHandle:
    """Where a hook is registered: `remove()` takes it away."""

    def __init__(self, place: dict[int, Any], hook: Callable[..., Any]) -> None:
        self._place = place
        place[id(self)] = hook

    def remove(self) -> None:
        """Take the hook away."""
        self._place.pop(id(self), None)
