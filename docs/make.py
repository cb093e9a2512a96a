"""Writes what the registry says: docs/schedules.md, docs/schedules.png and docs/schedule.schema.json.

python docs/make.py
"""

import inspect
import json
import re
import sys
from dataclasses import MISSING, fields
from pathlib import Path

from lucid._formulas import read
from lucid.schedules import Schedule, json_schema, names

HERE = Path(__file__).parent

# What the pictures show: a schedule of each kind over 100 steps, base 1.
SHOWN = {
    "Linear": "Linear(30) >> Linear(70, 1, 0)",
    "Polynomial": "Polynomial(100, power=2)",
    "Polynomial, cycle": "Polynomial(25, end=0.1, cycle=True)",
    "Exponential": "Exponential(0.1, every=50, end=0.05)",
    "Step": "Step(25, gamma=0.5)",
    "Piecewise": "Piecewise((0, 20, 60, 100), (0.2, 1, 0.5, 0), 'cosine')",
    "InversePower": "InversePower(20).warmup(20)",
    "NoamHold": "NoamHold(15, 25)",
    "Cosine": "Cosine(90).warmup(10)",
    "QuarterCosine": "QuarterCosine(100)",
    "KDecay": "Cosine(100).k_decay(3)",
    "CosineRestarts": "CosineRestarts(12, times=3, growth=2, decay=0.7, warmup_steps=4)",
    "Cyclic": "Cyclic(0.1, 1, 10, 15, mode='triangular2')",
    "OneCycle": "OneCycle(100)",
    "SlantedTriangular": "SlantedTriangular(100)",
    "TriStage": "TriStage(15, 45, 40)",
    "WSD": "WSD(85, 25, warmup_steps=15)",
    "RsqrtCooldown": "RsqrtCooldown(85, 20, warmup_steps=15)",
    "WSDS": "WSDS((25, 30, 35), 10, warmup_steps=10)",
    "FlatCosine": "FlatCosine(100)",
    "REX": "REX(100)",
    "Tanh": "Tanh(100)",
    "Hyperbolic": "Hyperbolic(100, 120)",
    "ExpHyperbolic": "ExpHyperbolic(100, 120, 0.01)",
    "Chebyshev": "Chebyshev(64)",
    "Decay": "Constant(steps=40) >> Decay(60, shape='1-sqrt')",
    "Warmup": "Warmup(100, shape='quadratic')",
    "Noise": "Noise(Cosine(100), size=0.2, start=20, end=80)",
    "Sum": "0.75 * Cosine(100) + 0.25 * Step(25, 0.5)",
    "Maximum": "Cosine(20).repeat().maximum(Linear(100, 1, 0))",
}


def catalogue() -> str:
    """The page of all schedules, by file."""
    lines = [
        "# Every schedule",
        "",
        "`value = schedule(t, base)`, with the formula that the tests evaluate against the code. `lucid.get` knows them by",
        "these names and by the other names in brackets, in any case. Their JSON is described by",
        "[schedule.schema.json](schedule.schema.json). Where another library's schedule is: [peers.md](peers.md). This page",
        "is made by `python docs/make.py`.",
        "",
        "![A curve of each](schedules.png)",
    ]
    room = None
    for made_of in sorted((Schedule._registry[name] for name in names()), key=lambda cls: (cls.__module__, cls.__name__)):
        if not made_of.__module__.startswith("lucid.schedules."):
            continue
        if made_of.__module__ != room:
            room = made_of.__module__
            doc = inspect.getdoc(sys.modules[room]) or ""
            title = "How schedules are composed" if room.endswith("._schedule") else doc.partition("\n")[0].rstrip(".")
            lines += ["", f"## {title}"]
        lines += ["", *entry(made_of)]
    return "\n".join(lines) + "\n"


def entry(made_of: type[Schedule]) -> list[str]:
    doc = read(made_of)
    also = f" ({', '.join(made_of.aliases)})" if made_of.aliases else ""
    signature = []
    for field in fields(made_of):  # type: ignore[arg-type]
        signature.append(field.name if field.default is MISSING else f"{field.name}={field.default!r}")
    found = [f"### {made_of.__name__}{also}", "", f"`{made_of.__name__}({', '.join(signature)})`", "", plain(doc.summary)]
    if doc.latex:
        several = "\n" in doc.latex
        found += ["", "```math", f"\\begin{{gathered}}\n{doc.latex}\n\\end{{gathered}}" if several else doc.latex, "```"]
    if doc.arguments:
        found += ["", *(f"- `{name}`: {plain(text)}" for name, text in doc.arguments.items())]
    if doc.source:
        found += ["", f"Source: {plain(doc.source)}"]
    return found


def plain(text: str) -> str:
    """Our docstrings' markup as Markdown, in one line."""
    text = re.sub(r":math:`([^`]*)`", r"$\1$", " ".join(text.split()))
    text = re.sub(r":class:`([^`]*)`", r"`\1`", text)
    return text.replace("``", "`")


def picture(path: Path) -> None:
    """Small pictures of all of them."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    import lucid.schedules as catalogue

    across = 6
    figure, axes = plt.subplots(-(-len(SHOWN) // across), across, figsize=(13, 9), sharex=True)
    times = [i / 8 for i in range(8 * 110)]
    for axis, (name, text) in zip(axes.flat, SHOWN.items(), strict=False):
        schedule = eval(text, vars(catalogue).copy())
        axis.plot(times, schedule.at(times), color="#2457a6", linewidth=1.5)
        axis.set_title(name, fontsize=9)
        axis.set_xticks([])
        axis.set_yticks([])
        axis.set_ylim(bottom=0)
        axis.spines[["top", "right"]].set_visible(False)
    for axis in axes.flat[len(SHOWN) :]:
        axis.set_visible(False)
    figure.tight_layout()
    figure.savefig(path, dpi=110, metadata={"Software": None})


if __name__ == "__main__":
    (HERE / "schedules.md").write_text(catalogue(), encoding="utf-8")
    (HERE / "schedule.schema.json").write_text(json.dumps(json_schema(), indent=1) + "\n", encoding="utf-8")
    picture(HERE / "schedules.png")
