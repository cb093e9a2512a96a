"""PyTorch's layers, which know the device name "gpu" and hand out lucid.Tensor.

Every class of ``torch.nn`` is here under its own name, as a subclass of PyTorch's; nothing is computed here.
"""

from typing import TYPE_CHECKING, Any, Self

import torch.nn as _nn

from lucid._device import known, known_in
from lucid._tensor import Tensor, handed_out, plain
from lucid.nn import functional as functional

if TYPE_CHECKING:
    from torch.nn import *  # type: ignore[no-redef]  # noqa: F403

__all__ = [name for name in dir(_nn) if not name.startswith("_")]


class Module(_nn.Module):  # type: ignore[no-redef]
    """PyTorch's Module, which knows "gpu"."""

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """As PyTorch's; ``"gpu"`` is the accelerator at hand, and a RuntimeError where there is none."""
        args, kwargs = known_in(args, kwargs)
        return super().to(*args, **kwargs)

    def to_empty(self, *, device: Any, recurse: bool = True) -> Self:
        """As PyTorch's; ``"gpu"`` is the accelerator at hand."""
        return super().to_empty(device=known(device), recurse=recurse)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        out = super().__call__(*args, **kwargs)
        return out if type(out) is Tensor else handed_out(out)


class _ParameterMeta(type(_nn.Parameter)):  # type: ignore[misc]
    def __call__(cls, data: Any = None, requires_grad: bool = True) -> Any:
        return _nn.Parameter(plain(data) if isinstance(data, Tensor) else data, requires_grad)

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, _nn.Parameter)


class Parameter(_nn.Parameter, metaclass=_ParameterMeta):  # type: ignore[no-redef]
    """PyTorch's Parameter: what this makes is one, for optimizers are fast on exactly that type."""


def _ours(layer: type[_nn.Module]) -> type[_nn.Module]:
    """PyTorch's layer as a lucid.nn one."""

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        if "device" in kwargs:
            kwargs["device"] = known(kwargs["device"])
        layer.__init__(self, *args, **kwargs)
        for inner in self.modules():  # layers that PyTorch built inside know "gpu" too
            if type(inner).__module__.startswith("torch.nn."):
                inner.__class__ = _twin(type(inner))

    return type(
        layer.__name__,
        (layer, Module),
        {"__init__": init, "__module__": __name__, "__doc__": layer.__doc__, "__qualname__": layer.__name__},
    )


_twins: dict[type, type] = {_nn.Module: Module}


def _twin(layer: type[_nn.Module]) -> type[_nn.Module]:
    """The lucid.nn class of one of torch.nn's."""
    found = _twins.get(layer)
    if found is None:
        found = _twins[layer] = _ours(layer)
    return found


def _inner_layer(name: str) -> Any:
    """A layer that torch.nn uses inside without showing it: a pickled model may name one."""
    for module in vars(_nn.modules).values():
        layer = getattr(module, name, None)
        if isinstance(layer, type) and issubclass(layer, _nn.Module):
            return layer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __getattr__(name: str) -> Any:
    value = getattr(_nn, name) if hasattr(_nn, name) else _inner_layer(name)
    if isinstance(value, type) and issubclass(value, _nn.Module):
        value = _twin(value)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*__all__, *globals()})
