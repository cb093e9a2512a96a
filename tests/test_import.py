"""Importing stays light: nothing is loaded before it is asked for, and the pure schedules need no array library at all."""

import subprocess
import sys
from pathlib import Path

import pytest

import lucid

ROOT = Path(lucid.__file__).parents[1]
HEAVY = ("numpy", "torch", "jax", "matplotlib", "sklearn", "rich", "mlx", "scipy", "optax")


def run(code: str) -> str:
    """What a fresh interpreter prints."""
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def loaded_by(statement: str) -> set[str]:
    """The modules that a statement loads into a fresh interpreter."""
    return set(run(f"import sys; before = set(sys.modules)\n{statement}\nprint(*set(sys.modules) - before)").split())


@pytest.mark.parametrize(
    "statement", ["import lucid", "import lucid.schedules", "from lucid import schedules", "dir(__import__('lucid'))"]
)
def test_no_array_library_comes_along(statement: str) -> None:
    top = {name.partition(".")[0] for name in loaded_by(statement)}
    assert "lucid" in top
    assert top.isdisjoint(HEAVY)


def test_lucid_alone_is_a_handful_of_modules() -> None:
    loaded = loaded_by("import lucid")
    assert {name for name in loaded if name.startswith("lucid")} == {"lucid"}
    assert loaded.isdisjoint({"typing", "dataclasses", "inspect", "re", "collections", "functools", "json", "enum", "ast"})
    assert len(loaded) <= 8, sorted(loaded)


def test_the_schedules_bring_only_themselves_and_the_standard_library() -> None:
    loaded = loaded_by("import lucid.schedules")
    ours = {name for name in loaded if name.startswith("lucid")}
    assert all(name == "lucid" or name.startswith("lucid.schedules") for name in ours)
    assert {name.partition(".")[0] for name in loaded} - {"lucid"} <= sys.stdlib_module_names
    assert loaded.isdisjoint({"difflib", "json", "decimal", "fractions", "random", "asyncio", "logging"})


@pytest.mark.parametrize("block", ["None", "a finder"])
def test_the_schedules_work_where_no_array_library_can_be_imported(block: str) -> None:
    blocked = {
        "None": f"import sys\nfor name in {HEAVY}:\n    sys.modules[name] = None\n",
        "a finder": f"""
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {HEAVY}:
            raise ImportError(f"{{name}} is blocked")
sys.meta_path.insert(0, Blocker())
try:
    import numpy
except ImportError:
    pass
else:
    raise SystemExit("the blocker does not block")
""",
    }[block]
    printed = run(
        blocked
        + """
import json, pickle
from lucid import schedules
from lucid.schedules import *
schedule = Linear(2) >> (0.5 * Cosine(4, end=0.1) * Step(2, 0.5))[:3] >> MultiStep((2, 4)) * Exponential(0.9)
assert Schedule.from_dict(json.loads(json.dumps(schedule.to_dict()))) == schedule
assert pickle.loads(pickle.dumps(schedule)) == schedule
assert eval(repr(schedule)) == schedule
assert {"Constant", "Cyclic", "Noam", "Lambda"} <= set(schedules.__all__)
for made in (Noam(512, 4000), Cyclic(0.1, 1, 2, mode="exp_range"), Lambda(lambda t: 2), Constant(2), schedule):
    assert all(value >= 0 for value in made.at(range(-9, 99), 0.1))
print(Linear(4).at([0, 2, 4]), schedule(1, 0.5))
"""
    )
    assert printed == "[0.0, 0.5, 1.0] 0.25\n"


def test_a_time_of_an_unknown_kind_is_refused_without_any_library() -> None:
    code = """
from fractions import Fraction
from lucid.schedules import Linear
try:
    Linear(4)(Fraction(1, 2))
except TypeError as error:
    print(error)
"""
    assert run(code) == "time and base must be numbers or arrays, got Fraction\n"


def test_names_come_when_asked_for() -> None:
    code = """
import sys, lucid
assert "lucid.schedules" not in sys.modules
assert lucid.schedules.Linear(4)(2) == 0.5
assert "lucid.schedules" in sys.modules and "schedules" in vars(lucid)
from lucid import schedules
assert schedules is lucid.schedules is sys.modules["lucid.schedules"]
assert "torch" not in sys.modules
"""
    run(code)


@pytest.mark.parametrize("name", ["Cosine", "nothing", "_Tensor", "__wrapped__"])
def test_an_unknown_name_is_an_attribute_error(name: str) -> None:
    with pytest.raises(AttributeError, match=f"module 'lucid' has no attribute '{name}'"):
        getattr(lucid, name)
    assert not hasattr(lucid, name)
    assert name not in dir(lucid)


def test_an_unknown_name_is_an_import_error() -> None:
    with pytest.raises(ImportError, match="cannot import name 'nothing' from 'lucid'"):
        from lucid import nothing  # noqa: F401


def test_dir_lists_the_public_names() -> None:
    listed = run("import lucid; print(*dir(lucid))").split()
    assert listed == sorted(listed)
    assert {*lucid.__all__, "__version__"} <= set(listed)
    assert {"schedules", "optim", "nn", "data", "Tensor", "device", "load", "save", "tensor"} <= set(lucid.__all__)


def test_every_public_name_is_there() -> None:
    pytest.importorskip("torch")
    for name in lucid.__all__:
        assert getattr(lucid, name) is not None
    for name in lucid.schedules.__all__:
        assert getattr(lucid.schedules, name) is not None
