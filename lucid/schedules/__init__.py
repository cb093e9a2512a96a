"""The catalogue: pure functions ``value = schedule(t, base)``, without any dependency."""

from typing import Any

from lucid.schedules import _ops as ops
from lucid.schedules._schedule import (
    Continue,
    Cut,
    Join,
    KDecay,
    Maximum,
    Minimum,
    Product,
    Repeat,
    Scale,
    Schedule,
    Shift,
    Stretch,
    Sum,
    aliases,
    get,
    names,
)
from lucid.schedules.constant import Absolute, Constant, Lambda
from lucid.schedules.cosine import Cosine
from lucid.schedules.cyclic import Cyclic
from lucid.schedules.decay import Decay
from lucid.schedules.exponential import Exponential, MultiStep, Step
from lucid.schedules.inverse_sqrt import Noam
from lucid.schedules.linear import Linear
from lucid.schedules.one_cycle import OneCycle
from lucid.schedules.polynomial import Polynomial
from lucid.schedules.warmup import Warmup

__all__ = [
    "Absolute",
    "Constant",
    "Continue",
    "Cosine",
    "Cut",
    "Cyclic",
    "Decay",
    "Exponential",
    "Join",
    "KDecay",
    "Lambda",
    "Linear",
    "Maximum",
    "Minimum",
    "MultiStep",
    "Noam",
    "OneCycle",
    "Polynomial",
    "Product",
    "Repeat",
    "Scale",
    "Schedule",
    "Shift",
    "Step",
    "Stretch",
    "Sum",
    "Warmup",
    "aliases",
    "get",
    "json_schema",
    "maximum",
    "minimum",
    "names",
    "ops",
]


def maximum(first: Schedule, *others: Any) -> Schedule:
    """The largest of several schedules or absolute values at each time."""
    for other in others:
        first = first.maximum(other)
    return first


def minimum(first: Schedule, *others: Any) -> Schedule:
    """The smallest of several schedules or absolute values at each time."""
    for other in others:
        first = first.minimum(other)
    return first


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of configurations, made from the registry."""
    from lucid.schedules._schema import json_schema  # only for tools

    return json_schema()
