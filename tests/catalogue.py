"""The table behind the tests of ``lucid.schedules``: one row per schedule, from which examples are drawn.

Test modules load it with ``runpy.run_path``, because pytest's importlib mode puts nothing on ``sys.path``.
"""

import random
from collections.abc import Callable

from lucid.schedules import (
    Absolute,
    Constant,
    Cosine,
    Cut,
    Cyclic,
    Exponential,
    Join,
    Lambda,
    Linear,
    MultiStep,
    Noam,
    OneCycle,
    Polynomial,
    Product,
    Repeat,
    Scale,
    Schedule,
    Shift,
    Step,
)


class Numbers:
    """Random parameters. ``exact`` ones are multiples of 1/4: 32 bits hold them, and no sum of them rounds."""

    def __init__(self, seed: object, *, exact: bool = False) -> None:
        self.random = random.Random(str(seed))
        self.exact = exact

    def between(self, low: float, high: float) -> float:
        if self.exact or self.random.random() < 0.5:
            value = self.random.randint(int(4 * low), int(4 * high)) / 4
            return int(value) if value.is_integer() and self.random.random() < 0.5 else value
        return self.random.uniform(low, high)

    def length(self) -> float:
        return self.between(1, 60)

    def factor(self) -> float:
        return self.between(0, 2)

    def ratio(self) -> float:
        return self.random.uniform(0.6, 1.02)

    def lengths(self, count: int) -> tuple[float, ...]:
        return tuple(sorted(self.length() for _ in range(count)))


def cyclic(n: Numbers, **options: object) -> Cyclic:
    return Cyclic(n.factor(), n.factor(), n.length(), n.length(), gamma=n.ratio(), **options)


def one_cycle(n: Numbers, **options: object) -> OneCycle:
    return OneCycle(n.between(10, 60), n.factor(), n.factor(), n.factor(), pct_start=n.between(0.25, 0.75), **options)


def wave(n: Numbers) -> Cosine:
    """Which would come up again after its end."""
    return Cosine(n.between(10, 60), n.factor(), hold=False)


# Schedule -> variant -> example. Where a formula has cases, the variant is called what the case that it takes is called.
ROWS: dict[str, dict[str, Callable[[Numbers], Schedule]]] = {
    "Constant": {
        "endless": lambda n: Constant(n.factor()),
        "ends": lambda n: Constant(n.factor(), n.length()),
    },
    "Absolute": {"": lambda n: Absolute(n.factor())},
    "Lambda": {
        "function": lambda n: Lambda(abs),
        "schedule": lambda n: Lambda(Cosine(n.length(), n.factor())),
    },
    "Linear": {"": lambda n: Linear(n.length(), n.factor(), n.factor())},
    "Exponential": {"": lambda n: Exponential(n.ratio())},
    "Step": {"": lambda n: Step(n.length(), n.ratio())},
    "MultiStep": {
        "": lambda n: MultiStep(n.lengths(4), n.ratio()),
        "twice": lambda n: MultiStep((0, *n.lengths(1) * 2), n.ratio()),
    },
    "Polynomial": {
        "": lambda n: Polynomial(n.length(), n.factor(), n.factor()),
        "line": lambda n: Polynomial(n.length(), end=n.factor()),
    },
    "Cosine": {
        "hold": lambda n: Cosine(n.length(), n.factor()),
        "otherwise": lambda n: Cosine(n.length(), n.factor(), hold=False),
    },
    "Noam": {"": lambda n: Noam(n.between(1, 512), n.length(), n.between(0.5, 2))},
    "Cyclic": {
        "triangular": lambda n: cyclic(n),
        "triangular2": lambda n: cyclic(n, mode="triangular2"),
        "exp_range": lambda n: cyclic(n, mode="exp_range"),
        "cycle": lambda n: cyclic(n, mode="triangular2", scale_fn=abs),
        "iterations": lambda n: cyclic(n, mode="exp_range", scale_fn=abs, scale_mode="iterations"),
    },
    "OneCycle": {
        "cos": lambda n: one_cycle(n),
        "linear": lambda n: one_cycle(n, anneal="linear"),
        "three phases": lambda n: one_cycle(n, three_phase=True),
        "linear, three phases": lambda n: one_cycle(n, anneal="linear", three_phase=True),
    },
    "Join": {
        "": lambda n: Join((Linear(n.length()), Cut(Step(4, n.ratio()), n.length()), Cosine(n.length(), n.factor()))),
    },
    "Product": {"": lambda n: Product((Linear(n.length()), Cosine(n.length(), n.factor()), Step(n.length(), n.ratio())))},
    "Scale": {"": lambda n: Scale(Cosine(n.length(), n.factor()), n.factor())},
    "Repeat": {
        "equal": lambda n: Repeat(wave(n), decay=n.between(0.5, 1)),
        "stretched": lambda n: Repeat(wave(n), None, n.between(1.25, 3), n.between(0.5, 1)),
        "equal, with an end": lambda n: Repeat(wave(n), 3, 1, n.between(0.5, 1)),
        "stretched, with an end": lambda n: Repeat(wave(n), 2, n.between(1.25, 2), n.between(0.5, 1)),
    },
    "Shift": {"": lambda n: Shift(Cosine(n.length(), n.factor()), n.between(-20, 20))},
    "Cut": {"": lambda n: Cut(Exponential(n.ratio()), n.length())},
}
HOLD_FUNCTIONS = {("Lambda", "function"), ("Cyclic", "cycle"), ("Cyclic", "iterations")}


def draw(name: str, variant: str, seed: int, *, exact: bool = False) -> Schedule:
    """The example of a row with this number."""
    return ROWS[name][variant](Numbers((name, variant, seed), exact=exact))
