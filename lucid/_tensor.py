"""lucid.Tensor: PyTorch's tensor that knows "gpu" and can wait for its value."""

from collections.abc import Callable
from multiprocessing.reduction import ForkingPickler
from typing import Any, Self

import torch
from torch.multiprocessing.reductions import reduce_tensor

from lucid._device import known, known_in


class Tensor(torch.Tensor):
    """A ``torch.Tensor`` with two additions: ``to("gpu")``, and ``eval()``.

    What an operation on it gives is one again. It is saved as a plain tensor, so files need no Lucid to be read.
    """

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """As PyTorch's; ``"gpu"`` is the accelerator at hand, and a RuntimeError where there is none."""
        args, kwargs = known_in(args, kwargs)
        with torch._C.DisableTorchFunctionSubclass():  # the detour below, which wraps results, is wrapped here at once
            moved = super().to(*args, **kwargs)
        return self if moved is self else moved.as_subclass(type(self))

    def eval(self) -> Self:
        """This tensor, once its value is computed: waits for the device, and not at all on a CPU."""
        with torch._C.DisableTorchFunctionSubclass():
            device = self.device
        if device.type != "cpu":
            torch.accelerator.synchronize(device)
        return self

    def new_empty(self, *args: Any, **kwargs: Any) -> Self:
        """As PyTorch's, whose deepcopy asks a subclass for it."""
        return super().new_empty(*args, **kwargs).as_subclass(type(self))

    @classmethod
    def __torch_function__(
        cls, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        with torch._C.DisableTorchFunctionSubclass():
            result = func(*args, **kwargs) if kwargs else func(*args)
        if type(result) is torch.Tensor:
            if torch.compiler.is_dynamo_compiling():
                return result.as_subclass(Tensor)
            result.__class__ = Tensor  # as_subclass would add a node to the graph behind every operation
            return result
        return handed_out(result) if isinstance(result, (tuple, list)) else result

    def __reduce_ex__(self, protocol: Any) -> Any:
        return plain(self).__reduce_ex__(protocol)  # type: ignore[no-untyped-call]


ForkingPickler.register(Tensor, reduce_tensor)  # workers hand tensors over by shared memory, as PyTorch's do


def plain(value: torch.Tensor) -> torch.Tensor:
    """The same tensor without Lucid's additions."""
    with torch._C.DisableTorchFunctionSubclass():
        return value.as_subclass(torch.Tensor) if type(value) is Tensor else value


def handed_out(value: Any) -> Any:
    """``value`` with every plain tensor in it, in tuples, lists and dicts too, as lucid.Tensor."""
    kind = type(value)
    if kind is torch.Tensor:
        return value.as_subclass(Tensor)
    if kind is tuple or kind is list or kind.__module__ == "torch.return_types":  # as max(dim=...) returns
        return kind(handed_out(item) for item in value)
    if kind is dict:
        return {key: handed_out(item) for key, item in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return kind(*(handed_out(item) for item in value))
    return value


def tensor(data: Any, *, requires_grad: bool = False, device: Any = None, **options: Any) -> Tensor:
    """A lucid.Tensor with a copy of ``data``; arguments as ``torch.tensor``'s, and ``device="gpu"``.

    Example:
        >>> tensor([1.0, 2.0]).eval().sum()
        Tensor(3.)
    """
    made = torch.tensor(data, device=known(device), **options).as_subclass(Tensor)
    made.requires_grad_(requires_grad)
    return made
