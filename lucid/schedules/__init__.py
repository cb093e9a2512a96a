"""The catalogue: pure functions ``value = schedule(t, base)``, without any dependency."""

from lucid.schedules import _ops as ops
from lucid.schedules._schedule import Cut, Join, Product, Scale, Schedule
from lucid.schedules.constant import Constant, Lambda
from lucid.schedules.cosine import Cosine
from lucid.schedules.cyclic import Cyclic
from lucid.schedules.exponential import Exponential, MultiStep, Step
from lucid.schedules.inverse_sqrt import Noam
from lucid.schedules.linear import Linear

__all__ = [
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
    "Product",
    "Scale",
    "Schedule",
    "Step",
    "ops",
]
