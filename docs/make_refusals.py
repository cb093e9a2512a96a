"""Writes docs/refusals.md: what comes of dubious constructions and hostile states, from the rows of tests/refusals.py.

python docs/make_refusals.py
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

ABOUT = """\
# What is refused, and what is not

Dubious constructions and hostile states, and what comes of each: run by the tests, written by `python docs/make_refusals.py`.
Whatever is refused has changed nothing: the optimizer, and the scheduler that a state was loaded into, are as before, compared
field by field. [SECURITY.md](../SECURITY.md) tells what is trusted, and `./test --fuzz SECONDS` looks for more.
"""


def page() -> str:
    from refusals import rows  # of tests/

    lines = [ABOUT.rstrip()]
    title, under = "", ""
    for kind, heading, code, why, outcome in rows():
        if kind != title:
            title = kind
            lines += ["", "## Constructions" if kind == "construction" else "## States"]
            if kind == "state":
                lines += ["", "`state` is the scheduler's own, after a step of two groups; what is shown is loaded."]
        if heading != under:
            under = heading
            lines += ["", f"### {heading}", "", "| | |", "|---|---|"]
        found = outcome()
        lines.append(f"| {shown(code)} | {f'accepted: {why}' if found == 'accepted' else shown(found)} |")
    return "\n".join(lines) + "\n"


def shown(code: str) -> str:
    """As code, in a cell of a table."""
    ticks = "``" if "`" in code else "`"
    return ticks + code.replace("|", "\\|") + ticks


if __name__ == "__main__":
    (ROOT / "docs" / "refusals.md").write_text(page(), encoding="utf-8")
