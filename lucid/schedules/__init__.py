"""The catalogue: pure functions ``value = schedule(t, base)``, without any dependency."""

from lucid.schedules import _ops as ops
from lucid.schedules._schedule import Cut, Join, Product, Repeat, Scale, Schedule, Shift
from lucid.schedules.constant import Absolute, Constant, Lambda
from lucid.schedules.cosine import Cosine
from lucid.schedules.cyclic import Cyclic
from lucid.schedules.exponential import Exponential, MultiStep, Step
from lucid.schedules.inverse_sqrt import Noam
from lucid.schedules.linear import Linear
from lucid.schedules.one_cycle import OneCycle
from lucid.schedules.polynomial import Polynomial

__all__ = [
    "Absolute",
    "Constant",
    "Cosine",
    "Cut",
    "Cyclic",
    "Exponential",
    "Join",
    "Lambda",
    "Linear",
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
    "ops",
]
