"""Lucid designs the learning rate's trajectory on the time axis: ``value = schedule(t, base)``.

``lucid.schedules`` are the pure schedules, ``lucid.get`` finds them by name, ``lucid.compat`` speaks other libraries' names,
``lucid.adapters`` hands them to other libraries, ``lucid.recipe`` has presets. ``lucid.optim.lr_scheduler`` writes schedules
into an optimizer. The rest is PyTorch, with the device name "gpu": ``lucid.nn``, ``lucid.optim``, ``lucid.data``,
``lucid.Tensor``. Nothing of it is imported before it is asked for.
"""

from importlib import import_module

TYPE_CHECKING = False  # as typing's, whose import would take most of ours
if TYPE_CHECKING:
    from lucid import adapters, compat, data, nn, optim, recipes, schedules
    from lucid._checkpoint import Position, load_checkpoint, save_checkpoint
    from lucid._device import device
    from lucid._expression import parse
    from lucid._files import load, save
    from lucid._finder import LRFind, lr_find, lr_suggest
    from lucid._history import History
    from lucid._plot import plot
    from lucid._sweep import sweep
    from lucid._tensor import Tensor, tensor
    from lucid.recipes import advise, recipe
    from lucid.schedules import get

__version__ = "0.1.0"
__all__ = [
    "History",
    "LRFind",
    "Position",
    "Tensor",
    "adapters",
    "advise",
    "compat",
    "data",
    "device",
    "get",
    "load",
    "load_checkpoint",
    "lr_find",
    "lr_suggest",
    "nn",
    "optim",
    "parse",
    "plot",
    "recipe",
    "recipes",
    "save",
    "save_checkpoint",
    "schedules",
    "sweep",
    "tensor",
]

_PLACES = {
    "History": "lucid._history",
    "LRFind": "lucid._finder",
    "Position": "lucid._checkpoint",
    "Tensor": "lucid._tensor",
    "adapters": "",
    "advise": "lucid.recipes",
    "compat": "",
    "data": "",
    "device": "lucid._device",
    "get": "lucid.schedules",
    "load": "lucid._files",
    "load_checkpoint": "lucid._checkpoint",
    "lr_find": "lucid._finder",
    "lr_suggest": "lucid._finder",
    "nn": "",
    "optim": "",
    "parse": "lucid._expression",
    "plot": "lucid._plot",
    "recipe": "lucid.recipes",
    "recipes": "",
    "save": "lucid._files",
    "save_checkpoint": "lucid._checkpoint",
    "schedules": "",
    "sweep": "lucid._sweep",
    "tensor": "lucid._tensor",
}


def __getattr__(name: str) -> object:
    place = _PLACES.get(name)
    if place is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(place), name) if place else import_module(f"{__name__}.{name}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
