r"""The formula in a docstring is the formula that runs.

Each schedule and scheduler carries its formula as LaTeX, and its ``Args`` tie the symbols to fields. Here the LaTeX is read
from the docstring, evaluated in exact rational arithmetic, and compared with the code at hundreds of times. Then every sign,
constant, symbol and function of every formula is changed in turn, and each change must be noticed.
"""

import inspect
import math
import re
from collections.abc import Iterator
from dataclasses import fields, replace
from fractions import Fraction
from itertools import accumulate
from typing import Any

import pytest
from catalogue import ROWS, Numbers, draw
from latex import Env, Formula, FormulaError, Reader, is_symbol, read, tokens_of

import lucid.schedules
from lucid.schedules import (
    WSD,
    WSDS,
    Adafactor,
    Chebyshev,
    Constant,
    Continue,
    CosineRestarts,
    Decay,
    Join,
    KDecay,
    Noise,
    Piecewise,
    Repeat,
    RsqrtCooldown,
    Schedule,
)

# -- from a docstring to a formula and the values of its symbols


def latex_of(made_of: type) -> str:
    doc = inspect.getdoc(made_of) or ""
    block = re.search(r"^\.\. math::(.*(?:\n(?: +.*)?)*)", doc, re.M)
    if block is None:
        raise FormulaError(f"{made_of.__name__} has no formula")
    return block[1].strip()


def roles_of(made_of: type) -> dict[str, str]:
    """Argument -> its first math role, as far as that starts with a symbol."""
    arguments = re.search(r"^Args:\n((?: +.*\n|\n)+)", inspect.getdoc(made_of) or "", re.M)
    if arguments is None:
        raise FormulaError(f"{made_of.__name__} does not tell its arguments")
    roles = {}
    for name, text in re.findall(r"^ {4}(\w+): ((?:.*\n(?: {8}.*\n)*))", arguments[1], re.M):
        role = re.search(r":math:`([^`]*)`", text)
        if role and is_symbol(tokens_of(role[1])[0]):
            roles[name] = role[1]
    return roles


class Listed(list):
    """Numbers that a formula goes over, or asks for by their index."""

    def __call__(self, index: float) -> Any:
        return self[int(index)]


def bind(env: Env, symbol: str, value: Any) -> None:
    """Numbers become exact; schedules and functions take and give floats; options are no symbols."""
    if isinstance(value, (bool, str)) or value is None:
        return
    if callable(value):
        env[symbol] = value
    elif isinstance(value, (tuple, list)):
        if all(callable(item) for item in value):
            head = symbol.partition("_")[0]
            env.update({f"{head}_{i}": item for i, item in enumerate(value, 1)}, **{f"{head}_n": value[-1]})
        else:
            env[symbol] = Listed(Fraction(item) for item in value)
    else:
        env[symbol] = Fraction(value)


def environments(schedule: Schedule, variant: str, t: float, base: float) -> Iterator[Env]:
    """The values of all symbols; for what goes one after the other, those of each part; and what the words tell."""
    env: Env = {"option": variant, "t": Fraction(t), r"\eta_base": Fraction(base)}
    for field, role in roles_of(type(schedule)).items():
        bind(env, Reader(tokens_of(role)).symbol(), getattr(schedule, field))
    parts = parts_of(schedule)
    if not parts:
        yield {**words(schedule, t), **env}
    starts = [*accumulate((float(length) for length, _ in parts[:-1]), initial=0.0), math.inf]
    for (_, part), start, after in zip(parts, starts, starts[1:], strict=False):
        yield {**env, "s_i": part, "t_i": start, "t_i+1": after}


