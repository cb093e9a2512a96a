"""Names, strict JSON text and its schema; and what composes schedules."""

import inspect
import json
import math
import random
from dataclasses import fields
from typing import Any

import pytest
from catalogue import HOLD_FUNCTIONS, ROWS, draw
from hypothesis import given, settings
from hypothesis import strategies as st

import lucid
from lucid.schedules import (
    Absolute,
    Constant,
    Cosine,
    Decay,
    Exponential,
    InversePower,
    Join,
    Lambda,
    Linear,
    Maximum,
    Minimum,
    Noam,
    OneCycle,
    Piecewise,
    Polynomial,
    Schedule,
    Shift,
    Step,
    Stretch,
    Sum,
    Warmup,
    aliases,
    get,
    json_schema,
    maximum,
    minimum,
    names,
)
from lucid.schedules._numbers import kinds_of

PLAIN = [(name, variant) for name, row in ROWS.items() for variant in row if (name, variant) not in HOLD_FUNCTIONS]
plain_variants = pytest.mark.parametrize(("name", "variant"), PLAIN)

# -- names


def ours() -> list[str]:
    return [name for name in names() if Schedule._registry[name].__module__.startswith("lucid.schedules.")]


def test_names_are_the_registry() -> None:
    assert names() == sorted(Schedule._registry)
    assert set(ours()) == set(ROWS) == {name for name in lucid.schedules.__all__ if name in Schedule._registry}
    assert not any(name.startswith("_") for name in names())
    assert lucid.get is get


@plain_variants
def test_a_schedule_is_got_by_its_name(name: str, variant: str) -> None:
    schedule = draw(name, variant, 0)
    values = {field.name: getattr(schedule, field.name) for field in fields(schedule)}
    if name == "CosineRestarts" and schedule.times:
        assert get(name, **values) == schedule
    snake = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).strip("_")
    for spelling in (name, name.lower(), name.upper(), snake, snake.replace("_", "-")):
        assert get(spelling, **values) == schedule
        assert get(spelling, *values.values()) == schedule


@pytest.mark.parametrize(
    ("name", "arguments", "schedule"),
    [
        ("cosine_decay", {"steps": 9}, Cosine(9)),
        ("Cosine_Annealing", {"steps": 9, "end": 0.5}, Cosine(9, 0.5, hold=False)),
        ("inverse_sqrt", {"timescale": 9}, InversePower(9)),
        ("inverse_time", {"timescale": 9}, InversePower(9, 1.0)),
        ("piecewise_cosine", {"times": [0, 9], "values": [1, 0]}, Piecewise((0, 9), (1, 0), "cosine")),
        ("poly", {"steps": 9, "power": 2}, Polynomial(9, 2)),
        ("swa", {"steps": 9, "end": 0.05}, Decay(9, 0.05, "cosine")),
        ("exponential_decay", {"gamma": 0.5}, Exponential(0.5)),
    ],
)
def test_peers_names_mean_ours(name: str, arguments: dict[str, Any], schedule: Schedule) -> None:
    assert get(name, **arguments) == get(name, *arguments.values()) == schedule
    assert aliases()[name.lower()] == type(schedule).__name__


def test_a_name_means_one_thing() -> None:
    taken = {name.lower() for name in names()}
    for alias, name in aliases().items():
        assert alias.replace("_", "") not in taken, f"{alias} is a schedule itself"
        assert sum(alias in Schedule._registry[other].aliases for other in names()) == 1
        known = {field.name for field in fields(Schedule._registry[name])}  # type: ignore[arg-type]
        assert set(Schedule._registry[name].aliases[alias]) <= known


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: get("cosin", steps=9), ValueError, r"unknown schedule 'cosin'; did you mean 'Cosine'\?"),
        (lambda: get("piecewise_lin"), ValueError, r"unknown schedule 'piecewise_lin'; did you mean 'piecewise_linear'\?"),
        (lambda: get("zzz"), ValueError, "unknown schedule 'zzz'$"),
        (lambda: get(None), ValueError, "unknown schedule None$"),
        (lambda: get("Schedule"), ValueError, "unknown schedule 'Schedule'"),
        (lambda: get("_composed"), ValueError, "unknown schedule '_composed'"),
        (lambda: get("cosine"), ValueError, "Cosine: field 'steps' is missing"),
        (lambda: get("cosine", stepz=9), ValueError, r"Cosine: unknown field 'stepz'; did you mean 'steps'\?"),
        (lambda: get("cosine", 9, steps=9), ValueError, "Cosine: field 'steps' is given twice"),
        (lambda: get("cosine", 1, 2, True, 1, 5), ValueError, "Cosine: takes at most 4 fields, got 5"),
        (lambda: get("cosine", 0), ValueError, "Cosine: steps must be > 0, got 0"),
        (lambda: get("cosine", "9"), TypeError, "Cosine: steps must be a number, got '9'"),
    ],
)
def test_names_and_fields_that_are_none(call: Any, error: type, message: str) -> None:
    with pytest.raises(error, match=f"^{message}"):
        call()


