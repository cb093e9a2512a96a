"""Dubious constructions and hostile states: the table in ``docs/refusals.md`` is what comes of them, and is fresh."""

import runpy
import sys
from pathlib import Path
from typing import Any

import pytest
import refusals

import lucid
from lucid.schedules import Schedule

ROOT = Path(lucid.__file__).parents[1]
ROWS = refusals.rows()


@pytest.mark.parametrize(("kind", "heading", "code", "why", "outcome"), ROWS, ids=[f"{row[1]} {row[2][:50]}" for row in ROWS])
def test_a_row_is_refused_or_accepted_as_it_says(kind: str, heading: str, code: str, why: str, outcome: Any) -> None:
    found = outcome()
    if why:
        assert found == "accepted"
        return
    error, _, message = found.partition(": ")
    documented = {"ValueError", "TypeError", "KeyError", "NotImplementedError"} if kind == "construction" else {"ValueError"}
    assert error in documented or (error == "TypeError" and code in ("None", "[]"))
    assert len(message) > 15


def test_there_are_as_many_as_we_say() -> None:
    kinds = [kind for kind, *_ in ROWS]
    assert kinds.count("construction") >= 60
    assert kinds.count("state") >= 40
    assert len({row[1:3] for row in ROWS}) == len(ROWS)


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="some messages are Python's, in the words of 3.11")
def test_the_page_is_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = {name: made_of for name, made_of in Schedule._registry.items() if made_of.__module__.startswith("lucid.schedules.")}
    monkeypatch.setattr(Schedule, "_registry", ours)  # without what other tests defined, which a message might name
    page = runpy.run_path(str(ROOT / "docs" / "make_refusals.py"))["page"]()
    written = (ROOT / "docs" / "refusals.md").read_text(encoding="utf-8")
    assert written == page, "docs/refusals.md is stale: python docs/make_refusals.py"
