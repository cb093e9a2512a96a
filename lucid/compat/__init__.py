"""The schedules and schedulers of other libraries, by their own names and arguments, each a thin expression of the catalogue.

One module per library, whose names, orders and defaults are that library's, so that changing an import is all there is to do:

    from lucid.compat import optax  # instead of: import optax
    schedule = optax.warmup_cosine_decay_schedule(0.0, 1e-3, 1_000, 100_000)

What comes out is a Schedule like any other: it has JSON, it joins and multiplies, and it runs on every array library. A
module is imported when it is asked for, and the library that it is named after only where it is needed.
"""

from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType


def __getattr__(name: str) -> "ModuleType":
    if not name.startswith("_"):
        try:
            return import_module(f"{__name__}.{name}")
        except ModuleNotFoundError as error:
            if error.name != f"{__name__}.{name}":  # there is one, and what it needs is missing
                raise
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