# -- strict JSON text


@plain_variants
def test_a_schedule_survives_its_text(name: str, variant: str) -> None:
    for seed in range(3):
        schedule = draw(name, variant, seed)
        text = schedule.to_json()
        assert Schedule.from_json(text) == type(schedule).from_json(text.encode()) == schedule
        assert Schedule.from_json(schedule.to_json(indent=2)) == schedule
        assert json.loads(text) == schedule.to_dict()


TOO_DEEP = "schedule configuration is nested deeper than 64"
HOSTILE = [
    ('{"schedule": "Cosine", "steps": 9, "steps": 8}', "schedule configuration: 'steps' is given twice$"),
    ('{"schedule": "Cosine", "schedule": "Step", "steps": 9}', "schedule configuration: 'schedule' is given twice$"),
    ('{"schedule": "Cosine", "steps": NaN}', "schedule configuration: NaN is no finite number$"),
    ('{"schedule": "Cosine", "steps": Infinity}', "schedule configuration: Infinity is no finite number$"),
    ('{"schedule": "Cosine", "steps": -Infinity}', "schedule configuration: -Infinity is no finite number$"),
    ('{"schedule": "Cosine", "steps": 1e999}', "schedule configuration: 1e999 is no finite number$"),
    ('{"schedule": "Cosine", "steps": 1' + "0" * 400 + "}", "Cosine: steps must be finite, got 1000"),
    ('{"schedule": "Cosine", "steps": ' + "9" * 5000 + "}", ".*integer string conversion"),
    ('{"schedule": "Cosine", "steps": 9', "schedule configuration is no JSON: "),
    ("", "schedule configuration is no JSON: "),
    ("null", "a schedule configuration must be a mapping, got None"),
    ("[]", r"a schedule configuration must be a mapping, got \[\]"),
    ('{"schedule": "Join", "parts": ' + "[" * 200 + "]" * 200 + "}", TOO_DEEP),
    ('{"schedule": "Join", "parts": ' + "[" * 100_000 + "]" * 100_000 + "}", TOO_DEEP),
    ('{"schedule": "Cosine", "steps": 9}' + " " * 1_000_000, "schedule configuration is longer than 1000000 characters"),
    ('{"schedule": "Cosin", "steps": 9}', r"unknown schedule 'Cosin'; did you mean 'Cosine'\?"),
    ('{"schedule": "Cosine", "stepz": 9}', r"Cosine: unknown field 'stepz'; did you mean 'steps'\?"),
    ('{"schedule": "_Composed"}', "unknown schedule '_Composed'"),
    ('{"schedule": "__init__", "steps": 1}', "unknown schedule '__init__'"),
    ('{"schedule": "WSD", "steps": 4, "decay_steps": 9}', "WSD: decay_steps must be <= steps, 4, got 9"),
    (
        '{"schedule": "WSD", "steps": 9, "decay_steps": 4, "shape": "__class__"}',
        "WSD: shape must be 'linear', .* or callable, got",
    ),
    ('{"schedule": "WSD", "steps": 9, "decay_steps": 4, "_made": 3}', "WSD: unknown field '_made'"),
    ('{"schedule": "Chebyshev", "steps": 9, "_count": 3}', "Chebyshev: unknown field '_count'"),
    ('{"schedule": "Noise", "of": {"schedule": "Constant"}, "seed": 1.5}', "Noise: seed must be a whole number >= 0, got 1.5"),
]


