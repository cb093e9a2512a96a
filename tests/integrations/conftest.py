"""Before anything is imported: no test here looks for a network, or for more than one core."""

import os
import sys

import pytest

os.environ.update(HF_HUB_OFFLINE="1", HF_HUB_DISABLE_TELEMETRY="1", DO_NOT_TRACK="1")
os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo0" if sys.platform == "darwin" else "lo")
os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_configure(config: pytest.Config) -> None:
    """Warnings are errors here too, but for what the frameworks have to say to themselves."""
    for mine in (
        "ignore::FutureWarning:pytorch_lightning",
        "ignore:The 'train_dataloader' does not have many workers:UserWarning",
        "ignore:You're resuming from a checkpoint that ended before the epoch ended and your dataloader:UserWarning",
        "ignore:Be aware that when using `ckpt_path`, callbacks:UserWarning",  # they are left out on purpose
        "ignore:torch.distributed is disabled, unavailable or uninitialized, assuming the intent is to:UserWarning",
    ):
        config.addinivalue_line("filterwarnings", mine)
