"""Code that follows a schedule in another library: complete programs, in which Lucid computes the formula."""

import math
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from lucid.schedules import Schedule
from lucid.schedules._numbers import number

_LONG = 100  # characters: a join that is longer has a line for each part

_PYTORCH = """\
# pip install "lucid-lr[torch]"
import torch
{imports}
from lucid.optim.lr_scheduler import LRScheduler

schedule = {schedule}

model = torch.nn.Linear(8, 1)  # yours
optimizer = torch.optim.AdamW(model.parameters(), lr={lr!r})
scheduler = LRScheduler(optimizer, lr=schedule)

inputs, targets = torch.randn(32, 8), torch.randn(32, 1)  # yours
for step in range({steps}):
    optimizer.zero_grad()
    torch.nn.functional.mse_loss(model(inputs), targets).backward()
    optimizer.step()
    scheduler.step()
"""

_OPTAX = """\
# pip install lucid-lr optax
import jax
import jax.numpy as jnp
import optax
{imports}

schedule = {schedule}


def learning_rate(step):
    return schedule(step, {lr!r})


optimizer = optax.adamw(learning_rate=learning_rate)


def loss(params, inputs, targets):  # yours
    return jnp.mean((inputs @ params - targets) ** 2)


@jax.jit
def train(params, state, inputs, targets):
    updates, state = optimizer.update(jax.grad(loss)(params, inputs, targets), state, params)
    return optax.apply_updates(params, updates), state


params, inputs, targets = jnp.zeros((8, 1)), jnp.ones((32, 8)), jnp.ones((32, 1))  # yours
state = optimizer.init(params)
for step in range({steps}):
    params, state = train(params, state, inputs, targets)
"""

_KERAS = """\
# pip install lucid-lr keras torch
import os

os.environ.setdefault("KERAS_BACKEND", "torch")  # or jax

import keras
import numpy as np
import lucid
{imports}

schedule = {schedule}

learning_rate = lucid.adapters.keras(schedule, base={lr!r})
model = keras.Sequential([keras.layers.Input((8,)), keras.layers.Dense(1)])  # yours
model.compile(optimizer=keras.optimizers.AdamW(learning_rate=learning_rate), loss="mse")


def batches():  # yours
    while True:
        yield np.ones((32, 8), "float32"), np.ones((32, 1), "float32")


model.fit(batches(), steps_per_epoch={steps}, epochs=1, shuffle=False)
"""

_TRANSFORMERS = """\
# pip install "lucid-lr[torch]" "transformers[torch]"
import torch
from transformers import Trainer, TrainingArguments
{imports}
from lucid.optim.lr_scheduler import LRScheduler

schedule = {schedule}


class Model(torch.nn.Module):  # yours
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(8, 1)

    def forward(self, inputs, labels):
        outputs = self.layer(inputs)
        return {{"loss": torch.nn.functional.mse_loss(outputs, labels), "logits": outputs}}


model = Model()
dataset = [{{"inputs": torch.ones(8), "labels": torch.ones(1)}} for _ in range(256)]  # yours
optimizer = torch.optim.AdamW(model.parameters(), lr={lr!r})
scheduler = LRScheduler(optimizer, lr=schedule)
arguments = TrainingArguments("trained", max_steps={steps}, save_strategy="no")
Trainer(model, arguments, train_dataset=dataset, optimizers=(optimizer, scheduler)).train()
"""

FORMATS = {"pytorch": _PYTORCH, "optax": _OPTAX, "keras": _KERAS, "transformers": _TRANSFORMERS}
"""The libraries that there are snippets for."""


def snippet(schedule: Schedule, format: str, lr: float = 1.0, steps: int | None = None) -> str:
    """A program that trains with a schedule in another library, runs as it stands, and sees the schedule's values.

    Model and data are stand-ins, marked ``# yours``. JAX computes in 32 bits unless it is told otherwise, and Keras hands rates
    to its optimizers so; PyTorch and transformers have all digits.

    Args:
        schedule: the schedule, without functions inside.
        format: ``"pytorch"``, ``"optax"``, ``"keras"`` or ``"transformers"``.
        lr: base rate >= 0 of the optimizer.
        steps: length of the run, a whole number >= 1; None takes the schedule's own, and 1000 for an endless one.

    Raises:
        TypeError: ``schedule`` is no Schedule, ``lr`` or ``steps`` no number.
        ValueError: unknown format, a number outside of its range, a schedule that no program can import: one that holds a
            function, or whose class was defined where it cannot be imported from.

    >>> from lucid.schedules import Cosine, Warmup
    >>> print("\\n".join(snippet(Warmup(500) >> Cosine(9500), "pytorch", lr=3e-4).splitlines()[:8]))
    # pip install "lucid-lr[torch]"
    import torch
    from lucid.schedules import Cosine, Warmup
    from lucid.optim.lr_scheduler import LRScheduler
    <BLANKLINE>
    schedule = Warmup(steps=500, start=0.0) >> Cosine(steps=9500)
    <BLANKLINE>
    model = torch.nn.Linear(8, 1)  # yours
    """
    if not isinstance(schedule, Schedule):
        raise TypeError(f"snippet: schedule must be a Schedule, got {schedule!r}")
    if format not in FORMATS:
        raise ValueError(f"snippet: format must be one of {', '.join(FORMATS)}, got {format!r}")
    schedule.to_dict()  # which refuses functions
    lr = number("snippet", "lr", lr, ">= 0")
    if steps is None:
        steps = math.ceil(schedule.length) if 0 < schedule.length < math.inf else 1000
    steps = number("snippet", "steps", steps, "a whole number >= 1")
    return FORMATS[format].format(imports=_imports(schedule), schedule=_written(schedule), lr=lr, steps=steps)


def _written(schedule: Schedule) -> str:
    """As ``repr`` writes it; a long join in lines."""
    text = repr(schedule)
    parts = getattr(schedule, "parts", ())
    if len(text) <= _LONG or text != " >> ".join(map(repr, parts)):
        return text
    return "(\n    " + "\n    >> ".join(map(repr, parts)) + "\n)"


def _imports(schedule: Schedule) -> str:
    places: dict[str, set[str]] = {}
    for made_of in _classes(schedule):
        name, place = made_of.__name__, made_of.__module__
        if place == "__main__" or "<locals>" in made_of.__qualname__:
            raise ValueError(f"snippet: {name} is defined where no program can import it from; move it to a module's top level")
        places.setdefault("lucid.schedules" if place.startswith("lucid.schedules.") else place, set()).add(name)
    return "\n".join(f"from {place} import {', '.join(sorted(names))}" for place, names in sorted(places.items()))


def _classes(value: Any) -> Iterator[type[Schedule]]:
    """The classes that stand in what ``repr`` writes."""
    if isinstance(value, tuple):
        for one in value:
            yield from _classes(one)
    elif isinstance(value, Schedule):
        if repr(value).startswith(type(value).__name__ + "("):
            yield type(value)
        for field in fields(value):  # type: ignore[arg-type]
            yield from _classes(getattr(value, field.name))
