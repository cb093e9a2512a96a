"""The default objective of ``lucid sweep``: the network of ``lucid train`` on the handwritten digits."""

import random
from collections.abc import Iterator

import torch

from lucid._train import job
from lucid._train.spec import EACH_BATCH, Settings, Spec
from lucid.optim.lr_scheduler import LRScheduler
from lucid.schedules import Schedule

_STEPPING = Spec(min(EACH_BATCH), None)  # the job's loop steps such schedulers after each batch


def digits(schedule: Schedule, lr: float, seed: int, *, epochs: int) -> Iterator[float]:
    """Train for ``epochs``, which are the schedule's unit of time, and give the validation loss after each.

    The seed decides the weights, the dropout, the order of the images, and which of them validate.
    """
    torch.set_num_threads(1)  # as many as so small a net can use
    settings = Settings(epochs=epochs, lr=lr, seed=seed)
    training, validation = job._loaders(settings)
    torch.manual_seed(seed)
    model, device = job.Net(), torch.device("cpu")
    optimizer = job._optimizer(model, settings)
    scheduler = LRScheduler(optimizer, lr=schedule.per_epoch(len(training)))
    for epoch in range(epochs):
        torch.manual_seed(random.Random(f"{seed} {epoch}").getrandbits(63))
        job._train_epoch(model, optimizer, scheduler, _STEPPING, training, device)
        loss, _ = job._evaluate(model, validation, device)
        yield loss
