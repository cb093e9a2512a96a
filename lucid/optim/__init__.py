"""PyTorch's optimizers, and Lucid's schedulers for them."""

import torch.optim as _torch_optim
from torch.optim import *  # noqa: F403

import lucid.optim.lr_scheduler as lr_scheduler  # type: ignore[no-redef]  # the star brought torch's along

__all__ = [*_torch_optim.__all__, "lr_scheduler"]
