"""PyTorch's ``torch.nn.functional``, whose functions hand out lucid.Tensor."""

import functools
from typing import Any

import torch
import torch.nn.functional as _functional

from lucid._tensor import Tensor, handed_out

# Arguments that no other library's tensor class hides among: those have a say of their own in what a function does.
_ORDINARY = frozenset({Tensor, torch.Tensor, torch.nn.Parameter, int, float, bool, str, type(None)})

__all__ = [name for name in dir(_functional) if not name.startswith("_") and callable(getattr(_functional, name))]


def __getattr__(name: str) -> Any:
    try:
        function = getattr(_functional, name)
    except AttributeError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
    if not callable(function) or isinstance(function, type):
        return function

    @functools.wraps(function)
    def handing_out(*args: Any, **kwargs: Any) -> Any:
        if not kwargs and _ORDINARY.issuperset(map(type, args)) and not torch.compiler.is_dynamo_compiling():
            with torch._C.DisableTorchFunctionSubclass():  # the same result without the detour by Tensor.__torch_function__
                out = function(*args)
            if type(out) is torch.Tensor and out is not args[0]:
                out.__class__ = Tensor
                return out
        else:
            out = function(*args, **kwargs)
        return out if type(out) is Tensor else handed_out(out)

    globals()[name] = handing_out
    return handing_out
