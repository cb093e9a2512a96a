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

    ``map_location="gpu"`` is the accelerator at hand; tensors at the top, in lists and in dicts come as lucid.Tensor.
    """
    return handed_out(torch.load(f, map_location=known(map_location), weights_only=weights_only, **options))
