"""JAX: a schedule is a function of JAX arrays as it is; this is for what 32 bits cannot hold, or JAX cannot trace."""

from collections.abc import Callable
from typing import Any

__all__ = ["on_host"]


def on_host(schedule: Callable[..., Any], base: float = 1.0) -> Callable[[Any], Any]:
    """The schedule as a function of the count that Python computes, in 64 bits, while a compiled program waits for it.

    It is exact at every count, where single floats have 24 bits for time, and takes schedules with Python functions inside,
    which JAX cannot trace. It costs a call out of the program for each evaluation, and it has no gradient.

    Args:
        schedule: a Schedule, or any function ``schedule(t, base)`` of Python numbers.
        base: the base that it is evaluated at.

    Raises:
        TypeError: ``schedule`` is not callable.

    Example:
        >>> import jax
        >>> from lucid.schedules import Lambda
        >>> parity = Lambda(lambda t: 0.5 if t % 2 else 1.0)  # an if on t, which JAX refuses
        >>> rate = jax.jit(on_host(parity, base=0.5))
        >>> float(rate(2**30)), float(rate(2**30 + 1))
        (0.5, 0.25)
    """
    if not callable(schedule):
        raise TypeError(f"on_host: schedule must be callable, got {schedule!r}")

    def rate(count: Any) -> Any:
        import jax
        import numpy as np

        kind = jax.numpy.result_type(float)  # 64 bits where JAX has them

        def compute(counts: Any) -> Any:
            counts = np.asarray(counts)
            values = [schedule(t, base) for t in counts.ravel().tolist()]
            return np.asarray(values, dtype=kind).reshape(counts.shape)

        described: Any = jax.ShapeDtypeStruct
        result = described(jax.numpy.shape(count), kind)
        return jax.pure_callback(compute, result, count, vmap_method="expand_dims")

    return rate