@pytest.mark.parametrize(("text", "message"), HOSTILE, ids=[text[:60] for text, _ in HOSTILE])
def test_hostile_text_is_refused(text: str, message: str) -> None:
    for given_text in (text, text.encode()):
        with pytest.raises(ValueError, match=f"^{message}"):
            Schedule.from_json(given_text)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.sampled_from(sorted(ROWS)),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["schedule", "steps", "parts", "of", "end"]), inner)
    ),
    max_leaves=12,
)


@settings(deadline=None, max_examples=150)
@given(value=json_values)
def test_whatever_is_in_a_configuration_it_makes_a_schedule_or_is_refused(value: Any) -> None:
    text = json.dumps(value)
    try:
        made = Schedule.from_json(text)
    except ValueError:
        return
    assert math.isfinite(made(3.0))


@settings(deadline=None, max_examples=150)
@given(row=st.sampled_from(PLAIN), seed=st.integers(0, 99), rng=st.randoms(use_true_random=False))
def test_a_damaged_configuration_makes_a_schedule_or_is_refused(row: tuple[str, str], seed: int, rng: random.Random) -> None:
    config = draw(*row, seed).to_dict()
    key = rng.choice(sorted(config))
    damage = [None, "", "9", -1, 0, 1.5, True, [], {}, [1, 0.5], [[1]], {"schedule": "Constant"}, 10**400, math.nan, math.inf]
    if rng.random() < 0.2:
        del config[key]
    else:
        config[key] = rng.choice(damage)
    try:
        made = Schedule.from_dict(config)
    except ValueError:
        return
    if made.affine:
        assert all(math.isfinite(made(t)) for t in (-1, 0, 3.5, 1e6))


# -- the schema of the text


@pytest.fixture(scope="module")
def validator() -> Any:
    jsonschema = pytest.importorskip("jsonschema")
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@plain_variants
def test_the_schema_takes_what_we_take(name: str, variant: str, validator: Any) -> None:
    for seed in range(3):
        config = json.loads(draw(name, variant, seed).to_json())
        validator.validate(config)
        validator.validate((Linear(4) >> 0.5 * draw(name, variant, seed)).to_dict())


@plain_variants
def test_the_schema_refuses_what_we_refuse(name: str, variant: str, validator: Any) -> None:
    config = json.loads(draw(name, variant, 0).to_json())
    refused = [{**config, "schedule": f"{name}s"}, {**config, "stepz": 3}]
    for field in fields(Schedule._registry[name]):  # type: ignore[arg-type]
        refused.append({**config, field.name: {"steps": 3}})
        kinds = dict(Schedule._registry[name]._kinds[field.name])
        if kinds.get("number", "finite") != "finite":
            refused.append({**config, field.name: -1})
        if set(kinds) == {"number"}:
            refused.append({**config, field.name: "9"})
    for one in refused:
        with pytest.raises(ValueError):
            Schedule.from_dict(one)
        assert not validator.is_valid(one), one


def test_the_schema_tells_every_schedule_and_field() -> None:
    definitions = json_schema()["$defs"]
    assert set(names()) == set(definitions) - {"Schedule"}
    for name in ours():
        made_of = Schedule._registry[name]
        told = definitions[name]["properties"]
        assert list(told) == ["schedule", *(field.name for field in fields(made_of))]  # type: ignore[arg-type]
        assert definitions[name]["description"] == inspect.getdoc(made_of).partition("\n")[0]  # type: ignore[union-attr]
        assert all(made_of._kinds.values()), f"{name} has a field without a rule"
    assert definitions["Cosine"]["properties"]["steps"] == {"type": "number", "exclusiveMinimum": 0}
    assert definitions["Cosine"]["properties"]["end"] == {"type": "number", "minimum": 0, "default": 0.0}
    assert definitions["OneCycle"]["properties"]["anneal"] == {"enum": ["cos", "linear"], "default": "cos"}
    assert definitions["Constant"]["properties"]["steps"]["anyOf"][1] == {"type": "null"}
    assert definitions["Join"]["properties"]["parts"]["items"] == {"$ref": "#/$defs/Schedule"}
    json.dumps(json_schema(), allow_nan=False)


def test_types_of_fields_that_we_know_nothing_of_are_not_checked() -> None:
    for hint in (int, str, "float", list[float], tuple[int, str], int | None, Any, dict):
        assert kinds_of(hint) == []


# -- combinators

leaves = st.sampled_from(PLAIN).flatmap(lambda row: st.integers(0, 99).map(lambda seed: draw(*row, seed, exact=True)))
moments = st.one_of(st.integers(-10, 400), st.integers(-40, 1600).map(lambda quarters: quarters / 4))


