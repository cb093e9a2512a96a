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
    _as_schedule,
    aliases,
    get,
    names,
)
from lucid.schedules.constant import Absolute, Constant, Hold, Lambda
from lucid.schedules.cosine import Cosine
from lucid.schedules.cyclic import Cyclic
from lucid.schedules.decay import Decay
from lucid.schedules.exponential import Exponential, MultiStep, NaturalExp, Step
from lucid.schedules.inverse_power import InversePower, Noam, NoamHold
from lucid.schedules.linear import Linear
from lucid.schedules.one_cycle import OneCycle
from lucid.schedules.others import Adafactor, Eden, Noise, Proportion, RangeTest
from lucid.schedules.phases import WSD, WSDS, CosineRestarts, FlatCosine, RsqrtCooldown, SlantedTriangular, TriStage
from lucid.schedules.piecewise import Piecewise
from lucid.schedules.polynomial import Polynomial
from lucid.schedules.shapes import REX, Chebyshev, ChebyshevNodes, ExpHyperbolic, Hyperbolic, QuarterCosine, Tanh
from lucid.schedules.warmup import Warmup

__all__ = [
    "REX",
    "WSD",
    "WSDS",
    "Absolute",
    "Adafactor",
    "Chebyshev",
    "ChebyshevNodes",
    "Constant",
    "Continue",
    "Cosine",
    "CosineRestarts",
    "Cut",
    "Cyclic",
    "Decay",
    "Eden",
    "ExpHyperbolic",
    "Exponential",
    "FlatCosine",
    "Hold",
    "Hyperbolic",
    "InversePower",
    "Join",
    "KDecay",
    "Lambda",
    "Linear",
    "Maximum",
    "Minimum",
    "MultiStep",
    "NaturalExp",
    "Noam",
    "NoamHold",
    "Noise",
    "OneCycle",
    "Piecewise",
    "Polynomial",
    "Product",
    "Proportion",
    "QuarterCosine",
    "RangeTest",
    "Repeat",
    "RsqrtCooldown",
    "Scale",
    "Schedule",
    "Shift",
    "SlantedTriangular",
    "Step",
    "Stretch",
    "Sum",
    "Tanh",
    "TriStage",
    "Warmup",
    "aliases",
    "get",
    "json_schema",
    "maximum",
    "minimum",
    "names",
    "ops",
]


def maximum(first: Any, *others: Any) -> Schedule:
    """The largest of several schedules or absolute values at each time."""
    parts = tuple(map(_as_schedule, (first, *others)))
    return Maximum(parts) if others else parts[0]


def minimum(first: Any, *others: Any) -> Schedule:
    """The smallest of several schedules or absolute values at each time."""
    parts = tuple(map(_as_schedule, (first, *others)))
    return Minimum(parts) if others else parts[0]


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of configurations, made from the registry."""
    from lucid.schedules._schema import json_schema  # only for tools

    return json_schema()
