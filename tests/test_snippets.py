"""The program for PyTorch runs as it stands, and its optimizer sees the curve; programs for the others are complete Python."""

import ast
import re
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from catalogue import HOLD_FUNCTIONS, ROWS, draw
from torch.optim.optimizer import register_optimizer_step_pre_hook

import lucid
from lucid._snippets import FORMATS, snippet
from lucid.schedules import Cosine, Cut, Lambda, Linear, Schedule, Step, Warmup

SCHEDULES = {
    "join": Warmup(3) >> Cosine(6, end=1e-4),
    "long join": Linear(2, 0.1) >> Cosine(2) >> Linear(2, 0.25, 1.0) >> (0.5 * Step(1, 0.5))[:2] >> Cosine(2, exponent=2.0),
    "recipe": lucid.recipe("pretrain-llm", 9),
    "endless": Step(2, 0.5) * Warmup(4),
}


@pytest.fixture
def used() -> Iterator[list[float]]:
    """The rates that every optimizer of PyTorch has used."""
    found: list[float] = []

    def note(optimizer: Any, args: Any, kwargs: Any) -> None:
        found.append(optimizer.param_groups[0]["lr"])

    hook = register_optimizer_step_pre_hook(note)
    yield found
    hook.remove()


@pytest.mark.parametrize("name", SCHEDULES)
def test_pytorch_sees_the_curve(name: str, used: list[float]) -> None:
    exec(compile(snippet(SCHEDULES[name], "pytorch", lr=3e-4, steps=11), name, "exec"), {"__name__": "__main__"})
    assert used == SCHEDULES[name].at(range(11), 3e-4)  # to the last bit
    assert len(set(used)) > 3


@pytest.mark.parametrize(("name", "variant"), [(n, v) for n in ROWS for v in ROWS[n] if (n, v) not in HOLD_FUNCTIONS])
def test_every_schedule_of_the_catalogue_is_written_as_it_is(name: str, variant: str) -> None:
    schedule = draw(name, variant, 7)
    program = snippet(schedule, "pytorch")
    imports = "\n".join(re.findall(r"^from lucid.*", program, re.M))
    [assigned] = [node for node in ast.parse(program).body if ast.unparse(node).startswith("schedule = ")]
    names: dict[str, Any] = {}
    exec(f"{imports}\n{ast.unparse(assigned)}", names)
    assert names["schedule"] == schedule


@pytest.mark.parametrize("format", FORMATS)
def test_every_program_is_complete_and_says_what_it_needs(format: str) -> None:
    program = snippet(SCHEDULES["join"], format, lr=0.01)
    compile(program, format, "exec")
    assert program.startswith("# pip install ")
    assert "schedule = Warmup(steps=3, start=0.0) >> Cosine(steps=6, end=0.0001)\n" in program
    assert "0.01" in program
    assert "# yours" in program
    assert max(map(len, program.splitlines())) <= 120


def test_the_length_is_that_of_the_schedule_where_it_has_one() -> None:
    assert "range(9)" in snippet(Warmup(3) >> Cosine(5.5), "pytorch")
    assert "range(1000)" in snippet(Step(3), "pytorch")
    assert "range(1000)" in snippet(Cut(Step(3), 0), "pytorch")
    assert "max_steps=7," in snippet(Step(3), "transformers", steps=7)


def test_a_long_join_has_a_line_for_each_part() -> None:
    program = snippet(SCHEDULES["long join"], "optax")
    assert "schedule = (\n    Linear(steps=2, start=0.1)\n    >> Cosine(steps=2)\n    >> " in program


def test_a_schedule_of_another_module_is_imported_from_there() -> None:
    from lucid.compat.timm import TimmNoise

    noisy = TimmNoise(Cosine(10), start=2)
    assert "from lucid.compat.timm import TimmNoise\nfrom lucid.schedules import Cosine\n" in snippet(noisy, "pytorch")


def test_what_no_program_can_import_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Schedule, "_registry", dict(Schedule._registry))

    class Own(Schedule):
        def __call__(self, t: Any, base: Any = 1.0) -> Any:
            return base

    with pytest.raises(ValueError, match=r"snippet: Own is defined where no program can import it from; move it to a module's"):
        snippet(Own(), "pytorch")
    Own.__qualname__, Own.__module__ = "Own", "__main__"
    with pytest.raises(ValueError, match="snippet: Own is defined where no program can import it from"):
        snippet(Own(), "pytorch")
    with pytest.raises(ValueError, match=r"Lambda: fn is .* which JSON cannot hold"):
        snippet(Lambda(abs), "pytorch")


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(TypeError, match="snippet: schedule must be a Schedule, got 'cosine'"):
        snippet("cosine", "pytorch")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="snippet: format must be one of pytorch, optax, keras, transformers, got 'jax'"):
        snippet(Cosine(9), "jax")
    with pytest.raises(ValueError, match="snippet: lr must be >= 0, got -1"):
        snippet(Cosine(9), "pytorch", lr=-1)
    with pytest.raises(ValueError, match="snippet: steps must be a whole number >= 1, got 0"):
        snippet(Cosine(9), "pytorch", steps=0)


def test_it_is_light() -> None:
    import subprocess

    code = "import sys, lucid._snippets\nassert not {'numpy', 'torch', 'jax', 'keras'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