@settings(deadline=None, max_examples=100)
@given(a=leaves, b=leaves, c=leaves, t=moments)
def test_sums_and_extrema_are_of_the_values(a: Schedule, b: Schedule, c: Schedule, t: float) -> None:
    va, vb, vc = a(t, 0.3), b(t, 0.3), c(t, 0.3)
    assert (a + b)(t, 0.3) == pytest.approx(va + vb, rel=1e-14)
    assert (a + b) + c == a + (b + c) == Sum((a, b, c))
    assert [(a + 0.25)(t, 0.3), (0.25 + a)(t, 0.3)] == pytest.approx([va + 0.25] * 2, rel=1e-14)
    assert maximum(a, b, c)(t, 0.3) == max(va, vb, vc) == Maximum((a, b, c))(t, 0.3)
    assert minimum(a, b, c)(t, 0.3) == min(va, vb, vc) == Minimum((a, b, c))(t, 0.3)
    assert a.maximum(b).maximum(c) == Maximum((a, b, c))
    assert a.clip(0.25, 0.75)(t, 0.3) == min(max(va, 0.25), 0.75)
    assert a.clip(0.25)(t, 0.3) == max(va, 0.25)
    assert a.clip(hi=0.75)(t, 0.3) == min(va, 0.75)
    assert a.clip() is a
    assert (a + b).length == maximum(a, b).length == minimum(a, b).length
    moving = [part.length for part in (a, b) if type(part) is not Absolute and part != Constant(getattr(part, "factor", 1))]
    assert (a + b).length == max(moving, default=math.inf)
    assert maximum(a, b).affine is maximum(a, b).absolute is (a.absolute and b.absolute)
    assert (a + b).absolute is (a.absolute and b.absolute)


@settings(deadline=None, max_examples=100)
@given(a=leaves, t=moments, k=st.sampled_from([0.5, 1, 2, 4]))
def test_another_unit_of_time(a: Schedule, t: float, k: float) -> None:
    assert a.stretch(k)(t * k, 0.3) == a(t, 0.3)
    assert a.stretch(k).length == a.length * k
    assert a.per_epoch(k) == a.stretch(k) == Stretch(a, k)
    stairs = a.per_epoch(k, staircase=True)
    assert stairs(t, 0.3) == a(float(math.floor(t / k)), 0.3) == stairs(math.floor(t / k) * k, 0.3)


@settings(deadline=None, max_examples=100)
@given(a=leaves, b=leaves, t=moments)
def test_what_continues_starts_where_the_other_one_ends(a: Schedule, b: Schedule, t: float) -> None:
    if not b.affine or b(0, 1.0) == b(0, 0.0) or a.length == math.inf:
        with pytest.raises(ValueError, match=r"^Continue: "):
            b.continue_from(a)
        return
    end, later = a(a.length, 0.3), b.continue_from(a)
    assert later(0, 0.3) == pytest.approx(end, rel=1e-9, abs=1e-12)
    base = (end - b(0, 0.0)) / (b(0, 1.0) - b(0, 0.0))
    assert later(t, 0.3) == pytest.approx(b(t, base), rel=1e-9, abs=1e-12)
    assert later.length == b.length
    joined = a >> later
    assert joined(a.length, 0.3) == pytest.approx(end, rel=1e-9, abs=1e-12)


@settings(deadline=None, max_examples=100)
@given(
    a=leaves,
    n=st.integers(1, 200).map(lambda quarters: quarters / 4),
    shape=st.sampled_from(["linear", "cosine", "quadratic", "1-sqrt", "log", "exponential", "inverse", "constant"]),
    start=st.none() | st.sampled_from([0.0, 0.25, 2.0]),
    t=moments,
)
def test_a_warm_up_goes_in_front_of_anything(a: Schedule, n: float, shape: str, start: float | None, t: float) -> None:
    warmed = a.warmup(n, shape=shape, start=start)
    assert warmed.length == n + a.length
    expected = a(t - n, 0.3) if t >= n else Warmup(n, start, shape)(t, a(0, 0.3))
    assert warmed(t, 0.3) == pytest.approx(expected, rel=1e-12, abs=1e-15)
    assert a.warmup(0) is a
    if a.affine and a(0, 0.0) == 0 and a(0, 1.0) == 1:
        assert warmed == Warmup(n, start, shape) >> a