def parts_of(schedule: Schedule) -> list[tuple[float, Any]]:
    """What a schedule is that goes one after the other: how long, and what."""
    if isinstance(schedule, Join):
        return [(part.length, part) for part in schedule.parts]
    if not isinstance(schedule, CosineRestarts):
        return []
    lengths, decay, end, w, a = schedule.steps, schedule.decay, schedule.end, schedule.warmup_steps, schedule.warmup_start
    if not isinstance(lengths, tuple):
        lengths = tuple(schedule.steps * schedule.growth**i for i in range(schedule.times))
    peaks = decay if isinstance(decay, tuple) else [decay**i for i in range(len(lengths))]

    def cycle(steps: float, peak: float) -> Any:
        def value(t: float, base: float) -> float:
            if t < w:
                return peak * base * (a + (1 - a) * t / w)
            return end + (peak * base - end) * (1 + math.cos(math.pi * min((t - w) / steps, 1))) / 2

        return w + steps, value

    return [cycle(steps, peak) for steps, peak in zip(lengths, peaks, strict=True)]


def words(schedule: Schedule, t: float) -> Env:
    """The symbols that a docstring explains in words."""
    if isinstance(schedule, Repeat):
        length = Fraction(schedule.of.length)
        return {"L": length, "N": t // length + 2}  # for ever: no more cycles than t has time for
    if isinstance(schedule, (KDecay, Noise)):
        return {"L": Fraction(schedule.of.length), r"\epsilon": getattr(schedule, "draw", None)}
    if isinstance(schedule, Continue):
        return {"L": Fraction(schedule.previous.length)}
    if isinstance(schedule, Piecewise):
        return {"n": len(schedule.times) - 1}
    if isinstance(schedule, Chebyshev):
        count = 2 ** math.ceil(math.log2(schedule.steps))
        order = [0]
        while len(order) < count:
            order = [place for j in order for place in (j, 2 * len(order) - 1 - j)]
        return {"N": count, "j": order[min(math.floor(t), math.ceil(schedule.steps) - 1)]}
    if isinstance(schedule, (WSD, RsqrtCooldown)):
        options = [getattr(schedule, name) for name in ("power", "ratio") if hasattr(schedule, name)]
        stable = getattr(schedule, "stable", None) or Constant()
        return {r"\delta": Decay(schedule.decay_steps, schedule.end, schedule.shape, *options), r"\sigma": stable}
    if isinstance(schedule, WSDS):
        since, length = 0.0, schedule.periods[0]
        for after in schedule.periods[1:]:
            if t - schedule.warmup_steps >= since + length:
                since, length = since + length, after
        return {"r": since, "s": WSD(length, schedule.decay_steps, 0, schedule.end, schedule.shape)}
    return {}


def evaluate(formula: Formula, schedule: Schedule, variant: str, t: float, base: float) -> float:
    values = [formula(env) for env in environments(schedule, variant, t, base) if formula.holds(env)]
    if len(values) != 1:
        raise FormulaError(f"the conditions hold {len(values)} times at t={t}")
    return values[0]


def numbers_in(schedule: Schedule) -> list[float]:
    """Every number that a schedule holds, however deep: something happens there."""
    found: list[float] = []
    for field in fields(schedule):
        value = getattr(schedule, field.name)
        for item in value if isinstance(value, tuple) else (value,):
            if isinstance(item, Schedule):
                found += numbers_in(item)
            elif isinstance(item, (int, float)) and not isinstance(item, bool):
                found.append(item)
    return found


def times_for(schedule: Schedule, seed: int, count: int = 200) -> list[float]:
    """Random times, whole, quarter and any; and the numbers of the schedule, their sums, and moments beside them."""
    n = Numbers(seed)
    special = [0, *numbers_in(schedule)]
    special += [2 * t for t in special] + list(accumulate(special))
    special += [math.nextafter(t, 0) for t in special] + [math.nextafter(t, 1e9) for t in special]
    special += [12_345.5, 54_321] * isinstance(schedule, Adafactor)  # whose turn is late
    return [max(t, 0) for t in special] + [n.between(0, 250) for _ in range(count)]


def differ(found: float, expected: float, scale: float) -> bool:
    return not math.isclose(found, expected, rel_tol=1e-12, abs_tol=1e-13 * scale)


Case = tuple[Schedule, str, list[tuple[float, float, float]]]


def case(name: str, variant: str, seed: int) -> Case:
    """A schedule and what it gives: time, base, value."""
    schedule = draw(name, variant, seed)
    base = Numbers(seed).between(0.25, 4)
    return schedule, variant, [(t, base, schedule(t, base)) for t in times_for(schedule, seed)]


def first_difference(formula: Formula, cases: list[Case]) -> str | None:
    for schedule, variant, points in cases:
        scale = max(abs(value) for _, _, value in points)
        for t, base, value in points:
            expected = evaluate(formula, schedule, variant, t, base)
            if differ(value, expected, scale):
                return f"{schedule!r} at t={t!r}, base={base!r} gives {value!r}, its formula {expected!r}"
    return None


VARIANTS = [(name, variant) for name, row in ROWS.items() for variant in row]


@pytest.mark.parametrize(("name", "variant"), VARIANTS)
def test_the_formula_of_a_schedule_is_its_code(name: str, variant: str) -> None:
    formula = read(latex_of(getattr(lucid.schedules, name)))
    assert first_difference(formula, [case(name, variant, seed) for seed in range(4)]) is None


def test_every_schedule_has_a_formula_and_is_in_the_table() -> None:
    ours = {name: made_of for name, made_of in Schedule._registry.items() if made_of.__module__.startswith("lucid.schedules.")}
    assert set(ours) == set(ROWS), "a schedule without a row in tests/catalogue.py, or a row without a schedule"
    for made_of in ours.values():
        assert read(latex_of(made_of)).definitions[-1][0] == r"\eta"


def ranges() -> Iterator[tuple[str, str, str, str]]:
    for name, row in ROWS.items():
        for field, role in roles_of(getattr(lucid.schedules, name)).items():
            limit = re.search(r"(>|\\ge) 0$", role)
            if limit:
                yield name, next(iter(row)), field, limit[1]


@pytest.mark.parametrize(("name", "variant", "field", "limit"), list(ranges()))
def test_the_range_that_a_docstring_promises_is_checked(name: str, variant: str, field: str, limit: str) -> None:
    schedule = draw(name, variant, 0)
    with pytest.raises(ValueError, match=f"{name}: {field} must be >"):
        replace(schedule, **{field: -1e-9})
    if limit == ">":
        with pytest.raises(ValueError, match=f"{name}: {field} must be > 0, got 0"):
            replace(schedule, **{field: 0})
    else:
        assert getattr(replace(schedule, **{field: 0}), field) == 0


# -- every change of a formula is noticed

PAIRS = [("+", "-"), (r"\min", r"\max"), (r"\le", "<"), (r"\ge", ">"), (r"\cos", r"\sin"), (r"\sum", r"\prod")]
SWAPS = {"/": r"\,", **dict(PAIRS), **{b: a for a, b in PAIRS}}


def statements(tokens: list[str]) -> Iterator[tuple[int, int]]:
    """Where the statements of a formula start and end; line breaks inside of cases end none."""
    start, depth = 0, 0
    for i, token in enumerate([*tokens, r"\\"]):
        depth += (token == r"\begin{cases}") - (token == r"\end{cases}")
        if not depth and token in (r"\\", r"\qquad"):
            yield start, i
            start = i + 1


def is_case(tokens: list[str], i: int) -> bool:
    """Whether the comparison is the condition of a case."""
    row = tokens[:i][::-1]
    return "&" in row and r"\\" not in row[: row.index("&")]


def mutants(latex: str) -> Iterator[str]:
    """The formula with one thing wrong: a sign, a number, a function, a rounding, or a symbol that is 1 too large."""
    tokens = tokens_of(latex)
    for start, end in statements(tokens):
        i = tokens.index("=", start, end) + 1 if "=" in tokens[start:end] else start
        while i < end:
            token, after = tokens[i], i + 1
            changes = []
            if token in ("<", r"\le") and is_case(tokens, i):  # where the pieces meet, as most do, it makes no difference
                pass
            elif token in SWAPS:
                changes.append([SWAPS[token]])
            elif token.isdigit():
                changes.append([str(int(token) + 1)])
            elif token == r"\lfloor":
                after = tokens.index(r"\rfloor", i)
                inside = tokens[i + 1 : after]
                changes += [[r"\lceil", *inside, r"\rceil"], ["(", *inside, ")"]]
                yield from (" ".join([*tokens[:i], *change, *tokens[after + 1 :]]) for change in changes)
                i += 1
                continue
            elif is_symbol(token) and tokens[i - 1] != r"\in":
                if tokens[after] == "_" if after < len(tokens) else False:
                    after = tokens.index("}", after) + 1 if tokens[after + 1] == "{" else after + 2
                if after == len(tokens) or tokens[after] not in ("(", r"\in", "="):
                    changes.append(["(", *tokens[i:after], "+", "1", ")"])
            yield from (" ".join([*tokens[:i], *change, *tokens[after:]]) for change in changes)
            i = after


@pytest.mark.parametrize("name", ROWS)
def test_a_wrong_formula_does_not_pass(name: str) -> None:
    latex = latex_of(getattr(lucid.schedules, name))
    cases = [case(name, variant, seed) for variant in ROWS[name] for seed in range(2)]
    assert first_difference(read(" ".join(tokens_of(latex))), cases) is None
    for mutant in mutants(latex):
        formula = read(mutant)
        try:
            noticed = first_difference(formula, cases) is not None
        except (FormulaError, ArithmeticError, ValueError, IndexError):  # conditions that hold for no part, or two; 0 ** -0.5
            noticed = True
        assert noticed, f"{name}: nobody notices {mutant}"


def test_mutants_have_one_thing_wrong() -> None:
    assert len(list(mutants(latex_of(lucid.schedules.Noam)))) > 20
    assert list(mutants(r"x = a + \min(b_{lo}, 2)")) == [
        r"x = ( a + 1 ) + \min ( b _ { l o } , 2 )",
        r"x = a - \min ( b _ { l o } , 2 )",
        r"x = a + \max ( b _ { l o } , 2 )",
        r"x = a + \min ( ( b _ { l o } + 1 ) , 2 )",
        r"x = a + \min ( b _ { l o } , 3 )",
    ]
    assert list(mutants(r"h(p) = p \\ x = \sum_{i=1}^{n} h(i)")) == [
        r"h ( p ) = ( p + 1 ) \\ x = \sum _ { i = 1 } ^ { n } h ( i )",
        r"h ( p ) = p \\ x = \prod _ { i = 1 } ^ { n } h ( i )",
        r"h ( p ) = p \\ x = \sum _ { i = 2 } ^ { n } h ( i )",
        r"h ( p ) = p \\ x = \sum _ { i = 1 } ^ { ( n + 1 ) } h ( i )",
        r"h ( p ) = p \\ x = \sum _ { i = 1 } ^ { n } h ( ( i + 1 ) )",
    ]


@pytest.mark.parametrize(
    ("latex", "value"),
    [
        (r"x = 7 / 2 \, 3", 10.5),
        (r"x = 2 - 3 - 4", -5),
        (r"x = -2^2", -4),
        (r"x = 2^{-1/2}", 2**-0.5),
        (r"x = \frac{1 + 2}{4} 8", 6),
        (r"x = 3 (1 + 1)", 6),
        (r"y = 2 a \\ x = y^2 - a", 33),
        (r"\eta(t) = \max(a, 2, \min(5, 4)) - \lfloor 7 / 2 \rfloor", 1),
        (r"x = \sum_{m \in M} [m \le a] \, m", 5),
        (r"x = \begin{cases} 1 & \text{no} \\ a & \text{this_one} \\ 3 & \text{otherwise} \end{cases}", 3),
        (r"x = \begin{cases} 1 & \text{no} \\ a + 1 & \text{otherwise} \end{cases}", 4),
        (r"x = f(a, 2) \, \left(1 + 1\right), \qquad a \le 3 < 4", 2),
        (r"x = \cos(\pi \, a)", -1),
        (r"x = \log(a) / \log(3)", 1),
        (r"x = \prod_{i=1}^{\lfloor a + 1/2 \rfloor} f(i + 1, 1)", 6),
        (r"x = a + 2 \, \sum_{i=2}^{a} i^2 \, a - \sum_{i=1}^{1} i", 80),
        (r"x = \sum_{i=4}^{a} i + \prod_{i=1}^{-1} i", 1),
        (r"x = \sum_{i=1}^a \sum_{j=1}^{i} j", 10),
        (r"h(p) = \frac{p^2}{a} \\ a = 5 \\ x = h(a + 1) + h(0)", 12),
        (r"g(p) = p + a \\ h(p) = g(2 p) \, g(p) \\ x = h(1)", 20),
        (r"x(a) = 2 a \\ y = x + 1", 7),
        (r"x = \begin{cases} a & \text{that one} \\ 1 & \text{otherwise} \end{cases}", 1),
        (r"x = (1/3)^2 \, 3^{a - 1}", 1),
        (r"b = a + 1 \\ x = b, \qquad b \le 4 < b + 1", 4),
    ],
)
def test_the_reader_reads(latex: str, value: float) -> None:
    formula = read(latex)
    env = {"a": Fraction(3), "M": [Fraction(2), Fraction(3), Fraction(4)], "f": lambda x, y: x - y, "option": "this_one"}
    assert formula.holds(env)
    assert formula(env) == pytest.approx(value, rel=1e-15)


@pytest.mark.parametrize(
    ("latex", "message"),
    [
        ("x = a ? b", r"cannot read '\?'"),
        ("x = a + / b", "cannot read '/'"),
        ("x = (a", r"expected \)"),
        ("x = a )", "expected ,"),
        ("x = z", "z is defined nowhere"),
        ("x = a(2)", "a is no function: write a thin space"),
        ("a", "neither definition nor condition"),
        (r"x = \begin{cases} 1 & \text{no} \end{cases}", "no case for 'this'"),
        (r"x = \sum_{i=1}^{a + 1/2} i", "i goes from 1 to 7/2: limits are whole numbers"),
        (r"x = \prod_{i=a/2}^{a} i", "i goes from 3/2 to 3: limits are whole numbers"),
        (r"x = \sum_{i=1} i", r"expected \^, got 'i'"),
        (r"x = \sum_{i}^{a} i", "expected =, got '}'"),
        (r"h(p) = p + b \\ x = h(a)", "b is defined nowhere"),
        ("x = ", "expected more"),
    ],
)
def test_the_reader_refuses(latex: str, message: str) -> None:
    with pytest.raises(FormulaError, match=message):
        read(latex)({"a": Fraction(3), "option": "this"})


def test_the_reader_is_exact_where_it_can_be() -> None:
    third = {"a": Fraction(1, 3), "n": Fraction(40), "option": ""}
    assert read(r"x = (a^n 3^n - 1) \, 10^{99}")(third) == 0
    assert read(r"h(p) = 3 p \\ x = (h(a) - 1) \, 10^{99}")(third) == 0
    assert read(r"x = (2 \, \sum_{i=1}^{n} a^i - 1 + a^n) \, 10^{99}")(third) == 0
    assert read(r"x = 2^{1/2}")({}) == 2**0.5
    with pytest.raises(ArithmeticError, match=r"^-2\.0 to the power of 0\.5 is no real number$"):
        read(r"x = (-2)^{1/2}")({})


# -- schedulers: the formula is what stands in the optimizer

SCHEDULERS: dict[str, list[dict[str, Any]]] = {
    "StepLR": [{"step_size": 7}, {"step_size": 2.5, "gamma": 0.8}],
    "MultiStepLR": [{"milestones": [30, 10, 10], "gamma": 0.5}, {"milestones": [0, 4, 61]}],
    "ExponentialLR": [{"gamma": 0.95}, {"gamma": 1.01}],
    "ConstantLR": [{"factor": 0.25, "total_iters": 7}, {"factor": 0.6, "total_iters": 2.5}],
    "LinearLR": [{"start_factor": 0.25, "end_factor": 0.8, "total_iters": 20}, {"total_iters": 2.5}],
    "PolynomialLR": [{"total_iters": 20, "power": 2.5}, {"total_iters": 70.5, "power": 0.5}, {"total_iters": 9}],
    "CosineAnnealingLR": [{"T_max": 50, "eta_min": 0.01}, {"T_max": 16}],
    "CosineAnnealingWarmRestarts": [{"T_0": 7, "eta_min": 0.01}, {"T_0": 5, "T_mult": 2}, {"T_0": 2, "T_mult": 3}],
    "LambdaLR": [{"lr_lambda": lambda epoch: 0.95**epoch}, {"lr_lambda": [lambda t: 1 / (1 + t), lambda t: t % 7]}],
    "MultiplicativeLR": [{"lr_lambda": lambda epoch: 0.97}, {"lr_lambda": [lambda i: 1 - 0.5 / i, lambda i: 0.9 + i % 2 / 10]}],
    "CyclicLR": [
        {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 5},
        {"base_lr": [0.01, 0.2], "max_lr": [0.1, 0.9], "step_size_up": 3, "step_size_down": 8, "mode": "triangular2"},
        {"base_lr": 0.0, "max_lr": [0.1, 0.9], "step_size_up": 6.5, "mode": "exp_range", "gamma": 0.97},
    ],
    "OneCycleLR": [
        {"max_lr": 0.5, "total_steps": 81, "div_factor": 25, "final_div_factor": 10},
        {
            "max_lr": [0.5, 2],
            "total_steps": 81,
            "pct_start": 0.1,
            "anneal_strategy": "linear",
            "div_factor": 5,
            "final_div_factor": 2,
        },
        {"max_lr": 0.1, "total_steps": 81, "three_phase": True, "div_factor": 0.5, "final_div_factor": 3},
    ],
    "SWALR": [
        {"swa_lr": 0.05, "anneal_epochs": 20},
        {"swa_lr": [0.05, 0.9], "anneal_epochs": 7, "anneal_strategy": "linear"},
    ],
    "NoamScheduler": [{"model_size": 512, "warmup_steps": 20}, {"model_size": 64, "warmup_steps": 2.5, "factor": 3}],
}
BASES = (0.3, 0.7)
STEPS = 80
BETWEEN = (0.5, 6.75, 40.25, STEPS + 0.5)
Written = list[tuple[float, list[float], list[float]]]


def scheduler_of(name: str) -> type:
    return getattr(pytest.importorskip("lucid.optim.lr_scheduler"), name)


def run(name: str, arguments: dict[str, Any], steps: int = STEPS) -> tuple[Any, Written]:
    """A scheduler, and the rates and momenta that stood in the optimizer's two groups at each time, whole ones and others."""
    torch = pytest.importorskip("torch")
    groups = [{"params": [torch.nn.Parameter(torch.ones(1))], "lr": lr} for lr in BASES]
    optimizer = torch.optim.SGD(groups, lr=0.1, momentum=0.9)
    scheduler = scheduler_of(name)(optimizer, **arguments)
    written: Written = []

    def look(t: float) -> None:
        written.append((t, *([group[key] for group in optimizer.param_groups] for key in ("lr", "momentum"))))

    for t in range(steps):
        look(t)
        optimizer.step()
        scheduler.step()
    for between in BETWEEN:
        scheduler.step(between)
        look(between)
    return scheduler, written


GOES_ON = {"OneCycleLR": "OneCycle"}  # with the formula of a schedule of multiples, for the base 1


def latex_of_scheduler(name: str) -> str:
    """What its docstring says, and then what that of the schedule adds."""
    latex = latex_of(scheduler_of(name))
    if name in GOES_ON:
        own = {symbol for symbol, *_ in read(latex).definitions}
        tokens = tokens_of(latex_of(getattr(lucid.schedules, GOES_ON[name])))
        for start, end in statements(tokens):
            if tokens[start] not in own:
                latex += r" \\ " + " ".join(tokens[start:end])
    return latex


def options_of(scheduler: Any) -> str:
    """The cases that a scheduler takes in its formula."""
    options = [getattr(scheduler, "mode", ""), getattr(scheduler, "anneal_strategy", "")]
    options += ["equal"] * (getattr(scheduler, "T_mult", 0) == 1) + ["three phases"] * getattr(scheduler, "three_phase", False)
    return ", ".join(options)


def symbols_of(scheduler: Any, arguments: dict[str, Any], group: int) -> Env:
    base = 1 if type(scheduler).__name__ in GOES_ON else BASES[group]
    env: Env = {"option": options_of(scheduler), r"\eta_base": Fraction(base)}
    for argument, role in roles_of(type(scheduler)).items():
        value = getattr(scheduler, argument, arguments.get(argument))
        if isinstance(value, list) and argument != "milestones":
            value = value[group]
        bind(env, Reader(tokens_of(role)).symbol(), value)
    return env


def first_difference_written(formula: Formula, name: str, runs: list[tuple[Any, Written]], column: int = 0) -> str | None:
    for arguments, (scheduler, written) in zip(SCHEDULERS[name], runs, strict=True):
        for group in range(len(BASES)):
            env = symbols_of(scheduler, arguments, group)
            for t, *columns in written:
                found, expected = columns[column][group], formula({**env, "t": Fraction(t)})
                if differ(found, expected, 1.0):
                    return f"{scheduler!r} writes {found!r} into group {group} at {t}, its formula says {expected!r}"
    return None


@pytest.mark.parametrize("name", SCHEDULERS)
def test_the_formula_of_a_scheduler_is_what_it_writes(name: str) -> None:
    latex = latex_of_scheduler(name)
    runs = [run(name, arguments) for arguments in SCHEDULERS[name]]
    assert first_difference_written(read(latex), name, runs) is None
    for mutant in mutants(latex):
        formula = read(mutant)
        try:
            noticed = first_difference_written(formula, name, runs) is not None
        except (FormulaError, ArithmeticError):
            noticed = True
        assert noticed, f"{name}: nobody notices {mutant}"


def test_the_formula_of_cyclic_momentum_is_what_it_writes() -> None:
    made_of = scheduler_of("CyclicLR")
    momentum = re.search(r"^Momentum[^:]*:math:`([^`]+)`", inspect.getdoc(made_of) or "", re.M)
    assert momentum is not None
    latex = rf"{latex_of(made_of)} \\ \mu = {momentum[1]}"
    runs = [run("CyclicLR", arguments) for arguments in SCHEDULERS["CyclicLR"]]
    assert first_difference_written(read(latex), "CyclicLR", runs, column=1) is None
    wrong = latex.replace(r"\mu_{max} - (", r"\mu_{max} + (")
    assert first_difference_written(read(wrong), "CyclicLR", runs, column=1) is not None


def test_every_scheduler_with_a_formula_is_in_the_table() -> None:
    module = pytest.importorskip("lucid.optim.lr_scheduler._schedulers")
    named = [cls for cls in vars(module).values() if isinstance(cls, type) and cls.__module__ == module.__name__]
    named = [cls for cls in named if issubclass(cls, module.LRScheduler)]
    assert {cls.__name__ for cls in named if ".. math::" in (cls.__doc__ or "")} == set(SCHEDULERS)


@pytest.mark.parametrize("name", SCHEDULERS)
def test_the_range_that_a_scheduler_promises_is_checked(name: str) -> None:
    for argument, role in roles_of(scheduler_of(name)).items():
        limit = re.search(r"(>|\\ge) 0$", role)
        if limit:
            bad = 0 if limit[1] == ">" else -1
            with pytest.raises(ValueError, match=f"{name}: {argument} must be >=? 0, got {bad}"):
                run(name, {**SCHEDULERS[name][0], argument: bad}, steps=1)
