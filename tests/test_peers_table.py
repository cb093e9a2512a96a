"""docs/peers.md: every row's expression beside the peer's own formula, written down here once more in plain Python."""

import ast
import builtins
import itertools
import math
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from math import cos, exp, floor, log, pi, prod, sqrt, tanh
from pathlib import Path
from typing import Any

import pytest

from lucid import schedules
from lucid.schedules import Absolute, Constant, Cosine, Exponential, Linear, Schedule

PAGE = Path(__file__).parent.parent / "docs" / "peers.md"
BASES = (0.1, 0.25)
STEPS = 90
CLOSE = 1e-9
MORE = {"lr", "steps", "steps_per_epoch", "cycles"}  # what the page says that an expression may use besides the peer's own
KNOWN: dict[str, Any] = {
    **{name: getattr(schedules, name) for name in schedules.__all__},
    **{name: getattr(math, name) for name in ("ceil", "floor", "log2", "prod", "sqrt")},
    **{
        name: getattr(builtins, name)
        for name in ("dict", "enumerate", "int", "len", "list", "max", "min", "next", "range", "round", "sorted", "sum", "zip")
    },
    "accumulate": itertools.accumulate,
}

# -- the page


@dataclass(frozen=True)
class Row:
    library: str
    peer: str
    kind: str
    expression: str
    note: str
    definitions: Mapping[str, str] = field(repr=False)

    @property
    def key(self) -> str:
        """``torch.SWALR(anneal_strategy='cos')``: library, name, and which case of it."""
        call = _call(self.peer)
        fixed = ", ".join(sorted(ast.unparse(one) for one in call.keywords))
        return f"{self.library}: {ast.unparse(call.func)}({fixed})"

    @property
    def parameters(self) -> list[str]:
        """The variables of the peer's signature."""
        return [node.id for one in _call(self.peer).args for node in ast.walk(one) if isinstance(node, ast.Name)]

    def schedule(self, given: Mapping[str, Any]) -> Schedule:
        return _evaluated(self.expression, {**KNOWN, **given}, self.definitions)


def _call(text: str) -> ast.Call:
    call = ast.parse(text, mode="eval").body
    assert isinstance(call, ast.Call), f"not a signature: {text}"
    return call


def _free(text: str) -> set[str]:
    """The names that an expression looks up."""
    tree = ast.parse(text, mode="eval")
    bound = {arg.arg for node in ast.walk(tree) if isinstance(node, ast.Lambda) for arg in node.args.args}
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    bound |= {node.id for node in names if isinstance(node.ctx, ast.Store)}
    return {node.id for node in names if isinstance(node.ctx, ast.Load)} - bound


def _evaluated(text: str, names: Mapping[str, Any], definitions: Mapping[str, str]) -> Any:
    found = dict(names)
    for name in _free(text) & definitions.keys():
        found[name] = _evaluated(definitions[name], names, definitions)
    return eval(text, {"__builtins__": {}, **found})


def read(page: str) -> Iterator[Row]:
    """The rows of all tables whose third column is an expression."""
    for section in re.split(r"^## ", page, flags=re.M)[1:]:
        library, _, body = section.partition("\n")
        code = "\n".join(re.findall(r"```python\n(.*?)```", body, flags=re.S))
        definitions = dict(line.split(" = ", 1) for line in code.splitlines())
        for line in body.splitlines():
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            if line.startswith("| `") and len(cells) == 4:
                assert cells[0][-1] == cells[2][0] == cells[2][-1] == "`", line
                yield Row(library, cells[0].strip("`"), cells[1], cells[2].strip("`"), cells[3], definitions)
            else:
                assert not line.startswith("| `"), line


ROWS = {row.key: row for row in read(PAGE.read_text(encoding="utf-8"))}

# -- the peers' formulas: t, the group's own rate, parameters


@dataclass(frozen=True)
class Case:
    formula: Callable[..., float]
    given: tuple[dict[str, Any], ...]
    until: str = ""
    """The parameter up to which, inclusive, the peer is followed; beyond it the page tells what the peer does instead."""


CASES: dict[str, Case] = {}


def peer(key: str, *given: dict[str, Any], until: str = "") -> Callable[[Callable[..., float]], Callable[..., float]]:
    def add(formula: Callable[..., float]) -> Callable[..., float]:
        assert key not in CASES, key
        CASES[key] = Case(formula, given or ({},), until)
        return formula

    return add


def lerp(a: float, b: float, p: float) -> float:
    return a + (b - a) * p


def cosi(a: float, b: float, p: float) -> float:
    return b + (a - b) * (1 + cos(pi * p)) / 2


def restart(t: float, first: float, growth: float) -> tuple[int, float, float]:
    """Which cycle, how far in it, how long it is: cycle by cycle, without a logarithm."""
    i, length = 0, first
    while t >= length:
        t, i, length = t - length, i + 1, length * growth
    return i, t, length


FALL: dict[str, Callable[[float], float]] = {
    "linear": lambda p: 1 - p,
    "cosine": lambda p: (1 + cos(pi * p)) / 2,
    "1-sqrt": lambda p: 1 - sqrt(p),
    "sqrt": lambda p: 1 - sqrt(p),
    "minus_sqrt": lambda p: 1 - sqrt(p),
    "1-square": lambda p: 1 - p * p,
    "exponential": lambda p: 2 * 0.5**p - 1,
}
RISE: dict[str, Callable[[float], float]] = {
    "linear": lambda q: q,
    "cosine": lambda q: (1 - cos(pi * q)) / 2,
    "1-sqrt": lambda q: 1 - sqrt(1 - q),
    "exponential": lambda q: q * q,
}

# ---- torch