def test_what_stands_still_has_no_say_in_the_length() -> None:
    for schedule in (Absolute(2) * Cosine(9), Cosine(9) + 0.5, Cosine(9).clip(0.1, 2), 0.9 * Cosine(9) + 0.1 * Constant()):
        assert schedule.length == 9
        assert (schedule >> Linear(3)).length == 12
    for schedule in (
        Absolute(2) * Constant(3),
        Absolute(2) + 0.5,
        Step(3) * Absolute(2),
        2 * Absolute(3) * Step(4),
        Constant() * Step(3),
    ):
        assert schedule.length == math.inf
    assert (Constant(steps=3) * Cosine(2)).length == 3
    assert ((Absolute(1) * Constant())[:4] * Cosine(2)).length == 4


def test_composition_in_numbers() -> None:
    wsd = Linear(2) >> Constant(steps=2) >> Polynomial(2)
    assert wsd.per_epoch(10).at([0, 10, 20, 40, 50, 60]) == [0, 0.5, 1, 1, 0.5, 0]
    phase = Cosine(4, 0.2)
    assert (phase >> Linear(4, 1.0, 0.5).continue_from(phase)).at([0, 2, 4, 6, 8], 1.0) == pytest.approx(
        [1, 0.6, 0.2, 0.15, 0.1]
    )
    assert Noam(4, 16).warmup(2).at([0, 1, 2]) == [0, 1 / 256, 1 / 128]
    assert OneCycle(9, start=0.5).warmup(2).at([0, 1, 2], 0.1) == [0, 0.025, 0.05]
    assert (Cosine(4) * Step(2, 0.5) + Absolute(0.5)).at([0, 2]) == [1.5, 0.75]
    assert repr(Linear(2) * (Cosine(2) + 0.5)) == f"{Linear(2)!r} * ({Cosine(2)!r} + Absolute(value=0.5))"
    assert repr((Linear(2) + Cosine(2))[:1] >> Step(2)) == f"({Linear(2)!r} + {Cosine(2)!r})[:1] >> {Step(2)!r}"
    assert repr((Linear(2) >> Cosine(2)) + 0.5) == f"({Linear(2)!r} >> {Cosine(2)!r}) + Absolute(value=0.5)"


def test_time_in_tokens_samples_or_seconds() -> None:
    """The unit is the user's: a scheduler whose step(t) is fed it."""
    torch = pytest.importorskip("torch")
    from lucid.optim.lr_scheduler import LRScheduler

    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.5)
    tokens = Linear(2e9) >> Cosine(8e9)
    scheduler = LRScheduler(optimizer, lr=tokens)
    for batch in (0.5e9, 1e9, 4.5e9, 4e9):
        seen = scheduler.last_epoch + batch
        optimizer.step()
        scheduler.step(seen)
        assert optimizer.param_groups[0]["lr"] == tokens(seen, 0.5)
    assert scheduler.last_epoch == 10e9
    resumed = LRScheduler(torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.5), lr=tokens)
    resumed.load_state_dict(json.loads(json.dumps(scheduler.state_dict())))
    assert resumed.last_epoch == 10e9


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Linear(4) + "x", TypeError, "unsupported operand type"),
        (lambda: "x" + Linear(4), TypeError, "can only concatenate str|unsupported operand type"),
        (lambda: Linear(4) + True, TypeError, "unsupported operand type"),
        (lambda: Linear(4) + -1, ValueError, "Absolute: value must be >= 0, got -1"),
        (lambda: Linear(4).clip(2, 1), ValueError, r"Linear: clip\(lo, hi\) needs lo <= hi, got 2 and 1"),
        (lambda: Linear(4).clip(-1), ValueError, "Absolute: value must be >= 0, got -1"),
        (lambda: Linear(4).maximum(None), TypeError, "Absolute: value must be a number, got None"),
        (lambda: Sum(()), ValueError, r"Sum: parts must be a non-empty tuple of schedules, got \(\)"),
        (lambda: Maximum((Linear(4), 3)), TypeError, "Maximum: parts must be schedules, got 3"),
        (lambda: Minimum((Linear, Linear(4))), TypeError, "Minimum: parts must be schedules, got <class"),
        (lambda: Linear(4).stretch(0), ValueError, "Stretch: by must be > 0, got 0"),
        (lambda: Linear(4).per_epoch(10, staircase=1), TypeError, "Stretch: staircase must be True or False, got 1"),
        (lambda: Step(4).k_decay(2), ValueError, r"KDecay: of must have an end and a length, got Step\(.*cut it first"),
        (lambda: Linear(4)[:0].k_decay(2), ValueError, "KDecay: of must have an end and a length"),
        (lambda: Linear(4).k_decay(0), ValueError, "KDecay: k must be > 0, got 0"),
        (lambda: Linear(4).continue_from(Cosine(4)), ValueError, r"Continue: the first value of Linear\(.* not follow"),
        (lambda: Cosine(4).continue_from(Step(4)), ValueError, r"Continue: Step\(.* has no end to continue from; cut it first"),
        (lambda: Cosine(4).continue_from(3), TypeError, "Continue: previous must be a schedule, got 3"),
        (lambda: Cosine(4).warmup(-1), ValueError, "Warmup: steps must be > 0, got -1"),
        (lambda: Cosine(4).warmup(4, shape="square"), ValueError, "Warmup: shape must be 'linear', .*, got 'square'"),
        (lambda: Join((Linear, Linear(4))), TypeError, "Join: parts must be schedules, got <class"),
        (lambda: Shift(Linear, 3), TypeError, "Shift: of must be a schedule, got <class"),
        (lambda: Lambda(3), TypeError, "Lambda: fn must be callable, got 3"),
    ],
)  # fmt: skip
def test_compositions_that_make_no_sense_are_refused(make: Any, error: type, message: str) -> None:
    with pytest.raises(error, match=f"^{message}"):
        make()


