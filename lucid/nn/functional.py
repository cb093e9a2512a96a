"""PyTorch's ``torch.nn.functional``, whose functions hand out lucid.Tensor."""

import functools
from typing import TYPE_CHECKING, Any

import torch.nn.functional as _functional

from lucid._tensor import Tensor, handed_out

if TYPE_CHECKING:
    from torch.nn.functional import *  # noqa: F403

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
        out = function(*args, **kwargs)
        return out if type(out) is Tensor else handed_out(out)

    globals()[name] = handing_out
    return handing_out
