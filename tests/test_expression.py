"""Schedules as text: what repr writes is read back, nothing is run, and refusals say why."""

import builtins
import json
import subprocess
import sys

import pytest
from catalogue import HOLD_FUNCTIONS, ROWS, draw
from hypothesis import given
from hypothesis import strategies as st

import lucid
from lucid._expression import read
from lucid.schedules import (
    Absolute,
    Constant,
    Cosine,
    Cut,
    Join,
    Linear,
    Maximum,
    Minimum,
    Piecewise,
    Product,
    Scale,
    Sum,
    Warmup,
    get,
)

VARIANTS = [(name, variant) for name, row in ROWS.items() for variant in row]


@pytest.mark.parametrize(("name", "variant"), VARIANTS)
def test_every_schedule_is_read_back_from_its_repr(name, variant):
    schedule = draw(name, variant, 7)
    if (name, variant) in HOLD_FUNCTIONS:
        with pytest.raises(ValueError, match=r"is no expression|cannot stand"):
            lucid.parse(repr(schedule))
    else:
        again = lucid.parse(repr(schedule))
        assert again == schedule
        assert again.to_dict() == schedule.to_dict()


@given(st.data())
def test_compositions_are_read_back(data):
    simple = st.sampled_from([Cosine(9, end=0.25), Linear(4), Constant(0.5, steps=3), get("wsd", 10, 4), Warmup(3)])
    compositions = st.recursive(
        simple,
        lambda s: st.one_of(
            st.builds(lambda a, b: a >> b, s, s),
            st.builds(lambda a, b: a * b, s, s),
            st.builds(lambda a, b: a + b, s, s),
            st.builds(lambda k, a: k * a, st.floats(0, 8), s),
            st.builds(lambda a, n: a[:n], s, st.integers(1, 20)),
            st.builds(lambda a: a.repeat(2, stretch=1.5), s),
            st.builds(lambda a: a.clip(1e-3, 2), s),
        ),
        max_leaves=5,
    )
    schedule = data.draw(compositions)
    again = lucid.parse(repr(schedule))
    assert again == schedule
    assert read(schedule.to_json()) == schedule


@pytest.mark.parametrize(
    ("text", "schedule"),
    [
        ("warmup(500) >> cosine(9500)", Join((Warmup(500), Cosine(9500)))),
        ("  warmup(500)\n  >> cosine(9500)  ", Join((Warmup(500), Cosine(9500)))),
        ("Linear(10, end=1/4)", Linear(10, end=0.25)),
        ("cosine(2 * 500 - 100 + 1)", Cosine(901)),
        ("0.5 * cosine(10)", Scale(Cosine(10), 0.5)),
        ("cosine(10) * 2", Scale(Cosine(10), 2)),
        ("linear(10) * cosine(20)", Product((Linear(10), Cosine(20)))),
        ("cosine(10) + 0.25", Sum((Cosine(10), Absolute(0.25)))),
        ("constant[:10] >> cosine(5)", Join((Cut(Constant(), 10), Cosine(5)))),
        ("cosine(10).warmup(3, shape='cosine')", Cosine(10).warmup(3, shape="cosine")),
        ("cosine(10).repeat(3, stretch=2).clip(lo=1e-3)", Cosine(10).repeat(3, stretch=2).clip(1e-3)),
        ("linear(4, 1.0, 0.5) >> cosine(2).continue_from(linear(4, 1.0, 0.5))",
         Linear(4, 1.0, 0.5) >> Cosine(2).continue_from(Linear(4, 1.0, 0.5))),
        ("maximum(cosine(10), 0.1)", Maximum((Cosine(10), Absolute(0.1)))),
        ("minimum(cosine(10), linear(4))", Minimum((Cosine(10), Linear(4)))),
        ("linear(10).k_decay(2).stretch(3).shift(+1).per_epoch(5, staircase=True)",
         Linear(10).k_decay(2).stretch(3).shift(1).per_epoch(5, staircase=True)),
        ("piecewise([0, 5, 9], (1, 0.5, 0))", Piecewise((0, 5, 9), (1, 0.5, 0))),
        ("cosine(10).shift(-3)", Cosine(10).shift(-3)),
        ("one_cycle(100)", get("one_cycle", 100)),
        ("constant", Constant()),
    ],
)  # fmt: skip
def test_what_an_expression_means(text, schedule):
    made = lucid.parse(text)
    assert made == schedule
    assert made.at(range(30), 0.1) == schedule.at(range(30), 0.1)