REFUSED = [
    (lambda: get("Piecewise", (0, 4), (1.0,)), r"Piecewise: values must be as many as times, 2, got \(1\.0,\)"),
    (lambda: get("Piecewise", (4, 4), (1.0, 2.0)), r"Piecewise: times must be ascending, got \(4, 4\); sort them"),
    (lambda: get("Piecewise", (), ()), r"Piecewise: times must be a non-empty tuple of numbers, got \(\)"),
    (lambda: get("Piecewise", (0, 4), (1.0, -1)), r"Piecewise: values\[1\] must be >= 0, got -1"),
    (lambda: get("WSD", 4, 5), "WSD: decay_steps must be <= steps, 4, got 5"),
    (lambda: get("WSDS", (4, 2), 3), "WSDS: decay_steps must be <= every period, 2, got 3"),
    (lambda: get("RsqrtCooldown", 4, 5, 3), "RsqrtCooldown: decay_steps must be <= steps, 4, got 5"),
    (lambda: get("RsqrtCooldown", 4, 2), "RsqrtCooldown: timescale must be given where there is no warm-up to take it from"),
    (lambda: get("CosineRestarts", (4, 2), 3), "CosineRestarts: a list of steps says times and growth, so they must not"),
    (
        lambda: get("CosineRestarts", (4, 2), growth=2),
        "CosineRestarts: a list of steps says times and growth, so they must not",
    ),
    (
        lambda: get("CosineRestarts", (4, 2), decay=(1, 1, 1)),
        r"CosineRestarts: decay must be as many as steps, 2, got \(1, 1, 1\)",
    ),
    (lambda: get("CosineRestarts", 4, decay=(1, 1)), "CosineRestarts: a list of decays needs a list of steps, got 4"),
    (
        lambda: get("CosineRestarts", 4, growth=2, warmup_steps=1),
        "CosineRestarts: times must be given where cycles get shorter",
    ),
    (
        lambda: get("CosineRestarts", 4, decay=1.5),
        "CosineRestarts: times must be given where cycles get shorter or peaks higher",
    ),
    (
        lambda: get("CosineRestarts", 4, growth=0.5),
        "CosineRestarts: times must be given where cycles get shorter or peaks higher",
    ),
    (lambda: get("CosineRestarts", 4, decay=-1), "CosineRestarts: decay must be >= 0, got -1"),
    (lambda: get("Hyperbolic", 4, 3), "Hyperbolic: upper_bound must be >= steps, 4, got 3"),
    (lambda: get("ExpHyperbolic", 4, 3, 0.5), "ExpHyperbolic: upper_bound must be >= steps, 4, got 3"),
    (lambda: get("Chebyshev", 4, 1.0, 1.0), "Chebyshev: small must be < big, 1.0, got 1.0"),
    (lambda: get("ChebyshevNodes", 0.5), "ChebyshevNodes: steps must be >= 1, got 0.5"),
    (lambda: get("Proportion", Linear(4), 1, 1, 0, 1), "Proportion: of_low and of_high must differ, got 1 twice"),
    (lambda: get("REX", 4, beta=1), r"REX: beta must be in \(0, 1\), got 1"),
    (lambda: get("Decay", 4, shape="power", power=0), "Decay: power must be > 0, got 0"),
    (lambda: get("Decay", 4, ratio=1), r"Decay: ratio must be in \(0, 1\), got 1"),
    (lambda: get("Noise", Linear(4), 1.0), r"Noise: size must be in \(0, 1\), got 1\.0"),
    (lambda: get("NaturalExp", 1e9), "Exponential: gamma must be > 0, got 0.0"),
    (lambda: get("SlantedTriangular", 9, ratio=0.5), "SlantedTriangular: ratio must be >= 1, got 0.5"),
    (lambda: get("FlatCosine", 9, 1), r"FlatCosine: flat must be in \(0, 1\), got 1"),
    (lambda: get("TriStage", 1, 1, 0), "TriStage: decay_steps must be > 0, got 0"),
]


@pytest.mark.parametrize(("make", "message"), REFUSED, ids=[message[:50] for _, message in REFUSED])
def test_fields_that_make_no_sense_together_are_refused(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        make()


def test_no_field_may_hide_what_every_schedule_has() -> None:
    for field in ("shift", "warmup", "length", "at", "affine"):
        with pytest.raises(TypeError, match=f"^Mine: no field may be called '{field}', which every schedule has a meaning for"):
            type("Mine", (Schedule,), {"__annotations__": {field: float}})
    assert "Mine" not in names()


# -- at the edges


def test_the_end_of_a_join_is_the_end_of_its_last_part() -> None:
    """Though the sum of its lengths rounds."""
    rng = random.Random(0)
    for _ in range(300):
        a, b, c = (rng.uniform(0.1, 300) for _ in range(3))
        schedule = Linear(a) >> Cosine(b, 0.25) >> Linear(c, 1.0, 0.0)
        end = schedule.length
        assert schedule(end) == schedule(math.nextafter(end, 1e9)) == schedule(end + 1) == 0.0
        if np := pytest.importorskip("numpy"):
            assert (schedule(np.array([end, math.nextafter(end, 1e9), end + 1])) == 0.0).all()
    for total in range(3, 400):
        assert lucid.recipe("wsd", total)(total) == pytest.approx(0, abs=1e-13)
    assert (Linear(0.1) >> Linear(0.2) >> Cosine(0.3, hold=False))(0.1 + 0.2 + 0.6) == pytest.approx(1)  # goes on


def test_lines_and_cycles_end_where_they_say() -> None:
    rng = random.Random(0)
    for _ in range(300):
        start, end, steps = rng.uniform(0, 2), rng.uniform(0, 2), rng.uniform(2, 99)
        assert Linear(steps, start, end).at([0, steps]) == [start, end]
        assert OneCycle(steps, start, 1.0, end, 0.5).at([0, steps / 2 - 1, steps - 1])[::2] == [start, end]
    assert OneCycle(100)(0) == 0.04


@pytest.mark.parametrize("t", [1e17, 2**60, 10**17, 1e200, 1.7e308, -1.7e308])
def test_no_time_is_too_late(t: float) -> None:
    for schedule in (
        Polynomial(3, 0.5, cycle=True),
        get("Eden", 10, 10, 1),
        Linear(3).per_epoch(1e-5, staircase=True),
        get("Noise", Constant(), std=1e-300),
        get("Chebyshev", 2**53),
    ):
        value = schedule(t)
        assert isinstance(value, float), schedule
        assert math.isfinite(value)


def test_a_history_of_phases_that_continue_stays_small() -> None:
    schedule: Schedule = Linear(4, 1.0, 0.5)
    for _ in range(25):
        schedule = schedule >> Linear(4, 1.0, 0.5).continue_from(schedule)
    assert schedule(schedule.length) == 0.5**26
    assert len(schedule.to_json()) < 100_000
    assert Schedule.from_json(schedule.to_json()) == schedule


def test_what_cannot_be_read_is_not_written() -> None:
    schedule: Schedule = Cosine(4)
    for _ in range(100):
        schedule = 0.5 * schedule
    with pytest.raises(ValueError, match=r"^schedule configuration is nested deeper than 64$"):
        schedule.to_dict()


def test_whole_numbers_are_whole() -> None:
    assert get("CosineRestarts", 3, 2.0, growth=0.5) == get("CosineRestarts", 3, 2, growth=0.5)
    assert type(Linear(3).repeat(2.0).times) is int  # type: ignore[arg-type]


def test_a_warm_up_of_nothing_is_none_and_one_to_a_ceiling_stops_there() -> None:
    np = pytest.importorskip("numpy")
    assert Cosine(4).warmup(np.int64(0)) == Cosine(4)
    assert Cosine(10).clip(hi=2).warmup(4).at(range(5), 3.0) == [0, 0.5, 1, 1.5, 2]
    assert maximum(0.5, Cosine(4)) == Maximum((Absolute(0.5), Cosine(4)))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: get("CosineRestarts", 3, 10**6, growth=0.9999), "CosineRestarts: times must be <= 10000 for cycles that are"),
        (lambda: get("CosineRestarts", 3, 9999, 2, warmup_steps=1), "CosineRestarts: the last of 9999 cycles is"),
        (lambda: Decay(4, shape=lambda p: math.nan)(1), r"Decay: shape\(0\.25\) must be finite, got nan"),
        (lambda: Schedule.from_json(None), "a schedule configuration must be text, got None"),  # type: ignore[arg-type]
        (lambda: get("inverse_sqrt", 100, power=0.7), "InversePower: the name 'inverse_sqrt' says that power is 0.5; get"),
        (lambda: Cosine(4).continue_from(Linear(2)).continue_from(Step(3)), "Continue: Step"),
        (lambda: Cosine(4).clip(0.1).continue_from(Linear(2)), r"Continue: Maximum\(.* is not affine in the base"),
        (lambda: get("Chebyshev", 2.0**54), r"Chebyshev: steps must be <= 2\*\*53"),
    ],
)  # fmt: skip
def test_what_would_fail_later_is_refused(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        make()


def test_what_is_known_after_an_import_says_so() -> None:
    import subprocess
    import sys

    for name, place in (("TimmNoise", "lucid.compat.timm"), ("RunningProduct", "lucid.optim.lr_scheduler")):
        code = f"from lucid.schedules import Schedule; Schedule.from_dict({{'schedule': {name!r}}})"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert done.stderr.strip().endswith(f"ValueError: unknown schedule {name!r}; import {place} first")


# -- the noise


def test_noise_is_a_pure_function_of_step_and_seed() -> None:
    np = pytest.importorskip("numpy")
    steps = np.arange(20_000.0)
    for options in ({}, {"std": 0.2}):
        noise = get("Noise", Constant(), 0.5, **options)
        drawn = noise.draw(steps)
        assert np.abs(drawn).max() < 0.5
        assert abs(drawn.mean()) < 4 * drawn.std() / len(steps) ** 0.5
        left = math.exp(-(2.5**2) / 2)  # of a normal point beyond 2.5 deviations, in two dimensions
        expected = 0.2 * (1 - 2.5**2 / 2 * left / (1 - left)) ** 0.5 if options else 0.5 / 3**0.5
        assert drawn.std() == pytest.approx(expected, rel=0.03)
        for lag in (1, 2, 7, 100):
            assert abs(np.corrcoef(drawn[:-lag], drawn[lag:])[0, 1]) < 0.03
        other = get("Noise", Constant(), 0.5, seed=1, **options).draw(steps)
        assert abs(np.corrcoef(drawn, other)[0, 1]) < 0.03
        assert [noise.draw(k) for k in range(50)] == pytest.approx(drawn[:50].tolist(), abs=1e-15)
        assert noise(3.75) == noise(3) == 1 + noise.draw(3)
        assert np.asarray(noise.draw(np.float32(steps))) == pytest.approx(drawn, abs=2e-5)
    assert get("Noise", Constant(), 0.5, start=3, end=5).at([2, 3, 4, 5]) == [1, 1 + get("Noise", Constant(), 0.5).draw(3),
        1 + get("Noise", Constant(), 0.5).draw(4), 1]  # fmt: skip
