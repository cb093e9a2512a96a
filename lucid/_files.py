"""PyTorch's save and load, safe by default."""

from typing import Any

import torch

from lucid._device import known
from lucid._tensor import handed_out


def save(obj: Any, f: Any, **options: Any) -> None:
    """``torch.save``: tensors are written as plain ones, readable without Lucid."""
    torch.save(obj, f, **options)


def load(f: Any, map_location: Any = None, *, weights_only: bool = True, **options: Any) -> Any:
    """``torch.load`` with ``weights_only=True`` unless told otherwise, so that no file runs code.

    ``map_location="gpu"`` is the accelerator at hand. Tensors, in lists and dicts too, come as lucid.Tensor; in the state of
    an optimizer they stay PyTorch's own, on which optimizers are fast.
    """
    return _handed_out(torch.load(f, map_location=known(map_location), weights_only=weights_only, **options))


def _handed_out(value: Any) -> Any:
    if type(value) is dict:
        of_optimizer = value.keys() >= {"state", "param_groups"}
        return value if of_optimizer else {key: _handed_out(item) for key, item in value.items()}
    return [_handed_out(item) for item in value] if type(value) is list else handed_out(value)