REFUSED = {
    "": "'' is no expression",
    "cosine(10": r"'cosine\(10' is no expression: '\(' was never closed at character 7",
    "x := 3": "is no expression: invalid syntax",
    "cosin(10)": "unknown schedule 'cosin'; did you mean 'Cosine'",
    "cosine": "Cosine: field 'steps' is missing",
    "cosine(0)": "Cosine: steps must be > 0, got 0",
    "cosine(True)": "Cosine: steps must be a number, got True",
    "cosine(10, 0, True, 1, 5)": "Cosine: takes at most 4 fields, got 5",
    "cosine(steps=4, steps=5)": "is no expression: keyword argument repeated|steps is given twice",
    "cosine(4, name=5)": "cosine: unknown field 'name'",
    "cosine(4, stpes=5)": "Cosine: unknown field 'stpes'; did you mean 'steps'",
    "cosine(**{})": r"write each field by itself, without \*\*",
    "cosine(*[1])": "cannot stand in a schedule's expression",
    "3": "'3' is no schedule; write a name with its fields",
    "'cosine'": "is no schedule; write a name with its fields",
    "3 >> 4": r"'3 >> 4': there are \+ - \* / between numbers",
    "1 / 0": "'1 / 0': division by zero",
    "10 ** 400": r"'10 \*\* 400': there are \+ - \* / between numbers",
    "cosine(4) >> 3": "'cosine\\(4\\) >> 3': a number can scale a schedule, not join it",
    "cosine(4) - cosine(4)": "there are >> \\* \\+ between schedules",
    "cosine(4) / 2": "there are >> \\* \\+ between schedules",
    "'a' * 9": "there are >> \\* \\+ between schedules",
    "-1 * cosine(4)": "Scale: factor must be >= 0, got -1",
    "1e999 * cosine(4)": "Scale: factor must be finite, got inf",
    "constant >> cosine(4)": r"has no end, so nothing can follow it; cut it first",
    "cosine(4)[1:4]": "cannot stand in a schedule's expression",
    "cosine(4)[0]": "cannot stand in a schedule's expression",
    "-cosine(4)": "cannot stand in a schedule's expression",
    "cosine(4).__class__": "cannot stand in a schedule's expression",
    "cosine(4).__class__()": "unknown method '__class__'; known are clip, ",
    "cosine(4).repaet(3)": "unknown method 'repaet'; did you mean 'repeat'",
    "cosine(4).to_json()": "unknown method 'to_json'",
    "cosine(4).repeat(2, foo=1)": r"repeat\(\) got an unexpected keyword argument 'foo'",
    "maximum()": r"maximum\(\) missing 1 required positional argument",
    "(1).repeat(2)": r"'1' is no schedule, so it has no repeat\(\)",
    "__import__('os')": "unknown schedule '__import__'",
    "Lambda(lambda t: t)": "cannot stand in a schedule's expression",
    "Lambda(3)": "Lambda: fn must be callable, got 3",
    "(lambda: cosine(3))()": "cannot stand in a schedule's expression",
    "[cosine(i) for i in (1, 2)]": "cannot stand in a schedule's expression",
    "cosine(4) if 1 else 2": "cannot stand in a schedule's expression",
    "f'{1}'": "cannot stand in a schedule's expression",
    "1j * cosine(4)": "cannot stand in a schedule's expression",
    "b'x'": "cannot stand in a schedule's expression",
    "(" * 300: "is no expression: too many nested parentheses",
    "-" * 90_000 + "1": "is nested too deeply",
    "cosine(4) + " * 5_000 + "1": "is nested too deeply",
    "1" * 100_001: "must have at most 100000 characters, got 100001",
    "1" * 5_000: "is no expression|is no schedule",
    "cosine(4\0)": "is no expression",
}


@pytest.mark.parametrize("text", REFUSED, ids=lambda text: text[:30])
def test_refusals_say_why(text):
    with pytest.raises(ValueError, match=REFUSED[text]):
        lucid.parse(text)


def test_text_alone_is_read():
    with pytest.raises(ValueError, match="expression must be text, got 3"):
        lucid.parse(3)


def test_nothing_is_run(monkeypatch):
    for name in ("eval", "exec", "__import__", "open", "getattr"):
        if name not in ("__import__", "getattr"):
            monkeypatch.setattr(builtins, name, lambda *a, name=name: pytest.fail(f"{name} was called"))
    for text in ("open('/etc/passwd')", "eval('1')", "exec('1')", "__builtins__", "cosine.__init__.__globals__"):
        with pytest.raises(ValueError, match=r"unknown schedule|cannot stand"):
            lucid.parse(text)


@given(st.text(max_size=60) | st.text("cosinewarmup()[]{}.,:=>+-*/ 0123456789'\"_@#\\\n", max_size=60))
def test_any_text_is_a_schedule_or_a_value_error(text):
    try:
        made = lucid.parse(text)
    except ValueError:
        return
    assert lucid.parse(repr(made)) == made


def test_read_takes_expressions_json_and_files(tmp_path):
    schedule = Warmup(5) >> Cosine(95)
    as_json, as_text = tmp_path / "a.json", tmp_path / "b"
    as_json.write_text(schedule.to_json(indent=2))
    as_text.write_text("warmup(5)\n>> cosine(95)\n")
    assert read("warmup(5) >> cosine(95)") == read(schedule.to_json()) == read(str(as_json)) == read(str(as_text)) == schedule


def test_read_names_the_file(tmp_path):
    broken = tmp_path / "broken.json"
    broken.write_text('{"schedule": ')
    with pytest.raises(ValueError, match=r"broken\.json: schedule configuration is no JSON"):
        read(str(broken))
    broken.write_bytes(b"\xff\xfe")
    with pytest.raises(ValueError, match="is no text"):
        read(str(broken))
    broken.write_text('{"schedule": "Cosine", "steps": ' + "9" * 1_000_001)
    with pytest.raises(ValueError, match="longer than 1000000 characters"):
        read(str(broken))
    with pytest.raises(FileNotFoundError, match=r"missing\.json"):
        read(str(tmp_path / "missing.json"))


def test_no_array_library_is_imported():
    code = (
        "import sys, lucid; lucid.parse('warmup(5) >> cosine(95)');"
        "import json; print(json.dumps([m for m in ('numpy', 'torch', 'jax', 'matplotlib') if m in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []
