"""The table behind the tests of ``lucid.schedules``: one row per schedule, from which examples are drawn.

Test modules load it with ``runpy.run_path``, because pytest's importlib mode puts nothing on ``sys.path``.
"""

import random
from collections.abc import Callable
from itertools import accumulate

from lucid.schedules import (
    REX,
    WSD,
    WSDS,
    Absolute,
    Adafactor,
    Chebyshev,
    ChebyshevNodes,
    Constant,
    Continue,
    Cosine,
    CosineRestarts,
    Cut,
    Cyclic,
    Decay,
    Eden,
    ExpHyperbolic,
    Exponential,
    FlatCosine,
    Hold,
    Hyperbolic,
    InversePower,
    Join,
    KDecay,
    Lambda,
    Linear,
    Maximum,
    Minimum,
    MultiStep,
    NaturalExp,
    Noam,
    NoamHold,
    Noise,
    OneCycle,
    Piecewise,
    Polynomial,
    Product,
    Proportion,
    QuarterCosine,
    RangeTest,
    Repeat,
    RsqrtCooldown,
    Scale,
    Schedule,
    Shift,
    SlantedTriangular,
    Step,
    Stretch,
    Sum,
    Tanh,
    TriStage,
    Warmup,
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

    def share(self) -> float:
        """Inside of (0, 1)."""
        return self.random.uniform(0.1, 0.9)

    def knots(self, count: int) -> tuple[float, ...]:
        """Times, each later than the one before."""
        return tuple(accumulate(self.between(1, 20) for _ in range(count)))

    def levels(self, count: int) -> tuple[float, ...]:
        return tuple(self.factor() for _ in range(count))

    def lengths(self, count: int) -> tuple[float, ...]:
        return tuple(sorted(self.length() for _ in range(count)))


def cyclic(n: Numbers, **options: object) -> Cyclic:
    return Cyclic(n.factor(), n.factor(), n.length(), n.length(), gamma=n.ratio(), **options)


def one_cycle(n: Numbers, **options: object) -> OneCycle:
    return OneCycle(n.between(10, 60), n.factor(), n.factor(), n.factor(), pct_start=n.between(0.25, 0.75), **options)


def wave(n: Numbers) -> Cosine:
    """Which would come up again after its end."""
    return Cosine(n.between(10, 60), n.factor(), hold=False)


def quarters(n: Numbers) -> QuarterCosine:
    return QuarterCosine(n.length(), n.between(1, 2), n.between(1, 2), hold=False)


def from_elsewhere(n: Numbers) -> Schedule:
    """Which does not begin at its base; it stays above 0 for any first value."""
    steps = n.length()
    return Linear(steps, 1.0, n.share() / 2) + Absolute(n.factor() / 4) * Linear(steps, 1.0, 0.75)


def sawtooth(n: Numbers) -> Schedule:
    return Cosine(n.length(), n.factor()).repeat()


def below(n: Numbers, limit: float) -> float:
    """More than 0, and at most this."""
    return max(n.between(0, 1), 0.25) * limit


def decay(n: Numbers, shape: object) -> Decay:
    return Decay(n.length(), n.factor(), shape, n.between(0.5, 2), n.share())


def wsd(n: Numbers, **options: object) -> WSD:
    steps = n.length()
    return WSD(steps, below(n, steps), n.between(0, 20), n.factor(), start=n.factor(), **options)


def rsqrt(n: Numbers, **options: object) -> RsqrtCooldown:
    steps = n.length()
    return RsqrtCooldown(steps, below(n, steps), n.length(), end=n.factor(), **options)


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
    "Warmup": {
        **{
            shape: lambda n, shape=shape: Warmup(n.length(), n.factor(), shape)
            for shape in ("linear", "inverse", "constant", "cosine", "quadratic", "1-sqrt", "log", "exponential")
        },
        "log, short": lambda n: Warmup(n.between(1, 2), n.factor(), "log"),
    },
    "Decay": {
        **{
            shape: lambda n, shape=shape: decay(n, shape)
            for shape in ("linear", "cosine", "1-sqrt", "1-square", "power", "exponential", "inverse")
        },
        "function": lambda n: decay(n, Cosine(1)),
    },
    "Exponential": {
        "endless": lambda n: Exponential(n.ratio(), n.between(1, 4)),
        "falls": lambda n: Exponential(n.random.uniform(0.6, 0.95), n.between(1, 4), n.random.uniform(0.1, 0.5)),
        "rises": lambda n: Exponential(n.random.uniform(1.05, 1.2), n.between(1, 4), n.random.uniform(1.5, 4)),
    },
    "NaturalExp": {"": lambda n: NaturalExp(n.random.uniform(0.01, 0.5))},
    "Step": {"": lambda n: Step(n.length(), n.ratio())},
    "MultiStep": {
        "": lambda n: MultiStep(n.lengths(4), n.ratio()),
        "twice": lambda n: MultiStep((0, *n.lengths(1) * 2), n.ratio()),
    },
    "Polynomial": {
        "": lambda n: Polynomial(n.length(), n.factor(), n.factor()),
        "line": lambda n: Polynomial(n.length(), end=n.factor()),
        "cycle": lambda n: Polynomial(n.length(), n.between(0.5, 3), n.factor(), cycle=True),
    },
    "Cosine": {
        "hold": lambda n: Cosine(n.length(), n.factor()),
        "otherwise": lambda n: Cosine(n.length(), n.factor(), hold=False),
        "hold, exponent": lambda n: Cosine(n.length(), n.factor(), exponent=n.between(0.5, 3)),
    },
    "QuarterCosine": {
        "hold": lambda n: QuarterCosine(n.length(), n.factor(), n.factor()),
        "otherwise": lambda n: quarters(n),
    },
    "Piecewise": {
        shape: lambda n, shape=shape: Piecewise(n.knots(4), n.levels(4), shape) for shape in ("constant", "linear", "cosine")
    },
    "InversePower": {"": lambda n: InversePower(n.length(), n.between(0.5, 2))},
    "NoamHold": {"": lambda n: NoamHold(n.length(), n.between(0, 20), n.between(0.5, 2))},
    "Hold": {"": lambda n: Hold(n.length(), n.factor())},
    "WSD": {
        "": lambda n: wsd(n),
        "function": lambda n: wsd(n, shape=Cosine(1), stable=InversePower(n.length())),
        "stable": lambda n: wsd(n, shape="exponential", ratio=n.share(), stable=InversePower(n.length(), n.between(0.5, 2))),
    },
    "RsqrtCooldown": {
        "": lambda n: rsqrt(n),
        "timescale": lambda n: rsqrt(n, timescale=n.length(), shape="1-sqrt"),
    },
    "WSDS": {"": lambda n: WSDS(n.lengths(3), below(n, 1), n.between(4, 20), n.factor(), "1-square")},
    "TriStage": {"": lambda n: TriStage(n.between(0, 20), n.between(0, 20), n.length(), n.factor(), n.share())},
    "FlatCosine": {"": lambda n: FlatCosine(n.length(), n.share(), n.factor())},
    "SlantedTriangular": {"": lambda n: SlantedTriangular(n.between(10, 60), n.random.uniform(0.6, 0.9), n.between(1, 32))},
    "CosineRestarts": {
        "": lambda n: CosineRestarts(n.lengths(3), decay=n.levels(3), end=n.factor()),
        "shorter": lambda n: CosineRestarts(n.length(), 3, 0.5, n.between(1, 2), n.factor()),
        "warmup": lambda n: CosineRestarts(n.length(), 3, n.between(1, 2), n.share(), n.factor(), n.between(1, 9), n.factor()),
    },
    "REX": {"": lambda n: REX(n.length(), n.factor(), n.share())},
    "Tanh": {"": lambda n: Tanh(n.length(), n.factor(), n.between(-7, -1), n.between(1, 4))},
    "Hyperbolic": {"": lambda n: Hyperbolic(n.between(1, 20), n.between(20, 60), n.factor() / 2)},
    "ExpHyperbolic": {"": lambda n: ExpHyperbolic(n.between(1, 20), n.between(20, 60), n.share())},
    "Chebyshev": {"": lambda n: Chebyshev(n.length(), n.between(0.25, 1), n.between(1.25, 3))},
    "ChebyshevNodes": {"": lambda n: ChebyshevNodes(n.length(), n.factor())},
    "RangeTest": {
        "otherwise": lambda n: RangeTest(n.length(), n.between(0.25, 2)),
        "staircase": lambda n: RangeTest(n.length(), n.between(0.25, 2), staircase=True),
    },
    "Adafactor": {"otherwise": lambda n: Adafactor(), "warmup": lambda n: Adafactor(warmup_init=True)},
    "Eden": {"": lambda n: Eden(n.length(), n.between(1, 9), n.length(), n.length(), n.factor())},
    "Proportion": {"": lambda n: Proportion(sawtooth(n), n.share(), 2.5, n.factor(), n.factor())},
    "Noise": {
        "endless": lambda n: Noise(Cosine(n.length(), n.factor()), n.share(), seed=n.random.randrange(99), start=n.length()),
        "ends": lambda n: Noise(Cosine(n.length()), n.share(), n.between(0.25, 2), n.random.randrange(99), 3, n.between(4, 60)),
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
    "Sum": {"": lambda n: Sum((Linear(n.length()), Cosine(n.length(), n.factor()), Step(n.length(), n.ratio())))},
    "Maximum": {"": lambda n: Maximum((sawtooth(n), sawtooth(n), sawtooth(n)))},
    "Minimum": {"": lambda n: Minimum((sawtooth(n), sawtooth(n), sawtooth(n)))},
    "Stretch": {
        "otherwise": lambda n: Stretch(Cosine(n.between(1, 9), n.factor()), n.between(0.25, 9)),
        "staircase": lambda n: Stretch(Cosine(n.between(1, 9), n.factor()), n.between(0.25, 9), staircase=True),
    },
    "KDecay": {"": lambda n: KDecay(wave(n), n.between(0.5, 3))},
    "Continue": {"": lambda n: Continue(from_elsewhere(n), quarters(n) + 0.25)},
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