peer("torch: LambdaLR()", {"lr_lambda": lambda t: 0.9**t})(lambda t, b, lr_lambda: b * 0.9**t)
peer("torch: MultiplicativeLR()", {"lr_lambda": lambda t: 0.9 if t % 2 else 0.99})(
    lambda t, b, lr_lambda: b * prod(lr_lambda(k) for k in range(1, t + 1))
)
peer("torch: StepLR()", {"step_size": 7, "gamma": 0.5}, {"step_size": 1, "gamma": 0.9})(
    lambda t, b, step_size, gamma: b * gamma ** (t // step_size)
)
peer("torch: MultiStepLR()", {"milestones": [40, 0, 7, 7], "gamma": 0.5})(
    lambda t, b, milestones, gamma: b * gamma ** sum(m <= t for m in milestones)
)
peer("torch: ConstantLR()", {"factor": 0.25, "total_iters": 30})(
    lambda t, b, factor, total_iters: b * factor if t < total_iters else b
)
peer("torch: LinearLR()", {"start_factor": 0.25, "end_factor": 0.75, "total_iters": 41})(
    lambda t, b, start_factor, end_factor, total_iters: b * lerp(start_factor, end_factor, min(t / total_iters, 1))
)
peer("torch: ExponentialLR()", {"gamma": 0.9})(lambda t, b, gamma: b * gamma**t)
peer("torch: PolynomialLR()", {"total_iters": 50, "power": 2.5})(
    lambda t, b, total_iters, power: b * (1 - min(t, total_iters) / total_iters) ** power
)
peer("torch: CosineAnnealingLR()", {"T_max": 25, "eta_min": 0.01}, {"T_max": 30, "eta_min": 0.3})(
    lambda t, b, T_max, eta_min: cosi(b, eta_min, t / T_max)
)


@peer(
    "torch: CosineAnnealingWarmRestarts()", {"T_0": 7, "T_mult": 2, "eta_min": 0.01}, {"T_0": 13, "T_mult": 1, "eta_min": 0.0}
)
def _(t, b, T_0, T_mult, eta_min):
    _, s, length = restart(t, T_0, T_mult)
    return cosi(b, eta_min, s / length)


def triangle(t, up, down, mode="triangular", gamma=1.0):
    n = up + down
    c = floor(1 + t / n)
    x, r = t / n - c + 1, up / n
    scale = {"triangular": 1.0, "triangular2": 2.0 ** (1 - c), "exp_range": gamma**t}[mode]
    return (x / r if x <= r else (x - 1) / (r - 1)) * scale


MODES = ("triangular", "triangular2", "exp_range")
CYCLE = [{"step_size_up": 8, "step_size_down": 13, "mode": mode, "gamma": 0.98} for mode in MODES]


@peer("torch: CyclicLR()", *({"base_lr": 0.1, "max_lr": 0.5, **one} for one in CYCLE))
def _(t, b, base_lr, max_lr, step_size_up, step_size_down, mode, gamma):
    return base_lr + (max_lr - base_lr) * triangle(t, step_size_up, step_size_down, mode, gamma)


@peer("torch: CyclicLR(cycle_momentum=True)", *({"base_momentum": 0.8, "max_momentum": 0.95, **one} for one in CYCLE))
def _(t, b, base_momentum, max_momentum, step_size_up, step_size_down, mode, gamma):
    return max_momentum - (max_momentum - base_momentum) * triangle(t, step_size_up, step_size_down, mode, gamma)


@peer("torch: CyclicLR(scale_mode='cycle')", {"base_lr": 0.1, "max_lr": 0.5, "step_size_up": 9, "scale_fn": lambda c: 1 / c})
def _(t, b, base_lr, max_lr, step_size_up, scale_fn):
    c = floor(1 + t / (2 * step_size_up))
    return base_lr + (max_lr - base_lr) * max(0, 1 - abs(t / step_size_up - 2 * c + 1)) * scale_fn(c)


def one_cycle(t, n, pct, shape, values, three):
    """torch's phases: (where it ends, from, to)."""
    first, peak, last = values
    ends = [pct * n - 1, 2 * pct * n - 2, n - 1] if three else [pct * n - 1, n - 1]
    levels = [first, peak, first, last] if three else [first, peak, last]
    since = 0.0
    for until, v, w in zip(ends, levels, levels[1:], strict=False):
        if t <= until or until == ends[-1]:
            p = min((t - since) / (until - since), 1)
            return cosi(v, w, p) if shape == "cos" else lerp(v, w, p)
        since = until
    raise AssertionError


PHASES = [
    {"total_steps": 70, "pct_start": pct, "anneal_strategy": shape, "three_phase": three}
    for pct, shape, three in [(0.3, "cos", False), (0.3, "linear", True), (0.25, "linear", False), (0.45, "cos", True)]
]


@peer(
    "torch: OneCycleLR()",
    *({"max_lr": 0.5, "div_factor": 20, "final_div_factor": 300, **one} for one in PHASES),
    until="total_steps",
)
def _(t, b, max_lr, total_steps, pct_start, anneal_strategy, div_factor, final_div_factor, three_phase):
    values = max_lr / div_factor, max_lr, max_lr / div_factor / final_div_factor
    if t >= total_steps:
        raise ValueError
    return one_cycle(t, total_steps, pct_start, anneal_strategy, values, three_phase)


@peer(
    "torch: OneCycleLR(cycle_momentum=True)",
    *({"base_momentum": 0.85, "max_momentum": 0.95, **one} for one in PHASES),
    until="total_steps",
)
def _(t, b, base_momentum, max_momentum, total_steps, pct_start, anneal_strategy, three_phase):
    if t >= total_steps:
        raise ValueError
    return one_cycle(t, total_steps, pct_start, anneal_strategy, (max_momentum, base_momentum, max_momentum), three_phase)


peer("torch: SWALR(anneal_strategy='cos')", {"swa_lr": 0.05, "anneal_epochs": 33}, {"swa_lr": 0.5, "anneal_epochs": 10})(
    lambda t, b, swa_lr, anneal_epochs: cosi(b, swa_lr, min(1, t / anneal_epochs))
)
peer("torch: SWALR(anneal_strategy='linear')", {"swa_lr": 0.05, "anneal_epochs": 33})(
    lambda t, b, swa_lr, anneal_epochs: lerp(b, swa_lr, min(1, t / anneal_epochs))
)
PAIR = {"first": Linear(20, 0.25, 1.0), "second": Exponential(0.9)}
ABSOLUTE_PAIR = {"first": Absolute(0.3) * Linear(20, 0.25, 1.0), "second": Absolute(0.2) * Exponential(0.9)}


def joined(t, b, first, second, boundary):
    return first(t, b) if t < boundary else second(t - boundary, b)


peer("torch: SequentialLR()", {**PAIR, "milestone": 33})(
    lambda t, b, first, second, milestone: joined(t, b, first, second, milestone)
)
peer("torch: ChainedScheduler()", PAIR)(lambda t, b, first, second: first(t, 1.0) * second(t, 1.0) * b)

# ---- optax, MLX, Keras

peer("optax: constant_schedule()", {"value": 0.3})(lambda t, b, value: value)


@peer(
    "optax: linear_schedule()",
    {"init_value": 0.3, "end_value": 0.05, "transition_steps": 40, "transition_begin": 7},
    {"init_value": 0.0, "end_value": 0.5, "transition_steps": 40, "transition_begin": 0},
)
def _(t, b, init_value, end_value, transition_steps, transition_begin):
    return lerp(init_value, end_value, min(max(t - transition_begin, 0) / transition_steps, 1))


@peer(
    "optax: polynomial_schedule()",
    {"init_value": 0.3, "end_value": 0.05, "power": 2.5, "transition_steps": 40, "transition_begin": 7},
    {"init_value": 0.1, "end_value": 0.5, "power": 0.5, "transition_steps": 40, "transition_begin": 0},
)
def _(t, b, init_value, end_value, power, transition_steps, transition_begin):
    p = min(max(t - transition_begin, 0) / transition_steps, 1)
    return (init_value - end_value) * (1 - p) ** power + end_value


def decayed(t, init, steps, rate, begin, end=None, stairs=False):
    p = max(t - begin, 0) / steps
    value = init * rate ** (floor(p) if stairs else p)
    return value if end is None else max(value, end) if rate < 1 else min(value, end)


DECAY = {"init_value": 0.3, "transition_steps": 7, "decay_rate": 0.8, "transition_begin": 5}
peer("optax: exponential_decay(staircase=False)", DECAY, {**DECAY, "transition_begin": 0})(
    lambda t, b, init_value, transition_steps, decay_rate, transition_begin: decayed(
        t, init_value, transition_steps, decay_rate, transition_begin
    )
)
peer("optax: exponential_decay(staircase=True)", DECAY)(
    lambda t, b, init_value, transition_steps, decay_rate, transition_begin: decayed(
        t, init_value, transition_steps, decay_rate, transition_begin, stairs=True
    )
)
peer("optax: exponential_decay()", {**DECAY, "end_value": 0.05}, {**DECAY, "decay_rate": 1.3, "end_value": 1.5})(
    lambda t, b, init_value, transition_steps, decay_rate, transition_begin, end_value: decayed(
        t, init_value, transition_steps, decay_rate, transition_begin, end_value
    )
)
BOUNDARIES = {"boundaries_and_scales": {50: 2.0, 7: 0.5, 30: 0.1}}
peer("optax: piecewise_constant_schedule()", {"init_value": 0.3, **BOUNDARIES})(
    lambda t, b, init_value, boundaries_and_scales: init_value * prod(s for m, s in boundaries_and_scales.items() if m <= t)
)


def knots(t, times, values, shape):
    i = bisect_right(times, t) - 1
    if i < 0:
        return values[0]
    if i + 1 == len(times):
        return values[-1]
    p = (t - times[i]) / (times[i + 1] - times[i])
    return cosi(values[i], values[i + 1], p) if shape == "cosine" else lerp(values[i], values[i + 1], p)


@peer(
    "optax: piecewise_interpolate_schedule()",
    *({"init_value": 0.3, "interpolate_type": k, **BOUNDARIES} for k in ("linear", "cosine")),
)
def _(t, b, interpolate_type, init_value, boundaries_and_scales):
    times = [0, *sorted(boundaries_and_scales)]
    values = list(itertools.accumulate([init_value, *(boundaries_and_scales[m] for m in times[1:])], lambda v, s: v * s))
    return knots(t, times, values, interpolate_type)


@peer("optax: cosine_decay_schedule()", {"init_value": 0.3, "decay_steps": 60, "alpha": 0.1, "exponent": 1.7})
def _(t, b, init_value, decay_steps, alpha, exponent):
    return init_value * ((1 - alpha) * ((1 + cos(pi * min(t, decay_steps) / decay_steps)) / 2) ** exponent + alpha)


peer("optax: warmup_constant_schedule()", {"init_value": 0.05, "peak_value": 0.3, "warmup_steps": 17})(
    lambda t, b, init_value, peak_value, warmup_steps: lerp(init_value, peak_value, min(t / warmup_steps, 1))
)


def warmed_cosine(t, init_value, peak_value, warmup_steps, decay_steps, end_value=0.0, exponent=1.0):
    if t < warmup_steps:
        return lerp(init_value, peak_value, t / warmup_steps)
    p = min(t - warmup_steps, decay_steps - warmup_steps) / (decay_steps - warmup_steps)
    return end_value + (peak_value - end_value) * ((1 + cos(pi * p)) / 2) ** exponent


WARM = {"init_value": 0.05, "peak_value": 0.3, "warmup_steps": 17}
peer("optax: warmup_cosine_decay_schedule()", {**WARM, "decay_steps": 70, "end_value": 0.02, "exponent": 1.5})(
    lambda t, b, **given: warmed_cosine(t, **given)
)


@peer(
    "optax: warmup_exponential_decay_schedule()",
    {**WARM, "transition_steps": 7, "decay_rate": 0.8, "transition_begin": 5, "end_value": 0.04},
)
def _(t, b, init_value, peak_value, warmup_steps, transition_steps, decay_rate, transition_begin, end_value):
    if t < warmup_steps:
        return lerp(init_value, peak_value, t / warmup_steps)
    return decayed(t - warmup_steps, peak_value, transition_steps, decay_rate, transition_begin, end_value)


@peer(
    "optax: cosine_onecycle_schedule()",
    {"transition_steps": 73, "peak_value": 0.4, "pct_start": 0.3, "div_factor": 20.0, "final_div_factor": 100.0},
)
def _(t, b, transition_steps, peak_value, pct_start, div_factor, final_div_factor):
    first = peak_value / div_factor
    values = first, peak_value, first / final_div_factor
    return knots(t, [0, int(pct_start * transition_steps), transition_steps], values, "cosine")


@peer(
    "optax: linear_onecycle_schedule()",
    {
        "transition_steps": 73,
        "peak_value": 0.4,
        "pct_start": 0.3,
        "pct_final": 0.85,
        "div_factor": 20.0,
        "final_div_factor": 100.0,
    },
)
def _(t, b, transition_steps, peak_value, pct_start, pct_final, div_factor, final_div_factor):
    times = [0, int(pct_start * transition_steps), int(pct_final * transition_steps), transition_steps]
    first = peak_value / div_factor
    return knots(t, times, [first, peak_value, first, first / final_div_factor], "linear")


@peer(
    "optax: sgdr_schedule()",
    {
        "cosine_kwargs": [
            {"init_value": 0.01, "peak_value": 0.4, "warmup_steps": 5, "decay_steps": 20, "end_value": 0.02},
            {"init_value": 0.02, "peak_value": 0.2, "warmup_steps": 10, "decay_steps": 50},
        ]
    },
)
def _(t, b, cosine_kwargs):
    first, second = cosine_kwargs
    return warmed_cosine(t, **first) if t < first["decay_steps"] else warmed_cosine(t - first["decay_steps"], **second)


for one in ("optax", "MLX"):
    peer(f"{one}: join_schedules()", {**ABSOLUTE_PAIR, "boundary": 33})(
        lambda t, b, first, second, boundary: joined(t, b, first, second, boundary)
    )
peer("MLX: exponential_decay()", {"init": 0.3, "decay_rate": 0.95})(lambda t, b, init, decay_rate: init * decay_rate**t)
peer("MLX: step_decay()", {"init": 0.3, "decay_rate": 0.5, "step_size": 11})(
    lambda t, b, init, decay_rate, step_size: init * decay_rate ** (t // step_size)
)
peer("MLX: cosine_decay()", {"init": 0.3, "decay_steps": 61, "end": 0.02})(
    lambda t, b, init, decay_steps, end: cosi(init, end, min(t, decay_steps) / decay_steps)
)
peer("MLX: linear_schedule()", {"init": 0.0, "end": 0.3, "steps": 61}, {"init": 0.4, "end": 0.3, "steps": 10})(
    lambda t, b, init, end, steps: lerp(init, end, min(t, steps) / steps)
)
KERAS = {"initial_learning_rate": 0.3, "decay_steps": 13, "decay_rate": 0.7}
for stairs in (False, True):
    peer(f"Keras: ExponentialDecay(staircase={stairs})", KERAS)(
        lambda t, b, initial_learning_rate, decay_steps, decay_rate, stairs=stairs: decayed(
            t, initial_learning_rate, decay_steps, decay_rate, 0, stairs=stairs
        )
    )
peer("Keras: PiecewiseConstantDecay()", {"boundaries": [7, 40], "values": [0.3, 0.4, 0.1]})(
    lambda t, b, boundaries, values: values[sum(m < t for m in boundaries)]
)


def polynomial(t, first, n, end, power, cycle):
    n, t = (n * max(1, math.ceil(t / n)), t) if cycle else (n, min(t, n))
    return end + (first - end) * (1 - t / n) ** power


POLY = [{"decay_steps": 21, "power": 1.5, "cycle": cycle} for cycle in (False, True)]
peer("Keras: PolynomialDecay()", *({"initial_learning_rate": 0.3, "end_learning_rate": 0.02, **one} for one in POLY))(
    lambda t, b, initial_learning_rate, decay_steps, end_learning_rate, power, cycle: polynomial(
        t, initial_learning_rate, decay_steps, end_learning_rate, power, cycle
    )
)


@peer("Keras: InverseTimeDecay()", {**KERAS, "staircase": False}, {**KERAS, "staircase": True})
def _(t, b, initial_learning_rate, decay_steps, decay_rate, staircase):
    p = t // decay_steps if staircase else t / decay_steps
    return initial_learning_rate / (1 + decay_rate * p)


COSINE = {"initial_learning_rate": 0.3, "decay_steps": 47, "alpha": 0.1}
peer("Keras: CosineDecay(warmup_target=None)", COSINE)(
    lambda t, b, initial_learning_rate, decay_steps, alpha: cosi(
        initial_learning_rate, alpha * initial_learning_rate, min(t / decay_steps, 1)
    )
)


@peer(
    "Keras: CosineDecay()",
    {**COSINE, "warmup_target": 0.5, "warmup_steps": 20},
    {**COSINE, "warmup_target": 0.1, "warmup_steps": 0},
)
def _(t, b, initial_learning_rate, decay_steps, alpha, warmup_target, warmup_steps):
    if t < warmup_steps:
        return lerp(initial_learning_rate, warmup_target, t / warmup_steps)
    return cosi(warmup_target, alpha * warmup_target, min((t - warmup_steps) / decay_steps, 1))


@peer(
    "Keras: CosineDecayRestarts()",
    {"initial_learning_rate": 0.3, "first_decay_steps": 10, "t_mul": 2.0, "m_mul": 0.7, "alpha": 0.1},
)
def _(t, b, initial_learning_rate, first_decay_steps, t_mul, m_mul, alpha):
    i, s, n = restart(t, first_decay_steps, t_mul)
    return initial_learning_rate * ((1 - alpha) * m_mul**i * (1 + cos(pi * s / n)) / 2 + alpha)


# ---- transformers

W, N = {"num_warmup_steps": 13}, {"num_training_steps": 63}
BOTH = {**W, **N}
NONE = {**BOTH, "num_warmup_steps": 0}


def hf(fall):
    """transformers' warm-up, t / w, in front of a function of the step and progress after it."""

    def formula(t, b, num_warmup_steps, num_training_steps=10**9, **given):
        if t < num_warmup_steps:
            return b * t / num_warmup_steps
        return b * fall((t - num_warmup_steps) / (num_training_steps - num_warmup_steps), b=b, t=t, w=num_warmup_steps, **given)

    return formula


peer("transformers: get_constant_schedule()")(lambda t, b: b)
peer("transformers: get_constant_schedule_with_warmup()", W, {"num_warmup_steps": 0})(hf(lambda p, **_: 1.0))
peer("transformers: get_linear_schedule_with_warmup()", BOTH, NONE)(hf(lambda p, **_: max(0.0, 1 - p)))
peer("transformers: get_cosine_schedule_with_warmup()", {**BOTH, "num_cycles": 0.5}, {**NONE, "num_cycles": 1.75})(
    hf(lambda p, num_cycles, **_: max(0.0, (1 + cos(2 * pi * num_cycles * p)) / 2))
)
peer(
    "transformers: get_cosine_with_hard_restarts_schedule_with_warmup()", {**BOTH, "num_cycles": 1}, {**BOTH, "num_cycles": 5}
)(hf(lambda p, num_cycles, **_: 0.0 if p >= 1 else (1 + cos(pi * (num_cycles * p % 1))) / 2))
peer(
    "transformers: get_polynomial_decay_schedule_with_warmup()",
    {**BOTH, "lr_end": 0.01, "power": 2.0},
    {**NONE, "lr_end": 1e-7, "power": 1},
)(hf(lambda p, b, lr_end, power, **_: ((b - lr_end) * max(1 - p, 0) ** power + lr_end) / b))
peer(
    "transformers: get_inverse_sqrt_schedule()",
    {**W, "timescale": 13},
    {**W, "timescale": 40},
    {"num_warmup_steps": 0, "timescale": 10_000},
)(hf(lambda p, t, w, timescale, **_: 1 / sqrt((t + timescale - w) / timescale)))
peer("transformers: get_cosine_with_min_lr_schedule_with_warmup()", {**BOTH, "num_cycles": 0.8, "min_lr_rate": 0.2})(
    hf(lambda p, num_cycles, min_lr_rate, **_: min_lr_rate + (1 - min_lr_rate) * (1 + cos(2 * pi * num_cycles * p)) / 2)
)


def ahead(t, b, num_warmup_steps, num_training_steps, num_cycles, min_lr_rate, warmup_lr_rate=None):
    w = num_warmup_steps
    if t < w:
        return b * ((t + 1) / w if warmup_lr_rate is None else lerp(warmup_lr_rate, 1.0, t / (w - 1)))
    p = (t - w + 1) / (num_training_steps - w)
    return b * (min_lr_rate + (1 - min_lr_rate) * (1 + cos(2 * pi * num_cycles * p)) / 2)


AHEAD = {**BOTH, "num_cycles": 0.8, "min_lr_rate": 0.2}
peer("transformers: get_cosine_with_min_lr_schedule_with_warmup_lr_rate(warmup_lr_rate=None)", AHEAD)(ahead)
peer("transformers: get_cosine_with_min_lr_schedule_with_warmup_lr_rate()", {**AHEAD, "warmup_lr_rate": 0.3})(ahead)


def hf_wsd(t, b, num_warmup_steps, num_stable_steps, num_decay_steps, warmup_type, min_lr_ratio, fall):
    if t < num_warmup_steps:
        return b * lerp(min_lr_ratio, 1.0, RISE[warmup_type](t / num_warmup_steps))
    t -= num_warmup_steps + num_stable_steps
    if t < 0:
        return b
    return b * (lerp(min_lr_ratio, 1.0, fall(t / num_decay_steps)) if t < num_decay_steps else min_lr_ratio)


WSD = {"num_warmup_steps": 13, "num_stable_steps": 20, "num_decay_steps": 40, "min_lr_ratio": 0.1}
HF_WSD = [{**WSD, "warmup_type": shape} for shape in ("linear", "cosine", "1-sqrt")]
peer("transformers: get_wsd_schedule(decay_type='cosine')", *({**one, "num_cycles": 0.8} for one in HF_WSD))(
    lambda t, b, num_cycles, **given: hf_wsd(t, b, fall=lambda p: (1 + cos(2 * pi * num_cycles * p)) / 2, **given)
)
peer("transformers: get_wsd_schedule()", *({**one, "decay_type": shape} for one in HF_WSD for shape in ("linear", "1-sqrt")))(
    lambda t, b, decay_type, **given: hf_wsd(t, b, fall=FALL[decay_type], **given)
)
peer("transformers: AdafactorSchedule()", {"warmup_init": False}, {"warmup_init": True})(
    lambda t, b, warmup_init: b * min(1e-6 * (t + 1) if warmup_init else 1e-2, 1 / sqrt(t + 1))
)

# ---- timm

TIMM_WARM = {"warmup_t": 9, "warmup_lr_init": 0.02}
CYCLES = {"lr_min": 0.01, "cycle_mul": 2.0, "cycle_decay": 0.6, "cycle_limit": 2, "t_initial": 21, **TIMM_WARM}
SINGLE = {**CYCLES, "cycle_mul": 1.0, "cycle_decay": 1.0, "cycle_limit": 1, "t_initial": 60}


def timm_cycles(shape):
    def at(t, b, t_initial, lr_min, cycle_mul, cycle_decay, cycle_limit, **given):
        i, s, n = restart(t, t_initial, cycle_mul)
        return lr_min + (b * cycle_decay**i - lr_min) * shape(s, n, **given) if i < cycle_limit else lr_min

    def prefix(t, b, warmup_t, warmup_lr_init, **given):
        return lerp(warmup_lr_init, b, t / warmup_t) if t < warmup_t else at(t - warmup_t, b, **given)

    def behind(t, b, warmup_t, warmup_lr_init, **given):
        aim = at(warmup_t, b, **given) if "lb" in given else b
        return lerp(warmup_lr_init, aim, t / warmup_t) if t < warmup_t else at(t, b, **given)

    return prefix, behind


for name, shape, more in (
    ("Cosine", lambda s, n, k_decay: (1 + cos(pi * s**k_decay / n**k_decay)) / 2, {"k_decay": 1.3}),
    ("Poly", lambda s, n, k_decay, power: (1 - s**k_decay / n**k_decay) ** power, {"k_decay": 1.3, "power": 0.5}),
    ("Tanh", lambda s, n, lb, ub: (1 - tanh(lb * (1 - s / n) + ub * s / n)) / 2, {"lb": -6.0, "ub": 4.0}),
):
    for flag, formula in zip((True, False), timm_cycles(shape), strict=True):
        peer(f"timm: {name}LRScheduler(warmup_prefix={flag})", {**CYCLES, **more}, {**SINGLE, **more})(formula)


@peer("timm: StepLRScheduler(warmup_prefix=True)", {"decay_t": 12.5, "decay_rate": 0.5, **TIMM_WARM})
def _(t, b, decay_t, decay_rate, warmup_t, warmup_lr_init):
    return lerp(warmup_lr_init, b, t / warmup_t) if t < warmup_t else b * decay_rate ** ((t - warmup_t) // decay_t)


@peer("timm: MultiStepLRScheduler(warmup_prefix=True)", {"decay_t": [1, 20, 50], "decay_rate": 0.5, **TIMM_WARM})
def _(t, b, decay_t, decay_rate, warmup_t, warmup_lr_init):
    return (
        lerp(warmup_lr_init, b, t / warmup_t) if t < warmup_t else b * decay_rate ** sum(m <= t - warmup_t + 1 for m in decay_t)
    )


def timm_wsd(
    t, b, t_initial, decay_t, lr_min, decay_fn, decay_power, decay_ratio, warmup_t, warmup_lr_init, stable_timescale=math.inf
):
    if t < warmup_t:
        return lerp(warmup_lr_init, b, t / warmup_t)
    t -= warmup_t
    stable = max(b * (1 + t / stable_timescale) ** -0.5, lr_min)
    p, r = min(max(t - (t_initial - decay_t), 0) / decay_t, 1), decay_ratio
    fall = {**FALL, "power": lambda p: 1 - p**decay_power, "exp": lambda p: (r**p - r) / (1 - r)}[decay_fn]
    return lr_min + (stable - lr_min) * fall(p)


TIMM_WSD = [
    {"t_initial": 60, "decay_t": 25, "lr_min": 0.01, "decay_fn": fn, "decay_power": 0.7, "decay_ratio": 0.2, **TIMM_WARM}
    for fn in ("linear", "1-sqrt", "cosine", "power", "exp")
]
peer("timm: WSDLRScheduler(stable_fn='constant')", *TIMM_WSD)(timm_wsd)
peer(
    "timm: WSDLRScheduler(stable_fn='rsqrt')",
    *({**one, "stable_timescale": 9.0, "lr_min": low} for one in TIMM_WSD for low in (0.01, 0.06)),
)(timm_wsd)

# ---- fvcore, fastai: progress

RUN = {"steps": 60}


def progress(formula):
    """Of ``where``, which must be below 1."""

    def at(t, b, steps, **given):
        return formula(t / steps, **given)

    return at


def stopping(formula):
    def at(p, **given):
        if p >= 1:
            raise RuntimeError("where must be in [0, 1)")
        return formula(p, **given)

    return progress(at)


ENDS = {"start_value": 0.3, "end_value": 0.02, **RUN}
peer("fvcore: ConstantParamScheduler()", {"value": 0.3, **RUN}, until="steps")(stopping(lambda p, value: value))
peer("fvcore: CosineParamScheduler()", ENDS, {**ENDS, "start_value": 0.01, "end_value": 0.3})(
    progress(lambda p, start_value, end_value: cosi(start_value, end_value, p))
)
peer("fvcore: ExponentialParamScheduler()", {"start_value": 2.0, "decay": 0.02, **RUN})(
    progress(lambda p, start_value, decay: start_value * decay**p)
)
peer("fvcore: LinearParamScheduler()", ENDS, {**ENDS, "start_value": 0.0, "end_value": 0.3}, until="steps")(
    progress(lambda p, start_value, end_value: end_value * p + start_value * (1 - p))
)
peer("fvcore: PolynomialDecayParamScheduler()", {"base_value": 0.3, "power": 0.9, **RUN}, until="steps")(
    progress(lambda p, base_value, power: base_value * (1 - p) ** power)
)
VALUES = {"values": [0.3, 0.5, 0.1], "num_updates": 30, **RUN}
peer(
    "fvcore: MultiStepParamScheduler()",
    {**VALUES, "milestones": [7, 20]},
    {**VALUES, "milestones": [1, 2], "num_updates": 60},
    until="steps",
)(stopping(lambda p, values, num_updates, milestones: values[bisect_right(milestones, int((p + 1e-6) * num_updates))]))
peer("fvcore: MultiStepParamScheduler(milestones=None)", VALUES, {**VALUES, "num_updates": 100}, until="steps")(
    stopping(lambda p, values, num_updates: values[int((p + 1e-6) * num_updates) // math.ceil(num_updates / len(values))])
)
peer("fvcore: StepParamScheduler()", VALUES, {**VALUES, "values": [0.3, 0.5, 0.1, 0.2, 0.05, 0.7, 0.01]}, until="steps")(
    stopping(lambda p, values, num_updates: values[int((p + 1e-6) * len(values))])
)
peer(
    "fvcore: StepWithFixedGammaParamScheduler()",
    {"base_value": 0.3, "num_decays": 3, "gamma": 0.2, "num_updates": 60, **RUN},
    until="steps",
)(stopping(lambda p, base_value, num_decays, gamma, num_updates: base_value * gamma ** int((p + 1e-6) * (num_decays + 1))))
WHOLE = {"first": Absolute(1.0) * Linear(60, 0.05, 0.3), "second": Absolute(0.3) * Cosine(60, 0.01, hold=False), **RUN}
SHARES = {**WHOLE, "share": 0.3, "rest": 0.7}


@peer("fvcore: CompositeParamScheduler(interval_scaling='rescaled')", SHARES)
def _(t, b, first, second, share, rest, steps):
    p = t / steps
    return first(p / share * steps) if p + 1e-6 <= share else second((p - share) / rest * steps)


@peer("fvcore: CompositeParamScheduler(interval_scaling='fixed')", SHARES)
def _(t, b, first, second, share, rest, steps):
    return first(t) if t / steps + 1e-6 <= share else second(t)


FAST = {"start": 0.3, "end": 0.02, **RUN}
peer("fastai: SchedNo()", FAST)(progress(lambda p, start, end: start))
peer("fastai: SchedLin()", FAST, until="steps")(progress(lambda p, start, end: start + p * (end - start)))
peer("fastai: SchedCos()", FAST)(progress(lambda p, start, end: cosi(start, end, p)))
peer("fastai: SchedExp()", FAST)(progress(lambda p, start, end: start * (end / start) ** p))
peer("fastai: SchedPoly()", {**FAST, "power": 2}, {**FAST, "end": 0.6, "power": 0.5}, until="steps")(
    progress(lambda p, start, end, power: start + (end - start) * p**power)
)


@peer("fastai: combine_scheds()", {**SHARES, "share": 0.25, "rest": 0.75})
def _(t, b, first, second, share, rest, steps):
    p = t / steps
    return first(p / share * steps) if p < share else second((p - share) / rest * steps)


def combined(p, pct, start, middle, end):
    if p > 1:
        raise RuntimeError("the fit is over")
    return cosi(start, middle, p / pct) if p < pct else cosi(middle, end, (p - pct) / (1 - pct))


peer("fastai: combined_cos()", {"pct": 0.25, "start": 0.1, "middle": 0.4, "end": 0.01, **RUN}, until="steps")(
    progress(combined)
)
peer("fastai: fit_one_cycle()", {"lr_max": 0.4, "div": 25.0, "div_final": 1e3, "pct_start": 0.25, **RUN}, until="steps")(
    progress(lambda p, lr_max, div, div_final, pct_start: combined(p, pct_start, lr_max / div, lr_max, lr_max / div_final))
)
peer("fastai: fit_one_cycle(lr_max=None)", {"moms": (0.95, 0.85, 0.95), "pct_start": 0.25, **RUN}, until="steps")(
    progress(lambda p, moms, pct_start: combined(p, pct_start, *moms))
)


peer("fastai: fit_flat_cos()", {"lr": 0.4, "div_final": 1e3, "pct_start": 0.75, **RUN}, until="steps")(
    progress(lambda p, lr, div_final, pct_start: combined(p, pct_start, lr, lr, lr / div_final))
)


@peer("fastai: fit_sgdr()", {"n_cycles": 3, "cycle_len": 2, "cycle_mult": 2, "lr_max": 0.4, "steps_per_epoch": 5})
def _(t, b, n_cycles, cycle_len, cycle_mult, lr_max, steps_per_epoch):
    i, s, n = restart(t / steps_per_epoch, cycle_len, cycle_mult)
    return cosi(lr_max, 0.0, s / n) if i < n_cycles else 0.0


peer("fastai: LRFinder()", {"start_lr": 1e-7, "end_lr": 10, "num_it": 100})(
    lambda t, b, start_lr, end_lr, num_it: start_lr * (end_lr / start_lr) ** (t / num_it)
)

# ---- ignite


@peer("ignite: LinearCyclicalScheduler(monotonic=False)", {"start_value": 0.3, "end_value": 0.02, "cycle_size": 15})
def _(t, b, start_value, end_value, cycle_size):
    return end_value + (start_value - end_value) * abs(t % cycle_size / cycle_size - 0.5) * 2


IGNITE = {"start_value": 0.3, "end_value": 0.02, "cycle_size": 15, "warmup_duration": 6}


@peer("ignite: LinearCyclicalScheduler(monotonic=True)", IGNITE)
def _(t, b, start_value, end_value, cycle_size, warmup_duration):
    s = t % (cycle_size + warmup_duration)
    return (
        lerp(start_value, end_value, s / cycle_size)
        if s <= cycle_size
        else lerp(end_value, start_value, (s - cycle_size) / warmup_duration)
    )


@peer("ignite: CosineAnnealingScheduler()", IGNITE)
def _(t, b, start_value, end_value, cycle_size, warmup_duration):
    s = t % (cycle_size + warmup_duration)
    return (
        cosi(start_value, end_value, s / cycle_size)
        if s <= cycle_size
        else lerp(end_value, start_value, (s - cycle_size) / warmup_duration)
    )


@peer(
    "ignite: CosineAnnealingScheduler(warmup_duration=0)",
    {
        "start_value": 0.3,
        "end_value": 0.02,
        "cycle_size": 10,
        "cycle_mult": 2.0,
        "start_value_mult": 0.7,
        "end_value_mult": 0.5,
    },
)
def _(t, b, start_value, end_value, cycle_size, cycle_mult, start_value_mult, end_value_mult):
    i, s, n = restart(t, cycle_size, cycle_mult)
    return cosi(start_value * start_value_mult**i, end_value * end_value_mult**i, s / n)


KNOTS = {"milestones_values": [(5, 0.1), (20, 0.5), (21, 0.4), (60, 0.05)]}


def ignite_knots(t, b, milestones_values):
    return knots(t, [m for m, _ in milestones_values], [v for _, v in milestones_values], "linear")


peer("ignite: PiecewiseLinear()", KNOTS)(ignite_knots)
peer("ignite: PiecewiseLinearStateScheduler()", KNOTS)(
    lambda t, b, milestones_values: ignite_knots(t + 1, b, milestones_values)
)
peer("ignite: ConcatScheduler()", {**ABSOLUTE_PAIR, "duration": 33})(
    lambda t, b, first, second, duration: joined(t, b, first, second, duration)
)


@peer(
    "ignite: create_lr_scheduler_with_warmup()",
    {"lr_scheduler": Exponential(0.98), "warmup_start_value": 0.01, "warmup_duration": 12},
)
def _(t, b, lr_scheduler, warmup_start_value, warmup_duration):
    w = warmup_duration - 1
    return lerp(warmup_start_value, b, t / w) if t < w else lr_scheduler(t - w, b)


peer("ignite: ExpStateScheduler()", {"initial_value": 0.3, "gamma": 0.9})(
    lambda t, b, initial_value, gamma: initial_value * gamma ** (t + 1)
)
peer("ignite: StepStateScheduler()", {"initial_value": 0.3, "gamma": 0.9, "step_size": 7})(
    lambda t, b, initial_value, gamma, step_size: initial_value * gamma ** ((t + 1) // step_size)
)
peer("ignite: MultiStepStateScheduler()", {"initial_value": 0.3, "gamma": 0.9, "milestones": [3, 6, 50]})(
    lambda t, b, initial_value, gamma, milestones: initial_value * gamma ** sum(m <= t + 1 for m in milestones)
)
peer("ignite: LambdaStateScheduler()", {"lambda_obj": lambda t: 0.9**t})(lambda t, b, lambda_obj: 0.9 ** (t + 1))

# ---- mmengine: s counts from begin, and what is written last stays


def window(formula):
    def at(t, b, begin, end, **given):
        return b if t < begin else formula(min(t, end - 1) - begin, b, end - begin - 1, **given)

    return at


WINDOW, ALL = {"begin": 9, "end": 60}, {"begin": 0, "end": 70}
peer("mmengine: ConstantLR()", {"factor": 0.3, **WINDOW}, {"factor": 0.3, **ALL})(
    window(lambda s, b, n, factor: b * factor if s < n else b)
)
peer(
    "mmengine: LinearLR()", {"start_factor": 0.3, "end_factor": 0.9, **WINDOW}, {"start_factor": 1.0, "end_factor": 0.0, **ALL}
)(window(lambda s, b, n, start_factor, end_factor: b * lerp(start_factor, end_factor, s / n)))
peer("mmengine: PolyLR()", {"power": 2.0, "eta_min": 0.01, **WINDOW}, {"power": 0.9, "eta_min": 0.0, **ALL})(
    window(lambda s, b, n, power, eta_min: eta_min + (b - eta_min) * (1 - s / n) ** power)
)
peer("mmengine: StepLR()", {"step_size": 10, "gamma": 0.5, **WINDOW}, {"step_size": 13, "gamma": 0.5, **ALL, "end": 65})(
    window(lambda s, b, n, step_size, gamma: b * gamma ** (s // step_size))
)
peer("mmengine: MultiStepLR()", {"milestones": [30, 0, 50, 51, 30], "gamma": 0.5, **WINDOW})(
    window(lambda s, b, n, milestones, gamma: b * gamma ** sum(m <= s for m in milestones))
)
peer("mmengine: ExponentialLR()", {"gamma": 0.95, **WINDOW})(window(lambda s, b, n, gamma: b * gamma**s))
peer("mmengine: CosineAnnealingLR()", {"T_max": 51, "eta_min": 0.01, **WINDOW}, {"T_max": 20, "eta_min": 0.01, **ALL})(
    window(lambda s, b, n, T_max, eta_min: cosi(b, eta_min, s / T_max))
)
peer("mmengine: CosineAnnealingLR(eta_min=None)", {"T_max": 20, "eta_min_ratio": 0.1, **WINDOW})(
    window(lambda s, b, n, T_max, eta_min_ratio: cosi(b, eta_min_ratio * b, s / T_max))
)


@window
def cosine_restart(s, b, n, periods, restart_weights, eta_min):
    s = min(s, sum(periods) - 1)
    for period, weight in zip(periods, restart_weights, strict=True):
        if s < period:
            return cosi(b * weight, eta_min, s / period)
        s -= period
    raise AssertionError


RESTARTS = {"periods": [10, 20, 15], "restart_weights": [1.0, 0.5, 0.7], "eta_min": 0.01}
peer("mmengine: CosineRestartLR()", {**RESTARTS, **WINDOW}, {**RESTARTS, **WINDOW, "end": 40})(cosine_restart)


@peer(
    "mmengine: OneCycleLR()",
    *({"eta_max": 0.5, "div_factor": 20, "final_div_factor": 300, **one} for one in PHASES),
    until="total_steps",
)
def _(t, b, eta_max, total_steps, pct_start, anneal_strategy, div_factor, final_div_factor, three_phase):
    if t >= total_steps:
        raise ValueError
    values = eta_max / div_factor, eta_max, eta_max / div_factor / final_div_factor
    return one_cycle(t, total_steps, pct_start, anneal_strategy, values, three_phase)


# ---- Megatron-LM, from the facts: the warm-up includes t = w, min_lr after lr_decay_steps

MEGATRON = {"init_lr": 0.01, "max_lr": 0.4, "lr_warmup_steps": 13}
DECAYS = {**MEGATRON, "min_lr": 0.02, "lr_decay_steps": 70}


def megatron(coefficient):
    def at(t, b, max_lr, init_lr=0.0, min_lr=0.0, lr_warmup_steps=0, lr_decay_steps=0, **given):
        w, n = lr_warmup_steps, lr_decay_steps
        if w > 0 and t <= w:
            return init_lr + (max_lr - init_lr) * t / w
        if n and t > n:
            return min_lr
        return coefficient(t, w, n, max_lr, min_lr, **given)

    return at


KEY = "Megatron-LM: OptimizerParamScheduler({})".format
peer(KEY("lr_decay_style='constant'"), MEGATRON, {**MEGATRON, "lr_warmup_steps": 0})(megatron(lambda t, w, n, high, low: high))
peer(KEY("lr_decay_style='linear'"), DECAYS, {**DECAYS, "lr_warmup_steps": 0})(
    megatron(lambda t, w, n, high, low: low + (high - low) * (1 - (t - w) / (n - w)))
)
peer(KEY("lr_decay_style='cosine'"), DECAYS)(megatron(lambda t, w, n, high, low: cosi(high, low, (t - w) / (n - w))))


def megatron_rsqrt(t, w, n, high, low):
    return max(low, high * sqrt(max(w, 1)) / sqrt(max(t, 1)))


peer(KEY("lr_decay_style='inverse-square-root'"), DECAYS, {**DECAYS, "min_lr": 0.2})(megatron(megatron_rsqrt))
COLD = [{"max_lr": 0.4, "min_lr": low, "lr_decay_steps": 70} for low in (0.01, 0.06)]
peer(KEY("lr_decay_style='inverse-square-root', lr_warmup_steps=0"), *COLD)(megatron(megatron_rsqrt))


def megatron_wsd(t, w, n, high, low, wsd_decay_steps, lr_wsd_decay_style):
    p = max(t - (n - wsd_decay_steps), 0) / wsd_decay_steps
    return low + (high - low) * FALL[lr_wsd_decay_style](p)


peer(
    KEY("lr_decay_style='WSD'"),
    *(
        {**DECAYS, "wsd_decay_steps": 25, "lr_wsd_decay_style": one}
        for one in ("linear", "cosine", "exponential", "minus_sqrt")
    ),
)(megatron(megatron_wsd))
WD = {"start_wd": 0.01, "end_wd": 0.1, "wd_incr_steps": 60}
peer(KEY("wd_incr_style='linear'"), WD)(
    lambda t, b, start_wd, end_wd, wd_incr_steps: start_wd + (end_wd - start_wd) * min(t / wd_incr_steps, 1)
)
peer(KEY("wd_incr_style='cosine'"), WD)(
    lambda t, b, start_wd, end_wd, wd_incr_steps: (
        start_wd + (end_wd - start_wd) * (1 + cos(pi * (1 - min(t / wd_incr_steps, 1)))) / 2
    )
)

# ---- DeepSpeed: its index is t - 1


@peer(
    "DeepSpeed: LRRangeTest()",
    *(
        {
            "lr_range_test_min_lr": 0.01,
            "lr_range_test_step_size": 7,
            "lr_range_test_step_rate": 0.5,
            "lr_range_test_staircase": stairs,
        }
        for stairs in (False, True)
    ),
)
def _(t, b, lr_range_test_min_lr, lr_range_test_step_size, lr_range_test_step_rate, lr_range_test_staircase):
    x = t / lr_range_test_step_size
    return lr_range_test_min_lr * (1 + lr_range_test_step_rate * (floor(x) if lr_range_test_staircase else x))


def ds_height(t, up, down, first_stairs=0, second_stairs=0):
    if t <= up:
        return floor(t * first_stairs / up) / first_stairs if first_stairs else t / up
    left = up + down - t
    return floor(left * second_stairs / down) / second_stairs if second_stairs else left / down


SIZES = {"cycle_first_step_size": 12, "cycle_second_step_size": 30}
DS = {"cycle_min_lr": 0.05, "cycle_max_lr": 0.4, **SIZES}


@peer("DeepSpeed: OneCycle(cycle_first_stair_count=0)", {**DS, "decay_lr_rate": 0.5, "decay_step_size": 4})
def _(t, b, cycle_min_lr, cycle_max_lr, decay_lr_rate, cycle_first_step_size, cycle_second_step_size, decay_step_size):
    up, down = cycle_first_step_size, cycle_second_step_size
    if t <= up + down:
        return lerp(cycle_min_lr, cycle_max_lr, ds_height(t, up, down))
    return cycle_min_lr / (1 + decay_lr_rate * (t - up - down) / decay_step_size)


@peer("DeepSpeed: OneCycle(decay_step_size=0)", {**DS, "cycle_first_stair_count": 4, "cycle_second_stair_count": 5})
def _(
    t,
    b,
    cycle_min_lr,
    cycle_max_lr,
    cycle_first_step_size,
    cycle_second_step_size,
    cycle_first_stair_count,
    cycle_second_stair_count,
):
    up, down = cycle_first_step_size, cycle_second_step_size
    height = ds_height(t, up, down, cycle_first_stair_count, cycle_second_stair_count) if t < up + down else 0.0
    return lerp(cycle_min_lr, cycle_max_lr, height)


@peer(
    "DeepSpeed: OneCycle(cycle_momentum=True)",
    {"cycle_min_mom": 0.8, "cycle_max_mom": 0.9, "decay_mom_rate": 0.01, "decay_step_size": 4, **SIZES},
)
def _(t, b, cycle_min_mom, cycle_max_mom, decay_mom_rate, cycle_first_step_size, cycle_second_step_size, decay_step_size):
    up, down = cycle_first_step_size, cycle_second_step_size
    if t == 0:
        return cycle_min_mom
    if t <= up + down:
        return lerp(cycle_max_mom, cycle_min_mom, ds_height(t, up, down))
    return cycle_max_mom * (1 + decay_mom_rate * (t - up - down) / decay_step_size)


def ds_rise(k, w, kind):
    return log(k + 1) / log(w) if kind == "log" else k / w


TYPES = ("log", "linear")
DS_WARM = [
    {"warmup_min_lr": 0.02, "warmup_max_lr": 0.4, "warmup_num_steps": w, "warmup_type": kind} for w in (1, 17) for kind in TYPES
]


@peer("DeepSpeed: WarmupLR()", *DS_WARM)
def _(t, b, warmup_min_lr, warmup_max_lr, warmup_num_steps, warmup_type):
    k, w = max(t - 1, 0), max(warmup_num_steps, 2)
    return lerp(warmup_min_lr, warmup_max_lr, ds_rise(k, w, warmup_type) if k < w else 1.0)


@peer("DeepSpeed: WarmupDecayLR()", *({**one, "total_num_steps": 66} for one in DS_WARM))
def _(t, b, total_num_steps, warmup_min_lr, warmup_max_lr, warmup_num_steps, warmup_type):
    k, w = max(t - 1, 0), max(warmup_num_steps, 2)
    height = ds_rise(k, w, warmup_type) if k < w else max(0, (total_num_steps - k) / (total_num_steps - w))
    return lerp(warmup_min_lr, warmup_max_lr, height)


@peer(
    "DeepSpeed: WarmupCosineLR()",
    *(
        {"total_num_steps": 66, "warmup_min_ratio": 0.1, "warmup_num_steps": w, "cos_min_ratio": 0.01, "warmup_type": kind}
        for w in (1, 17)
        for kind in TYPES
    ),
)
def _(t, b, total_num_steps, warmup_min_ratio, warmup_num_steps, cos_min_ratio, warmup_type):
    k, w = t - 1, max(warmup_num_steps, 2)
    if k < 0:
        return 0.0
    if k < w:
        return b * lerp(warmup_min_ratio, 1.0, ds_rise(k, w, warmup_type))
    return b * cosi(1.0, cos_min_ratio, min(1, (k - w + 1) / (total_num_steps - w)))


# ---- fairseq

FS = {"lr": 0.4, "warmup_updates": 13}
FS_INIT = {**FS, "warmup_init_lr": 0.02}
peer("fairseq: fixed()", FS)(lambda t, b, lr, warmup_updates: lr * (t + 1) / warmup_updates if t < warmup_updates else lr)
peer("fairseq: fixed(force_anneal=None, warmup_updates=0)", {"lrs": [0.4, 0.3, 0.1]})(
    lambda t, b, lrs: lrs[min(max(t, 1), len(lrs)) - 1]
)
peer("fairseq: fixed(warmup_updates=0)", {"lr": 0.4, "force_anneal": 20, "lr_shrink": 0.9})(
    lambda t, b, lr, force_anneal, lr_shrink: lr if t < force_anneal else lr * lr_shrink ** (t + 1 - force_anneal)
)


def fairseq(formula):
    def at(t, b, lr, warmup_updates, warmup_init_lr, **given):
        w = warmup_updates
        return warmup_init_lr + t * (lr - warmup_init_lr) / w if t < w else formula(t, w, lr, **given)

    return at


peer("fairseq: inverse_sqrt()", FS_INIT)(fairseq(lambda t, w, lr: lr * sqrt(w) * t**-0.5))


@peer("fairseq: polynomial_decay()", {**FS, "end_learning_rate": 0.02, "power": 2.0, "total_num_update": 70})
def _(t, b, lr, warmup_updates, end_learning_rate, power, total_num_update):
    w, n = warmup_updates, total_num_update
    if t <= w:
        return lr * t / w
    return end_learning_rate if t >= n else (lr - end_learning_rate) * (1 - (t - w) / (n - w)) ** power + end_learning_rate


peer("fairseq: step()", {**FS_INIT, "lr_deacy_period": 11, "lr_decay": 0.5, "min_lr": 0.02})(
    fairseq(lambda t, w, lr, lr_deacy_period, lr_decay, min_lr: max(lr * lr_decay ** ((t - w) // lr_deacy_period), min_lr))
)


def fairseq_triangle(t, lr, max_lr, lr_period_updates, lr_shrink, shrink_min):
    half = lr_period_updates // 2
    c = t // (2 * half)
    low, high = lr * (lr_shrink**c if shrink_min else 1), max_lr * lr_shrink**c
    return low + (high - low) * max(0, 1 - abs(t / half - 2 * (c + 1) + 1))


FS_TRIANGLE = [{"lr": 0.02, "max_lr": 0.4, "lr_period_updates": n, "lr_shrink": 0.7} for n in (20, 25)]
for flag in (False, True):
    peer(f"fairseq: triangular(shrink_min={flag})", *FS_TRIANGLE)(
        lambda t, b, flag=flag, **given: fairseq_triangle(t, shrink_min=flag, **given)
    )


def fairseq_cosine(t, w, lr, min_lr, lr_period_updates, t_mult, lr_shrink):
    i, s, n = restart(t - w, lr_period_updates, t_mult)
    return cosi(lr * lr_shrink**i, min_lr * lr_shrink**i, s / n)


FS_COSINE = {**FS_INIT, "min_lr": 0.04, "lr_shrink": 0.7}
peer(
    "fairseq: cosine()",
    {**FS_COSINE, "lr_period_updates": 12, "t_mult": 2},
    {**FS_COSINE, "lr_period_updates": 15, "t_mult": 1},
)(fairseq(fairseq_cosine))


@peer(
    "fairseq: tri_stage()",
    {"lr": 0.4, "warmup_steps": 13, "hold_steps": 20, "decay_steps": 30, "init_lr_scale": 0.02, "final_lr_scale": 0.05},
)
def _(t, b, lr, warmup_steps, hold_steps, decay_steps, init_lr_scale, final_lr_scale):
    if t < warmup_steps:
        return lr * lerp(init_lr_scale, 1.0, t / warmup_steps)
    k = t - warmup_steps - hold_steps
    return lr if k < 0 else lr * exp(log(final_lr_scale) * k / decay_steps) if k <= decay_steps else lr * final_lr_scale


peer("fairseq: manual()", {"update2lr": {0: 0.1, 30: 0.4, 7: 0.2, 8: 0.2}})(
    lambda t, b, update2lr: update2lr[max(k for k in update2lr if k <= t)]
)

# ---- composer

peer("composer: ConstantScheduler()", {"alpha": 0.3, "t_max": 40})(lambda t, b, alpha, t_max: b * alpha if t < t_max else b)
peer("composer: LinearScheduler()", {"alpha_i": 0.9, "alpha_f": 0.1, "t_max": 60})(
    lambda t, b, alpha_i, alpha_f, t_max: b * lerp(alpha_i, alpha_f, min(1, t / t_max))
)
peer("composer: StepScheduler()", {"step_size": 12, "gamma": 0.5})(lambda t, b, step_size, gamma: b * gamma ** (t // step_size))
peer("composer: MultiStepScheduler()", {"milestones": [50, 7, 20], "gamma": 0.5})(
    lambda t, b, milestones, gamma: b * gamma ** sum(m <= t for m in milestones)
)
peer("composer: ExponentialScheduler()", {"gamma": 0.5, "decay_period": 12})(
    lambda t, b, gamma, decay_period: b * gamma ** (t / decay_period)
)
peer("composer: PolynomialScheduler()", {"power": 2.0, "t_max": 60, "alpha_f": 0.1})(
    lambda t, b, power, t_max, alpha_f: b * (alpha_f + (1 - alpha_f) * (1 - min(1, t / t_max)) ** power)
)
peer("composer: CosineAnnealingScheduler()", {"t_max": 60, "alpha_f": 0.1})(
    lambda t, b, t_max, alpha_f: b * cosi(1.0, alpha_f, min(1, t / t_max))
)


@peer(
    "composer: CosineAnnealingWarmRestartsScheduler()",
    {"t_0": 7, "t_mult": 1.5, "alpha_f": 0.1, "cycles": 6},
    {"t_0": 10, "t_mult": 1.0, "alpha_f": 0.0, "cycles": 10},
)
def _(t, b, t_0, t_mult, alpha_f, cycles):
    n = t_0
    while t >= n:
        t, n = t - n, int(t_mult * n)
    return b * cosi(1.0, alpha_f, t / n)


@peer("composer: MultiStepWithWarmupScheduler()", {"t_warmup": 13, "milestones": [50, 7, 20], "gamma": 0.5})
def _(t, b, t_warmup, milestones, gamma):
    return b * (t / t_warmup if t < t_warmup else gamma ** sum(m <= t for m in milestones))


def composer(fall):
    def at(t, b, t_warmup, t_max=math.inf, alpha_i=1.0, alpha_f=0.0, **given):
        if t < t_warmup:
            return b * alpha_i * t / t_warmup
        return b * lerp(alpha_f, alpha_i, fall(min(1, (t - t_warmup) / (t_max - t_warmup)), **given))

    return at


COMPOSER = {"t_warmup": 13, "t_max": 66, "alpha_f": 0.1}
peer("composer: ConstantWithWarmupScheduler()", {"t_warmup": 13, "alpha": 0.7})(
    lambda t, b, t_warmup, alpha: b * alpha * min(1, t / t_warmup)
)
peer("composer: LinearWithWarmupScheduler()", {**COMPOSER, "alpha_i": 0.9})(composer(lambda p: 1 - p))
peer("composer: CosineAnnealingWithWarmupScheduler()", COMPOSER)(composer(lambda p: (1 + cos(pi * p)) / 2))
peer("composer: PolynomialWithWarmupScheduler()", {**COMPOSER, "power": 2.0})(composer(lambda p, power: (1 - p) ** power))


# ---- pytorch_optimizer: t = 0 is after construction

PO = {"t_max": 65, "max_lr": 0.4, "min_lr": 0.01, "init_lr": 0.02, "warmup_steps": 13}


def po(fall):
    def at(t, b, max_lr, min_lr, init_lr, warmup_steps, **given):
        if t == 0:
            return min_lr
        t, w = t - 1, warmup_steps
        if t < w:
            return init_lr + (max_lr - init_lr) * t / w
        return max_lr if t == w else fall(t, w, max_lr, min_lr, **given)

    return at


peer("pytorch_optimizer: LinearScheduler()", PO, {**PO, "warmup_steps": 0}, until="t_max")(
    po(lambda t, w, high, low, t_max: high + (low - high) * (t - w) / (t_max - w))
)
peer("pytorch_optimizer: CosineScheduler()", PO)(po(lambda t, w, high, low, t_max: cosi(high, low, (t - w) / (t_max - w))))
peer(
    "pytorch_optimizer: PolyScheduler()", {**PO, "poly_order": 0.5}, {**PO, "poly_order": 1.5, "warmup_steps": 0}, until="t_max"
)(po(lambda t, w, high, low, t_max, poly_order: low + (high - low) * (t - w) ** poly_order))


@peer(
    "pytorch_optimizer: CosineAnnealingWarmupRestarts()",
    {"first_cycle_steps": 17, "cycle_mult": 1.3, "max_lr": 0.4, "min_lr": 0.01, "warmup_steps": 4, "gamma": 0.8, "cycles": 6},
    {"first_cycle_steps": 20, "cycle_mult": 1.0, "max_lr": 0.4, "min_lr": 0.01, "warmup_steps": 0, "gamma": 0.9, "cycles": 6},
    {"first_cycle_steps": 12, "cycle_mult": 0.5, "max_lr": 0.4, "min_lr": 0.01, "warmup_steps": 2, "gamma": 0.95, "cycles": 30},
)
def _(t, b, first_cycle_steps, cycle_mult, max_lr, min_lr, warmup_steps, gamma, cycles):
    if t == 0:
        return min_lr
    n, w, high = first_cycle_steps, warmup_steps, max_lr
    while t >= n:
        t, n, high = t - n, max(1, int((n - w) * cycle_mult)) + w, high * gamma
    return lerp(min_lr, high, t / w) if t < w else cosi(high, min_lr, (t - w) / (n - w))


@peer("pytorch_optimizer: REXScheduler()", {"total_steps": 60, "max_lr": 0.4, "min_lr": 0.01})
def _(t, b, total_steps, max_lr, min_lr):
    p = min(t / total_steps, 1)
    return min_lr if t == 0 else min_lr + (max_lr - min_lr) * (1 - p) / (1 - p / 2)


@peer(
    "pytorch_optimizer: ProportionScheduler()",
    {"lr_scheduler": Cosine(60, 0.02), "max_lr": 0.3, "min_lr": 0.01, "max_value": 2.0, "min_value": 1.0},
)
def _(t, b, lr_scheduler, max_lr, min_lr, max_value, min_value):
    return min_value + (max_value - min_value) * (lr_scheduler(t, b) - min_lr) / (max_lr - min_lr)


@peer("pytorch_optimizer: get_chebyshev_schedule()", *({"num_epochs": n} for n in (5, 8, 9, 33, 64)))
def _(t, b, num_epochs):
    n = 1
    while n < num_epochs:
        n *= 2
    order = [0]
    while len(order) < n:
        order = [k for j in order for k in (j, 2 * len(order) - 1 - j)]
    theta = (order[min(max(t - 2, 0), n - 1)] + 0.5) * pi / n
    return b / (1.05 / 2 - 0.95 / 2 * cos(theta))


def po_wsd(t, b, num_warmup_steps, num_stable_steps, num_decay_steps, min_lr_ratio, fall):
    if t < num_warmup_steps:
        return b * t / num_warmup_steps
    t -= num_warmup_steps + num_stable_steps
    return b if t < 0 else b * fall(t / num_decay_steps) if t < num_decay_steps else b * min_lr_ratio


peer("pytorch_optimizer: get_wsd_schedule()", *({**WSD, "cooldown_type": one} for one in ("1-sqrt", "linear", "1-square")))(
    lambda t, b, cooldown_type, **given: po_wsd(t, b, fall=FALL[cooldown_type], **given)
)
peer("pytorch_optimizer: get_wsd_schedule(cooldown_type='cosine')", {**WSD, "num_cycles": 0.5}, {**WSD, "num_cycles": 1.5})(
    lambda t, b, num_cycles, min_lr_ratio, **given: po_wsd(
        t, b, min_lr_ratio=min_lr_ratio, fall=lambda p: cosi(1.0, min_lr_ratio, 2 * num_cycles * p), **given
    )
)

# ---- pytorch-scheduler


def ps(fall, from_min=False):
    """Warm-up from 0, or from min_lr, to the base; then a function of progress, and min_lr."""

    def at(t, b, total_steps, min_lr=0.0, warmup_steps=0, **given):
        if t < warmup_steps:
            return lerp(min_lr if from_min else 0.0, b, t / warmup_steps)
        n = total_steps - warmup_steps
        return fall(min(t - warmup_steps, n), n, b, min_lr, **given)

    return at


PS = {"total_steps": 66, "min_lr": 0.01}
PS_WARM = {**PS, "warmup_steps": 13}
PS_COLD = {**PS, "warmup_steps": 0}
NAME = "pytorch-scheduler: {}".format
peer(NAME("IdentityScheduler()"))(lambda t, b: b)
peer(NAME("LinearDecayScheduler()"), PS_WARM, PS_COLD)(ps(lambda s, n, b, low: lerp(b, low, s / n)))
peer(NAME("CosineWithWarmupScheduler()"), PS_WARM, PS_COLD)(ps(lambda s, n, b, low: cosi(b, low, s / n)))
peer(NAME("PolynomialScheduler(cycle=False)"), {**PS_WARM, "power": 2.0}, {**PS_COLD, "power": 0.5})(
    ps(lambda s, n, b, low, power: low + (b - low) * (1 - s / n) ** power)
)


@peer(
    NAME("PolynomialScheduler(cycle=True)"),
    {**PS_WARM, "total_steps": 31, "power": 2.0},
    {**PS_COLD, "total_steps": 31, "power": 0.5},
)
def _(t, b, total_steps, power, min_lr, warmup_steps):
    t, w = t % total_steps, warmup_steps
    return b * t / w if t < w else min_lr + (b - min_lr) * (1 - (t - w) / (total_steps - w)) ** power


peer(NAME("InverseSqrtScheduler()"), {"warmup_steps": 13})(
    lambda t, b, warmup_steps: b * sqrt(warmup_steps) * min(t**-0.5, t * warmup_steps**-1.5) if t else 0.0
)


def ps_power(t, b, total_steps, alpha, min_lr, warmup_steps=0):
    w = warmup_steps
    if t < w:
        return b * t / w
    return max(b * (t / w) ** -alpha if w else b * (t + 1) ** -alpha, min_lr)


peer(NAME("PowerDecayScheduler()"), {**PS_WARM, "alpha": 0.7}, {**PS_WARM, "min_lr": 0.09, "alpha": 0.5})(ps_power)
peer(NAME("PowerDecayScheduler(warmup_steps=0)"), {**PS, "alpha": 0.7})(ps_power)
peer(NAME("KDecayScheduler()"), {**PS, "k": 1.7}, {**PS, "k": 0.4})(ps(lambda s, n, b, low, k: cosi(b, low, (s / n) ** k)))


@peer(NAME("FlatCosineScheduler()"), {**PS, "flat_fraction": 0.7}, {**PS, "flat_fraction": 0.0})
def _(t, b, total_steps, flat_fraction, min_lr):
    flat = floor(total_steps * flat_fraction)
    return b if t <= flat else cosi(b, min_lr, min((t - flat) / (total_steps - flat), 1))


@peer(NAME("WarmupHoldCosineScheduler()"), {**PS_WARM, "hold_steps": 20}, {**PS_COLD, "hold_steps": 0})
def _(t, b, total_steps, warmup_steps, hold_steps, min_lr):
    since = warmup_steps + hold_steps
    return b * t / warmup_steps if t < warmup_steps else cosi(b, min_lr, min(max(t - since, 0) / (total_steps - since), 1))


@peer(NAME("WSDScheduler()"), *({**PS_WARM, "stable_steps": 20, "decay_type": one} for one in ("cosine", "linear", "sqrt")))
def _(t, b, total_steps, warmup_steps, stable_steps, min_lr, decay_type):
    since = warmup_steps + stable_steps
    if t < warmup_steps:
        return b * t / warmup_steps
    return min_lr + (b - min_lr) * FALL[decay_type](min(max(t - since, 0) / (total_steps - since), 1))


@peer(NAME("TrapezoidalScheduler()"), {**PS_WARM, "decay_steps": 20}, {**PS_COLD, "decay_steps": 66})
def _(t, b, total_steps, warmup_steps, decay_steps, min_lr):
    since = total_steps - decay_steps
    return b * t / warmup_steps if t < warmup_steps else lerp(b, min_lr, min(max(t - since, 0) / decay_steps, 1))


@peer(
    NAME("SlantedTriangularScheduler()"),
    {"total_steps": 66, "cut_frac": 0.2, "ratio": 16.0},
    {"total_steps": 66, "cut_frac": 0.1, "ratio": 32.0},
)
def _(t, b, total_steps, cut_frac, ratio):
    cut = floor(total_steps * cut_frac)
    p = t / cut if t < cut else max(0, 1 - (t - cut) / (total_steps - cut))
    return b * (1 + p * (ratio - 1)) / ratio


peer(NAME("RexScheduler()"), {"total_steps": 66})(ps(lambda s, n, b, low: b * (1 - s / n) / (1 - s / n / 2)))
peer(NAME("TanhDecayScheduler()"), {**PS, "steepness": 2.5})(
    ps(lambda s, n, b, low, steepness: low + (b - low) * (1 - tanh(steepness * (2 * s / n - 1))) / 2 if s < n else low)
)


def hyperbola(x, n, bound):
    return sqrt((n - x) / bound * (2 - (n + x) / bound))


for name, curve in (
    (
        "HyperbolicLRScheduler",
        lambda s, n, b, low, upper_bound: b + (b - low) * (hyperbola(s, n, upper_bound) - hyperbola(0, n, upper_bound)),
    ),
    (
        "ExpHyperbolicLRScheduler",
        lambda s, n, b, low, upper_bound, lr=0: b * (b / low) ** (hyperbola(s, n, upper_bound) - hyperbola(0, n, upper_bound)),
    ),
):
    peer(NAME(f"{name}(warmup_steps=0)"), {**PS, "upper_bound": 66}, {**PS, "upper_bound": 100})(ps(curve))
    peer(NAME(f"{name}()"), {**PS_WARM, "upper_bound": 90})(ps(curve, from_min=True))
peer(NAME("ChebyshevScheduler()"), PS)(
    lambda t, b, total_steps, min_lr: cosi(b, min_lr, (2 * min(t, total_steps - 1) + 1) / (2 * total_steps))
)


@peer(
    NAME("CosineAnnealingWarmupRestarts()"),
    {"first_cycle_steps": 17, "cycle_mult": 1.3, "max_lr": 0.4, "min_lr": 0.01, "warmup_steps": 4, "gamma": 0.8, "cycles": 6},
    {"first_cycle_steps": 20, "cycle_mult": 1.0, "max_lr": 0.4, "min_lr": 0.01, "warmup_steps": 0, "gamma": 0.9, "cycles": 6},
)
def _(t, b, first_cycle_steps, warmup_steps, max_lr, min_lr, cycle_mult, gamma, cycles):
    i, n, w = 0, first_cycle_steps, warmup_steps
    while t >= n:
        t, i = t - n, i + 1
        n = int(first_cycle_steps * cycle_mult**i)
    high = max_lr * gamma**i
    return min_lr if t == 0 else lerp(min_lr, high, t / w) if t < w else cosi(high, min_lr, (t - w) / (n - w))


@peer(
    NAME("WarmupScheduler()"),
    *(
        {"base_scheduler": Cosine(50, 0.01), "warmup_steps": 13, "warmup_type": one}
        for one in ("linear", "cosine", "exponential")
    ),
)
def _(t, b, base_scheduler, warmup_steps, warmup_type):
    return b * RISE[warmup_type](t / warmup_steps) if t < warmup_steps else base_scheduler(t - warmup_steps, b)


peer(NAME("SequentialComposer()"), {**PAIR, "milestone": 33})(
    lambda t, b, first, second, milestone: joined(t, b, first, second, milestone)
)

# ---- lrsched

LRS = {"base_lr": 0.3, "total_steps": 61}
peer("lrsched: constant()", {"lr": 0.3})(lambda t, b, lr: lr)
peer("lrsched: step_decay()", {"base_lr": 0.3, "drop": 0.5, "step_size": 11})(
    lambda t, b, base_lr, drop, step_size: base_lr * drop ** (t // step_size)
)
peer("lrsched: multi_step()", {"base_lr": 0.3, "milestones": [50, 7, 20], "gamma": 0.5})(
    lambda t, b, base_lr, milestones, gamma: base_lr * gamma ** sum(m <= t for m in milestones)
)
peer("lrsched: exponential()", {"base_lr": 0.3, "gamma": 0.95})(lambda t, b, base_lr, gamma: base_lr * gamma**t)
peer("lrsched: exponential_decay()", {"base_lr": 0.3, "decay_rate": 0.5, "decay_steps": 11})(
    lambda t, b, base_lr, decay_rate, decay_steps: base_lr * decay_rate ** (t / decay_steps)
)
peer("lrsched: linear()", {**LRS, "end_lr": 0.02})(
    lambda t, b, base_lr, end_lr, total_steps: lerp(base_lr, end_lr, min(t / total_steps, 1))
)
peer("lrsched: polynomial()", {**LRS, "end_lr": 0.02, "power": 2.0})(
    lambda t, b, base_lr, end_lr, total_steps, power: end_lr + (base_lr - end_lr) * (1 - min(t / total_steps, 1)) ** power
)
peer("lrsched: polynomial_decay()", {"start_lr": 0.3, "total_steps": 61, "end_lr": 0.02, "power": 0.5})(
    lambda t, b, start_lr, end_lr, total_steps, power: end_lr + (start_lr - end_lr) * (1 - min(t / total_steps, 1)) ** power
)
peer("lrsched: cosine()", {**LRS, "min_lr": 0.02})(
    lambda t, b, base_lr, min_lr, total_steps: cosi(base_lr, min_lr, min(t / total_steps, 1))
)


@peer(
    "lrsched: cosine_restarts()",
    {"base_lr": 0.3, "min_lr": 0.02, "period": 7, "t_mult": 2},
    {"base_lr": 0.3, "min_lr": 0.02, "period": 13, "t_mult": 1},
)
def _(t, b, base_lr, min_lr, period, t_mult):
    _, s, n = restart(t, period, t_mult)
    return cosi(base_lr, min_lr, s / n)


peer("lrsched: inverse_sqrt()", {"base_lr": 0.3, "warmup_steps": 13})(
    lambda t, b, base_lr, warmup_steps: base_lr * (t / warmup_steps if t < warmup_steps else sqrt(warmup_steps / t))
)


@peer(
    "lrsched: one_cycle()",
    *(
        {"max_lr": 0.3, "total_steps": n, "pct_start": q, "initial_div": 25, "final_div": 1e3}
        for n, q in ((61, 0.3), (50, 0.05), (50, 0.001), (10, 0.99))
    ),
)
def _(t, b, max_lr, total_steps, pct_start, initial_div, final_div):
    up = min(max(round(pct_start * total_steps), 1), total_steps - 1)
    if t <= up:
        return cosi(max_lr / initial_div, max_lr, t / up)
    return cosi(max_lr, max_lr / final_div, (min(t, total_steps) - up) / (total_steps - up))


@peer(
    "lrsched: warmup_stable_decay()",
    *(
        {**LRS, "warmup_steps": 13, "decay_steps": 20, "final_lr": 0.02, "warmup_start": 0.01, "decay_shape": one}
        for one in ("linear", "1-sqrt")
    ),
)
def _(t, b, base_lr, warmup_steps, decay_steps, total_steps, final_lr, warmup_start, decay_shape):
    if t < warmup_steps:
        return lerp(warmup_start, base_lr, t / warmup_steps)
    p = min(max(t - (total_steps - decay_steps), 0) / decay_steps, 1)
    return final_lr + (base_lr - final_lr) * FALL[decay_shape](p)


CLR = {"min_lr": 0.02, "max_lr": 0.4, "step_size": 9}
for mode, more in (("triangular", {}), ("triangular2", {}), ("exp_range", {"gamma": 0.98})):
    peer(f"lrsched: {mode}()", {**CLR, **more})(
        lambda t, b, min_lr, max_lr, step_size, gamma=1.0, mode=mode: (
            min_lr + (max_lr - min_lr) * triangle(t, step_size, step_size, mode, gamma)
        )
    )


@peer("lrsched: with_warmup()", {"schedule": Absolute(0.3) * Cosine(50), "warmup_steps": 13, "start_lr": 0.02})
def _(t, b, schedule, warmup_steps, start_lr):
    return lerp(start_lr, schedule(0), t / warmup_steps) if t < warmup_steps else schedule(t - warmup_steps)


@peer("lrsched: sequential()", {**ABSOLUTE_PAIR, "duration": 25, "last_duration": 30})
def _(t, b, first, second, duration, last_duration):
    return first(t) if t < duration else second(min(t - duration, last_duration - 1))


# ---- torch-schedule-anything

TSA = {"warmup_to_value": 0.9, "num_warmup_steps": 13}
TSA_FALL = {**TSA, "anneal_to_value": 0.2, "num_training_steps": 65}


def tsa(fall):
    def at(
        t, b, warmup_to_value, num_warmup_steps, anneal_to_value=0.0, num_training_steps=10**9, warmup_multiplier=None, **given
    ):
        high, w = warmup_to_value, num_warmup_steps
        if t < w:
            return b * high * (t / w if warmup_multiplier is None else warmup_multiplier - (warmup_multiplier - 1) * t / w)
        return b * (anneal_to_value + (high - anneal_to_value) * fall((t - w) / (num_training_steps - w), **given))

    return at


for name, fall, more in (
    ("cosine_annealing", lambda p: cos(pi / 2 * p), {}),
    ("polynomial_schedule", lambda p, polynomial_exponent: (1 - p) ** polynomial_exponent, {"polynomial_exponent": 3.0}),
    ("linear_schedule", lambda p: 1 - p, {}),
    ("quadratic_schedule", lambda p: (1 - p) ** 2, {}),
    ("sqrt_schedule", lambda p: (1 - p) ** 0.5, {}),
):
    ends = "" if name == "cosine_annealing" else "num_training_steps"
    peer(f"torch-schedule-anything: {name}_with_warmup()", {**TSA_FALL, **more}, until=ends)(tsa(fall))
    peer(f"torch-schedule-anything: {name}_with_inverse_warmup()", {**TSA_FALL, **more, "warmup_multiplier": 15.0}, until=ends)(
        tsa(fall)
    )
peer("torch-schedule-anything: constant_with_warmup()", TSA)(tsa(lambda p: 1.0))
peer("torch-schedule-anything: constant_with_inverse_warmup()", {**TSA, "warmup_multiplier": 15.0})(tsa(lambda p: 1.0))
peer("torch-schedule-anything: constant_schedule()", {"value": 0.7})(lambda t, b, value: b * value)

# ---- Paddle, from the facts

LR = {"learning_rate": 0.3}


@peer("Paddle: NoamDecay()", {"d_model": 64, "warmup_steps": 13, "learning_rate": 2.0})
def _(t, b, d_model, warmup_steps, learning_rate):
    return learning_rate * d_model**-0.5 * min(t**-0.5, t * warmup_steps**-1.5) if t else 0.0


peer("Paddle: PiecewiseDecay()", {"boundaries": [7, 40], "values": [0.3, 0.4, 0.1]})(
    lambda t, b, boundaries, values: values[sum(m <= t for m in boundaries)]
)
peer("Paddle: NaturalExpDecay()", {**LR, "gamma": 0.05})(lambda t, b, learning_rate, gamma: learning_rate * exp(-gamma * t))
peer("Paddle: InverseTimeDecay()", {**LR, "gamma": 0.05})(lambda t, b, learning_rate, gamma: learning_rate / (1 + gamma * t))
peer("Paddle: PolynomialDecay()", *({**LR, "end_lr": 0.02, **one} for one in POLY))(
    lambda t, b, learning_rate, decay_steps, end_lr, power, cycle: polynomial(
        t, learning_rate, decay_steps, end_lr, power, cycle
    )
)


@peer(
    "Paddle: LinearWarmup()",
    {"learning_rate": Absolute(0.3) * Exponential(0.9), "warmup_steps": 13, "start_lr": 0.0, "end_lr": 0.4},
)
def _(t, b, learning_rate, warmup_steps, start_lr, end_lr):
    return lerp(start_lr, end_lr, t / warmup_steps) if t < warmup_steps else learning_rate(t - warmup_steps)


peer("Paddle: ExponentialDecay()", {**LR, "gamma": 0.95})(lambda t, b, learning_rate, gamma: learning_rate * gamma**t)
peer("Paddle: StepDecay()", {**LR, "step_size": 11, "gamma": 0.5})(
    lambda t, b, learning_rate, step_size, gamma: learning_rate * gamma ** (t // step_size)
)
peer("Paddle: MultiStepDecay()", {**LR, "milestones": [7, 40], "gamma": 0.5})(
    lambda t, b, learning_rate, milestones, gamma: learning_rate * gamma ** sum(m <= t for m in milestones)
)
peer("Paddle: LambdaDecay()", {**LR, "lr_lambda": lambda t: 0.9**t})(
    lambda t, b, learning_rate, lr_lambda: learning_rate * 0.9**t
)
peer("Paddle: MultiplicativeDecay()", {**LR, "lr_lambda": lambda t: 0.9 if t % 2 else 0.99})(
    lambda t, b, learning_rate, lr_lambda: learning_rate * prod(lr_lambda(k) for k in range(1, t + 1))
)
peer("Paddle: CosineAnnealingDecay()", {**LR, "T_max": 25, "eta_min": 0.02})(
    lambda t, b, learning_rate, T_max, eta_min: cosi(learning_rate, eta_min, t / T_max)
)


@peer("Paddle: CosineAnnealingWarmRestarts()", {**LR, "T_0": 7, "T_mult": 2, "eta_min": 0.02})
def _(t, b, learning_rate, T_0, T_mult, eta_min):
    _, s, n = restart(t, T_0, T_mult)
    return cosi(learning_rate, eta_min, s / n)


peer("Paddle: LinearLR()", {**LR, "total_steps": 41, "start_factor": 0.25, "end_factor": 0.75})(
    lambda t, b, learning_rate, total_steps, start_factor, end_factor: (
        learning_rate * lerp(start_factor, end_factor, min(t / total_steps, 1))
    )
)


PADDLE = [{key.replace("pct_start", "phase_pct"): value for key, value in one.items()} for one in PHASES]


@peer(
    "Paddle: OneCycleLR()",
    *({"max_learning_rate": 0.5, "divide_factor": 20, "end_learning_rate": 0.001, **one} for one in PADDLE),
    until="total_steps",
)
def _(t, b, max_learning_rate, total_steps, divide_factor, end_learning_rate, phase_pct, anneal_strategy, three_phase):
    values = max_learning_rate / divide_factor, max_learning_rate, end_learning_rate
    if t > total_steps:
        raise ValueError
    return one_cycle(t, total_steps, phase_pct, anneal_strategy, values, three_phase)


@peer(
    "Paddle: CyclicLR()",
    *(
        {
            "base_learning_rate": 0.1,
            "max_learning_rate": 0.5,
            "step_size_up": 8,
            "step_size_down": 13,
            "mode": mode,
            "exp_gamma": 0.98,
        }
        for mode in MODES
    ),
)
def _(t, b, base_learning_rate, max_learning_rate, step_size_up, step_size_down, mode, exp_gamma):
    return base_learning_rate + (max_learning_rate - base_learning_rate) * triangle(
        t, step_size_up, step_size_down, mode, exp_gamma
    )


# ---- others

OTHER = "And others: {}".format
for name, power in (("Square", 2), ("SquareRoot", 0.5)):
    peer(OTHER(f"NeMo.{name}Annealing()"), {"max_steps": 66, "min_lr": 0.02})(
        lambda t, b, max_steps, min_lr, power=power: max(b * (max(max_steps - t, 0) / max_steps) ** power, min_lr)
    )


@peer(OTHER("NeMo.InverseSquareRootAnnealing()"), {"warmup_steps": 13, "max_steps": 70, "min_lr": 0.01})
def _(t, b, warmup_steps, max_steps, min_lr):
    w = warmup_steps
    return b * (t + 1) / (w + 1) if t <= w else min_lr if t > max_steps else b / sqrt((t + 1) / (w + 1))


peer(OTHER("NeMo.NoamAnnealing()"), {"d_model": 64, "warmup_steps": 13})(
    lambda t, b, d_model, warmup_steps: b * d_model**-0.5 * min(max(1, t) ** -0.5, max(1, t) * warmup_steps**-1.5)
)


@peer(
    OTHER("NeMo.NoamHoldAnnealing()"),
    {"warmup_steps": 13, "hold_steps": 20, "max_steps": 75, "decay_rate": 0.7, "min_lr": 0.04},
    {"warmup_steps": 13, "hold_steps": 20, "max_steps": 75, "decay_rate": 0.7, "min_lr": 0.01},
)
def _(t, b, warmup_steps, hold_steps, max_steps, decay_rate, min_lr):
    w, h, r = warmup_steps, hold_steps, decay_rate
    if t <= w:
        return b * (t + 1) / (w + 1)
    return b if t < w + h else min_lr if t > max_steps else max(b * w**r / (t - h) ** r, min_lr)


@peer(
    OTHER("icefall.Eden()"),
    {"lr_batches": 20, "lr_epochs": 3, "warmup_batches": 30, "warmup_start": 0.4, "steps_per_epoch": 11},
)
def _(t, b, lr_batches, lr_epochs, warmup_batches, warmup_start, steps_per_epoch):
    e = t // steps_per_epoch
    fall = ((t**2 + lr_batches**2) / lr_batches**2) ** -0.25 * ((e**2 + lr_epochs**2) / lr_epochs**2) ** -0.25
    return b * fall * lerp(warmup_start, 1.0, min(t / warmup_batches, 1))


@peer(OTHER("OLMo_core.WSDS()"), {"period_lengths": [20, 35, 15], "warmup": 6, "decay": 7, "decay_min_lr": 0.02})
def _(t, b, period_lengths, warmup, decay, decay_min_lr):
    if t < warmup:
        return b * t / warmup
    t -= warmup
    for n in (period_lengths[0] - warmup, *period_lengths[1:]):
        if t <= n:  # the end belongs to the period
            return lerp(b, decay_min_lr, max(t - (n - decay), 0) / decay)
        t -= n
    return decay_min_lr


@peer(OTHER("OLMo_core.SequentialScheduler()"), {"first": Linear(30, 1.0, 0.4), "second": Cosine(40), "milestone": 25})
def _(t, b, first, second, milestone):
    return first(t, b) if t < milestone else second(t - milestone, first(milestone, b))


peer(OTHER("pytorch_warmup.LinearWarmup()"), {"warmup_period": 13})(
    lambda t, b, warmup_period: b * min(1, (t + 1) / warmup_period)
)
peer(OTHER("pytorch_warmup.ExponentialWarmup()"), {"warmup_period": 13})(
    lambda t, b, warmup_period: b * (1 - exp(-(t + 1) / warmup_period))
)
BETAS = [{"beta2": one} for one in (0.8, 0.95, 0.97)]
peer(OTHER("pytorch_warmup.UntunedLinearWarmup()"), *BETAS)(lambda t, b, beta2: b * min(1, (t + 1) / int(2 / (1 - beta2))))
peer(OTHER("pytorch_warmup.UntunedExponentialWarmup()"), *BETAS)(
    lambda t, b, beta2: b * (1 - exp(-(t + 1) / int(1 / (1 - beta2))))
)


@peer(OTHER("pytorch_warmup.RAdamWarmup()"), *BETAS)
def _(t, b, beta2):
    rho_inf, k = 2 / (1 - beta2) - 1, 1

    def rho(k):
        return rho_inf - 2 * k * beta2**k / (1 - beta2**k)

    while rho(k) <= 4:
        k += 1
    r = rho(k + t)
    return b * sqrt((r - 4) * (r - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * r))


peer(OTHER("torchtitan.linear_warmup()"), {"warmup_steps": 13})(
    lambda t, b, warmup_steps: b * min(1, (t + 1) / (warmup_steps + 1))
)
peer(OTHER("PowerScheduler()"), {"lr_max": 0.3, "a": 1.4, "b": 0.51})(
    lambda t, b_, lr_max, a, b: min(lr_max, a * max(t, 1e-9) ** -b)
)
peer(OTHER("T5.rsqrt()"), {"k": 13})(lambda t, b, k: 1 / sqrt(max(t, k)))
peer(OTHER("NoamScheduler()"), {"d_model": 64, "warmup_steps": 13})(
    lambda t, b, d_model, warmup_steps: d_model**-0.5 * min((t + 1) ** -0.5, (t + 1) * warmup_steps**-1.5)
)

# -- the two side by side

EACH = [(key, given) for key, case in CASES.items() for given in case.given]
IDS = [f"{key}-{i}" for key, case in CASES.items() for i, _ in enumerate(case.given)]


def values(key: str, given: Mapping[str, Any], base: float, last: int) -> list[float]:
    """What the page's expression gives at t = 0 ... last."""
    return ROWS[key].schedule({"lr": base, **given}).at(range(last + 1), base)


def last_step(key: str, given: Mapping[str, Any]) -> int:
    """Until when the peer has that formula."""
    until = CASES[key].until
    return given[until] - (1 if until in ("steps", "total_steps") else 0) if until else STEPS


def test_every_row_has_a_formula_and_every_formula_a_row() -> None:
    assert ROWS.keys() == CASES.keys()
    assert len(ROWS) == sum(1 for _ in read(PAGE.read_text(encoding="utf-8"))), "two rows are called the same"


@pytest.mark.parametrize(("key", "given"), EACH, ids=IDS)
def test_row(key: str, given: dict[str, Any]) -> None:
    row, case = ROWS[key], CASES[key]
    assert set(row.parameters) == given.keys() - (MORE - set(row.parameters)), "the row has other parameters"
    assert row.kind in ("F", "A")
    last = last_step(key, given)
    for base in BASES:
        theirs = [case.formula(t, base, **given) for t in range(last + 1)]
        scale = base if row.kind == "F" else max(map(abs, theirs))
        assert values(key, given, base, last) == pytest.approx(theirs, rel=0, abs=CLOSE * scale)
    schedule = row.schedule({"lr": BASES[0], **given})
    if row.kind == "A":
        assert schedule.absolute
    if not case.until and "cycles" not in given:  # which are more than are looked at
        assert schedule.length == math.inf or schedule.length < last
    assert last >= 59


@pytest.mark.parametrize("key", [key for key, case in CASES.items() if case.until])
def test_where_the_page_says_that_the_peer_ends_it_does(key: str) -> None:
    case = CASES[key]
    assert ROWS[key].note
    for given in case.given:
        last = last_step(key, given)
        ours = values(key, given, BASES[0], last + 20)[last + 2 :]
        try:
            theirs = [case.formula(t, BASES[0], **given) for t in range(last + 2, last + 21)]
        except (RuntimeError, ValueError):
            continue
        assert ours != pytest.approx(theirs, rel=1e-3)


def test_expressions_use_what_the_page_names_and_no_more() -> None:
    for row in ROWS.values():
        names = _free(row.expression)
        while inner := names & row.definitions.keys():
            names = (names - inner).union(*(_free(row.definitions[name]) for name in inner))
        assert names <= KNOWN.keys() | set(row.parameters) | MORE, row.key


def test_a_rising_anneal_of_torch_schedule_anything() -> None:
    """What the note of its polynomial row says, where ``anneal_to_value`` is the higher one."""
    given = {**TSA_FALL, "anneal_to_value": 1.7, "polynomial_exponent": 3.0}
    key = "torch-schedule-anything: polynomial_schedule_with_warmup()"
    (shape,) = re.findall(r"else `(Decay.*?)`;", ROWS[key].note)
    schedule = _evaluated(shape, {**KNOWN, **given}, ROWS[key].definitions).warmup(given["num_warmup_steps"])
    assert schedule.at(range(66), 0.1) == pytest.approx([CASES[key].formula(t, 0.1, **given) for t in range(66)], abs=1e-10)


def test_every_library_has_a_table() -> None:
    found = {row.library for row in ROWS.values()}
    nineteen = {
        "torch",
        "optax",
        "Keras",
        "transformers",
        "timm",
        "MLX",
        "fvcore",
        "ignite",
        "mmengine",
        "fastai",
        "Megatron-LM",
    }
    nineteen |= {"DeepSpeed", "fairseq", "composer", "pytorch_optimizer", "pytorch-scheduler", "lrsched", "Paddle"}
    assert found == nineteen | {"torch-schedule-anything", "And others"}


@pytest.mark.parametrize(
    ("line", "why"),
    [("| `f(x)` | F | no code | |", "no code"), ("| `f(x)` | F | `Constant(x)` |", "a cell is missing")],
)
def test_a_row_that_cannot_be_read_is_no_row_that_is_skipped(line: str, why: str) -> None:
    with pytest.raises(AssertionError):
        list(read(f"## peer\n\n{line}\n"))


def test_constant_is_a_row_of_its_own() -> None:
    """The evaluation is of the page and not of a copy."""
    (row,) = read("## peer\n\n```python\ntwice = 2 * x\n```\n\n| `f(x)` | F | `Constant(twice)` | |\n")
    assert (row.key, row.parameters, row.schedule({"x": 0.5})) == ("peer: f()", ["x"], Constant(1.0))
