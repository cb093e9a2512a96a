"""Schedulers that are a drop-in for ``torch.optim.lr_scheduler``, and LRScheduler for any Schedule."""

from lucid.optim.lr_scheduler._base import LRScheduler
from lucid.optim.lr_scheduler._composites import ChainedScheduler, SequentialLR
from lucid.optim.lr_scheduler._pinned import (
    EPOCH_DEPRECATION_WARNING,
    _enable_get_lr_call,
    _format_param,
    _initial_mode,
    _LRScheduler,
    _param_groups_val_list,
    _update_param_group_val,
)
from lucid.optim.lr_scheduler._plateau import GreedyLR, ReduceLROnPlateau
from lucid.optim.lr_scheduler._schedulers import (
    SWALR,
    ConstantLR,
    CosineAnnealingLR,
    CosineAnnealingWarmRestarts,
    CyclicLR,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    MultiplicativeLR,
    MultiStepLR,
    NoamScheduler,
    OneCycleLR,
    PolynomialLR,
    StepLR,
)

__all__ = [
    "EPOCH_DEPRECATION_WARNING",
    "SWALR",
    "ChainedScheduler",
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CyclicLR",
    "ExponentialLR",
    "GreedyLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "MultiplicativeLR",
    "NoamScheduler",
    "OneCycleLR",
    "PolynomialLR",
    "ReduceLROnPlateau",
    "SequentialLR",
    "StepLR",
    "_LRScheduler",
    "_enable_get_lr_call",
    "_format_param",
    "_initial_mode",
    "_param_groups_val_list",
    "_update_param_group_val",
]
