"""What is made from the registry is fresh, and the classes are as small as we say."""

import ast
import json
import runpy
import statistics
from pathlib import Path
from typing import Any

import pytest

import lucid
from lucid.schedules import Schedule, json_schema

ROOT = Path(lucid.__file__).parents[1]


@pytest.fixture(scope="module")
def make() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "docs" / "make.py"))


def own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without what other tests defined."""
    ours = {name: made_of for name, made_of in Schedule._registry.items() if made_of.__module__.startswith("lucid.schedules.")}
    monkeypatch.setattr(Schedule, "_registry", ours)


def test_the_pages_of_the_catalogue_are_fresh(make: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    own_registry(monkeypatch)
    stale = "is stale: python docs/make.py"
    assert (ROOT / "docs" / "schedules.md").read_text(encoding="utf-8") == make["catalogue"](), f"docs/schedules.md {stale}"
    written = json.loads((ROOT / "docs" / "schedule.schema.json").read_text(encoding="utf-8"))
    assert written == json_schema(), f"docs/schedule.schema.json {stale}"


def test_what_the_pictures_show_can_be_drawn(make: dict[str, Any]) -> None:
    for name, text in make["SHOWN"].items():
        schedule = eval(text, vars(lucid.schedules).copy())
        assert max(schedule.at(range(101))) > 0, name


def test_a_class_of_the_catalogue_is_a_dozen_lines() -> None:
    sizes = {}
    for path in (ROOT / "lucid" / "schedules").glob("[a-z]*.py"):
        lines = path.read_text(encoding="utf-8").splitlines()
        for node in ast.parse("\n".join(lines)).body:
            if isinstance(node, ast.ClassDef):
                doc = node.body[0]
                told = range(doc.lineno, doc.end_lineno + 1)  # type: ignore[operator]
                numbers = range(node.lineno, node.end_lineno + 1)  # type: ignore[operator]
                sizes[node.name] = sum(bool(lines[i - 1].strip()) for i in numbers if i not in told)
    assert len(sizes) > 30
    assert statistics.median(sizes.values()) <= 12, sizes
