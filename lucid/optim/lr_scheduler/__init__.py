"""Schedulers that are a drop-in for ``torch.optim.lr_scheduler``, and LRScheduler for any Schedule."""

from lucid.optim.lr_scheduler._base import LRScheduler
from lucid.optim.lr_scheduler._plateau import ReduceLROnPlateau
from lucid.optim.lr_scheduler._schedulers import (
    CosineAnnealingLR,
    CyclicLR,
    ExponentialLR,
    LambdaLR,
    MultiStepLR,
    NoamScheduler,
    StepLR,
)

__all__ = [
    "CosineAnnealingLR",
    "CyclicLR",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "MultiStepLR",
    "NoamScheduler",
    "ReduceLROnPlateau",
    "StepLR",
]
