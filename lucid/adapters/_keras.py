"""A Lucid schedule as one of Keras'."""

from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from typing import Any

from lucid.schedules import Schedule
from lucid.schedules._numbers import number

_BACKENDS = ("torch", "jax", "numpy")


def keras(schedule: Schedule, base: float = 1.0) -> Any:
    r"""A ``keras.optimizers.schedules.LearningRateSchedule`` whose value at a step is ``schedule(step, base)``.

        from lucid.schedules import Cosine, Linear

        rate = lucid.adapters.keras(Linear(100) >> Cosine(900), base=1e-3)
        model.compile(optimizer=keras.optimizers.Adam(rate), loss="mse")

    ``rate(50)`` is 0.0005, ``rate(550)`` too, as tensors of Keras' backend: PyTorch, JAX or NumPy.

    A model saves it with its optimizer, as plain data. Before ``keras.models.load_model(...)`` in another program
    write ``from lucid.adapters import keras``, or anything that asks for it, so that Keras knows the class; and import the
    module of a schedule of your own.

    The formula is computed in 64 bits and rounded once, to Keras' ``floatx``. Two do not have 64 bits, JAX unless
    ``jax.config.update("jax_enable_x64", True)`` was called, and Apple's GPUs: there time and formula have 32, which tell
    steps apart up to 2**24, 16 777 216. Later steps count in twos, from 2**25 on in fours and so on, which moves a smooth
    schedule by a part in 10 million, and the edge of a stair by a step or two. Training for longer, enable 64 bits.

    Args:
        schedule: any Schedule, over steps: Keras counts batches (``optimizer.iterations``).
        base: the base rate, >= 0, that a parameter group would have; schedules with absolute values ignore it.

    Raises:
        TypeError: ``schedule`` is no Schedule, ``base`` no number.
        ValueError: ``base`` is not finite or below 0. When the model is saved: the schedule holds a function, which no file
            can. When it is loaded: whatever :meth:`Schedule.from_dict` refuses.
        NotImplementedError: Keras runs on another backend.
        ImportError: Keras is not installed.
    """
    return _adapter()(schedule, base)


@cache
def _adapter() -> Any:
    """The class, which is registered with Keras once."""
    import keras as library  # type: ignore[import-not-found,import-untyped,unused-ignore]

    backend = library.backend.backend()  # fixed with the first import

    class KerasSchedule(library.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc,name-defined,unused-ignore]
        """What lucid.adapters.keras() gives."""

        def __init__(self, schedule: Schedule, base: float = 1.0) -> None:
            super().__init__()
            if not isinstance(schedule, Schedule):
                raise TypeError(f"keras: schedule must be a Schedule, got {schedule!r}; a function goes in as Lambda(fn)")
            if backend not in _BACKENDS:
                raise NotImplementedError(f"keras: the backend must be one of {_BACKENDS}, got {backend!r}; set KERAS_BACKEND")
            self.schedule = schedule
            self.base = number("keras", "base", base, ">= 0")

        def __call__(self, step: Any) -> Any:
            step = library.ops.convert_to_tensor(step)
            widest = "float64" if _has_64_bits(backend, step) else "float32"
            value = self.schedule(library.ops.cast(step, widest), self.base)
            # Not in 16 bits, where a rate of 1e-8 is 0 and step 2049 is 2048.
            return library.ops.cast(value, widest if library.config.floatx() == "float64" else "float32")

        def __repr__(self) -> str:
            return f"lucid.adapters.keras({self.schedule!r}, base={self.base!r})"

        def __reduce__(self) -> Any:
            return keras, (self.schedule, self.base)

        def get_config(self) -> dict[str, Any]:
            return {"schedule": self.schedule.to_dict(), "base": self.base}

        @classmethod
        def from_config(cls, config: Any) -> Any:
            if not isinstance(config, Mapping) or config.keys() != {"schedule", "base"}:
                raise ValueError(f"keras: the configuration must have 'schedule' and 'base', got {config!r}")
            try:
                return cls(Schedule.from_dict(config["schedule"]), config["base"])
            except TypeError as error:
                raise ValueError(str(error)) from error

    KerasSchedule.__module__ = __name__
    KerasSchedule.__qualname__ = "KerasSchedule"
    return library.saving.register_keras_serializable(package="lucid")(KerasSchedule)


def _has_64_bits(backend: str, step: Any) -> bool:
    if backend == "jax":
        import jax

        return bool(jax.dtypes.canonicalize_dtype("float64") == "float64")
    return getattr(getattr(step, "device", None), "type", None) != "mps"


with suppress(ImportError):  # so that load_model() finds it
    _adapter()
