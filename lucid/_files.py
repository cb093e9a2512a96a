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

    Raises:
        ValueError: lists and dicts within each other, deeper than Python can follow.
        Exception: whatever ``torch.load`` raises of a file that is damaged, or that would run code.
    """
    loaded = torch.load(f, map_location=known(map_location), weights_only=weights_only, **options)
    try:
        return _handed_out(loaded, {})
    except RecursionError:
        raise ValueError("lucid.load: the file holds lists and dicts that are nested too deeply") from None


def _handed_out(value: Any, made: dict[int, Any]) -> Any:
    """``value`` with our tensors; what stands in several places, or within itself, does so then too."""
    if id(value) in made:
        return made[id(value)]
    if type(value) is dict:
        if value.keys() >= {"state", "param_groups"}:  # of an optimizer
            return value
        named: dict[Any, Any] = {}
        made[id(value)] = named
        named.update((key, _handed_out(item, made)) for key, item in value.items())
        return named
    if type(value) is list:
        listed: list[Any] = []
        made[id(value)] = listed
        listed.extend(_handed_out(item, made) for item in value)
        return listed
    return handed_out(value)
