"""Lucid's schedules where other libraries expect their own.

    model.compile(optimizer=keras.optimizers.Adam(lucid.adapters.keras(Cosine(900), base=1e-3)))

Each adapter imports its library when it is asked for, and not before.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lucid.adapters import jax
    from lucid.adapters._keras import keras

__all__ = ["jax", "keras"]

_PLACES = {"jax": "", "keras": "lucid.adapters._keras"}


def __getattr__(name: str) -> object:
    place = _PLACES.get(name)
    if place is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(place), name) if place else import_module(f"{__name__}.{name}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
