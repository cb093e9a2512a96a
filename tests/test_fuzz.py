"""Differential fuzzing: PyTorch's schedulers and ours are given the same descriptions and scripts.

A *case* is plain data: one scheduler, several on one optimizer, or a nest of them, and a script of steps, jumps, edits and
resumptions. After each action three values are compared for every parameter group: ours; what the documented rules say, from
closed formulas that are written out here (`Rule`); and PyTorch's. Ours must always be the rule's. It must be PyTorch's too,
unless one of `DIFFERENCES` applies there: a closed list, each with its reason and with a predicate on what happened.
Where one applies, PyTorch's rate is tainted, until something writes it that does not depend on what stood there.

``HYPOTHESIS_PROFILE=nightly`` or ``--hypothesis-profile=nightly`` runs ten times as many cases, and
``--hypothesis-show-statistics`` tells how often each difference was met.
"""

import copy
import io
import json
import math
import warnings
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from cases import Halving, adam, factor, growing, rates, sgd, wobbling
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from torch.optim import lr_scheduler as torchs
from torch.optim.swa_utils import SWALR

from lucid.optim import lr_scheduler as ours

Node = dict[str, Any]
"""A scheduler: {"class": name, argument: value, ...}; of a composite, "of" lists its children."""
Line = tuple[float, float]
"""Offset and slope of a formula in the base."""
Action = tuple[Any, ...]
"""("step", n[, which]), ("jump", t[, which]), ("edit", group, "*" or "=", x, how), ("reload", through, order) or
("resume",): built anew with ``last_epoch``, on an optimizer that was restored."""

COMPOSITES = ("SequentialLR", "ChainedScheduler")
ABSOLUTE = ("CyclicLR", "OneCycleLR")  # whatever stands in the group, in both modules
DISCARDING = ("LambdaLR", "CosineAnnealingWarmRestarts")  # whatever stands in the group, in PyTorch
RECURSIVE = ("StepLR", "MultiStepLR", "ConstantLR", "LinearLR", "ExponentialLR", "PolynomialLR", "MultiplicativeLR")
JUMPING = ("StepLR", "MultiStepLR", "ConstantLR", "LinearLR", "ExponentialLR", "PolynomialLR", "CosineAnnealingLR",
           *DISCARDING, *ABSOLUTE)  # fmt: skip

FUNCTIONS: dict[str, Callable[[Any], float]] = {
    "factor": factor,
    "growing": growing,
    "wobbling": wobbling,
    "halving": Halving(4),
    "zigzag": lambda t: abs((t % 6) - 3) / 3,  # 0 at 3, 9, ...
    "ending": lambda t: 0.0 if t == 5 else 0.9,
}


# -- cases, and how they are run


@dataclass(frozen=True)
class Case:
    schedulers: tuple[Node, ...]
    script: tuple[Action, ...] = ()
    lrs: tuple[float, ...] = (0.1,)
    kinds: tuple[str, ...] = ()
    """Per group "float", "float64" or "float32", the last two 0-d tensors."""
    optimizer: str = "sgd"
    initial_lrs: tuple[float, ...] = ()
    """Where given, what stands in the groups as ``initial_lr`` from the start."""
    metrics: tuple[float, ...] = (1.0,)
    """Of the steps, over and over."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "schedulers", tuple(map(apart, self.schedulers)))

    def kind(self, g: int) -> str:
        return self.kinds[g] if self.kinds else "float"

    def actions(self) -> Iterator[Action]:
        """The script, in single steps."""
        everyone = tuple(range(len(self.schedulers)))
        for what, *how in self.script:
            if what == "step":
                yield from [("step", *(how[1:] or [everyone]))] * how[0]
            elif what == "jump":
                yield ("jump", how[0], *(how[1:] or [everyone]))
            else:
                yield (what, *how)


def apart(node: Node) -> Node:
    """A copy, so that no two nodes are one: they are told apart by identity."""
    return {**node, "of": list(map(apart, node["of"]))} if "of" in node else dict(node)


class Side:
    """A case in one of the two modules."""

    def __init__(self, case: Case, mine: bool) -> None:
        self.case, self.mine = case, mine
        self.module: Any = ours if mine else torchs
        self.optimizer, self.schedulers = self.built()

    def built(self) -> tuple[Any, list[Any]]:
        optimizer = self.groups()
        return optimizer, [self.made(node, optimizer) for node in self.case.schedulers]

    def groups(self) -> Any:
        case = self.case
        lrs = [lr if case.kind(g) == "float" else torch.tensor(lr, dtype=getattr(torch, case.kind(g)))
               for g, lr in enumerate(case.lrs)]  # fmt: skip
        optimizer = (sgd if case.optimizer == "sgd" else adam)(*lrs)
        for group, initial in zip(optimizer.param_groups, case.initial_lrs, strict=False):
            group["initial_lr"] = initial
        return optimizer

    def made(self, node: Node, optimizer: Any) -> Any:
        given = {name: copy.copy(value) for name, value in node.items() if name != "class"}
        if node["class"] in COMPOSITES:
            children = [self.made(child, optimizer) for child in given.pop("of")]
            made = self.module.SequentialLR if node["class"] == "SequentialLR" else self.module.ChainedScheduler
            return made(optimizer, children, **given) if node["class"] == "SequentialLR" else made(children)
        for name in ("lr_lambda", "scale_fn"):
            if given.get(name) is not None:
                of = given[name]
                given[name] = [copy.copy(FUNCTIONS[f]) for f in of] if isinstance(of, list) else copy.copy(FUNCTIONS[of])
        made = SWALR if node["class"] == "SWALR" and not self.mine else getattr(self.module, node["class"])
        return made(optimizer, **given)

    def act(self, action: Action, metric: float, other: "Side | None" = None) -> None:
        match action:
            case ("step", which):
                self.optimizer.step()
                for i in which:
                    self.schedulers[i].step(*[metric] * follows_metrics(self.case.schedulers[i]))
            case ("jump", t, which):
                self.optimizer.step()
                for i in which:
                    self.schedulers[i].step(t)
            case ("edit", g, sign, x, how):
                group = self.optimizer.param_groups[g]
                held = group["lr"]
                value = float(held) * x if sign == "*" else x
                if isinstance(held, torch.Tensor) and how == "in place":
                    held.fill_(value)
                else:
                    group["lr"] = held.new_tensor(value) if isinstance(held, torch.Tensor) and how == "anew" else value
            case ("reload", through, order):
                of = other.schedulers if other is not None else self.schedulers
                states: dict[Any, Any] = {i: scheduler.state_dict() for i, scheduler in enumerate(of)}
                states = {i: carried(state, through if self.mine else "memory") for i, state in states.items()}
                states["optimizer"] = copy.deepcopy(self.optimizer.state_dict())
                self.optimizer, self.schedulers = self.built()
                for part in order:
                    (self.optimizer if part == "optimizer" else self.schedulers[part]).load_state_dict(states[part])

            case ("resume",):
                state = copy.deepcopy(self.optimizer.state_dict())
                self.optimizer, t = self.groups(), self.schedulers[0].last_epoch
                self.optimizer.load_state_dict(state)
                self.schedulers = [self.made({**self.case.schedulers[0], "last_epoch": t - 1}, self.optimizer)]

    def momenta(self) -> list[float]:
        return [float(group["betas"][0] if "betas" in group else group["momentum"]) for group in self.optimizer.param_groups]


def carried(state: Any, through: str) -> Any:
    if through == "json":
        return json.loads(json.dumps(state, allow_nan=False))
    if through == "memory":
        return copy.deepcopy(state)
    buffer = io.BytesIO()
    torch.save(state, buffer)
    buffer.seek(0)
    return torch.load(buffer, weights_only=True)


# -- the rules: each class's formula, as its documentation has it


def of_group(value: Any, g: int) -> Any:
    return value[g] if isinstance(value, list) else value


def cosine(p: float) -> float:
    return (1 + math.cos(math.pi * p)) / 2


def line(node: Node, g: int, t: float) -> Line:
    """Group g's rate at the time t, as a line in the base."""
    get = node.get
    match node["class"]:
        case "StepLR":
            return 0.0, node["gamma"] ** (t // node["step_size"])
        case "MultiStepLR":
            return 0.0, node["gamma"] ** sum(m <= t for m in node["milestones"])
        case "ExponentialLR":
            return 0.0, node["gamma"] ** t
        case "ConstantLR":
            return 0.0, node["factor"] if t < node["total_iters"] else 1.0
        case "LinearLR":
            a, b, T = node["start_factor"], node["end_factor"], node["total_iters"]
            return 0.0, a + (b - a) * t / T if t < T else b
        case "PolynomialLR":
            T = node["total_iters"]
            return 0.0, (1 - min(t / T, 1)) ** node["power"] if T else 1.0
        case "CosineAnnealingLR":
            c = cosine(t % (2 * node["T_max"]) / node["T_max"])
            return get("eta_min", 0.0) * (1 - c), c
        case "CosineAnnealingWarmRestarts":
            began, length = cycle(node, t)
            c = cosine((t - began) / length)
            return get("eta_min", 0.0) * (1 - c), c
        case "LambdaLR":
            return 0.0, FUNCTIONS[of_group(node["lr_lambda"], g)](t)
        case "MultiplicativeLR":
            return 0.0, math.prod(FUNCTIONS[of_group(node["lr_lambda"], g)](i) for i in range(1, math.floor(t) + 1))
        case "CyclicLR":
            return triangle(node, of_group(node["base_lr"], g), of_group(node["max_lr"], g), t), 0.0
        case "OneCycleLR":
            peak = of_group(node["max_lr"], g)
            start = peak / get("div_factor", 25.0)
            return one_cycle(node, start, peak, start / get("final_div_factor", 1e4), t), 0.0
        case "SWALR":
            T = node["anneal_epochs"]
            p = min(t / T, 1) if T else 1.0
            e = p if get("anneal_strategy") == "linear" else 1 - cosine(p)
            return of_group(node["swa_lr"], g) * e, 1 - e
        case "ReduceLROnPlateau":
            return 0.0, 1.0  # the cuts move the base
        case "SequentialLR":
            i, own = turn(node, t)
            child = node["of"][i]
            goes_on = child["class"] == "SWALR" and own < t  # from the rate that stood there last
            return after(line(node, g, t - own - 1), line(child, g, own)) if goes_on else line(child, g, own)
        case "ChainedScheduler":
            whole = (0.0, 1.0)
            for child in node["of"]:
                whole = after(whole, line(child, g, t))
            return whole
    raise AssertionError(node)


def after(first: Line, second: Line) -> Line:
    return second[0] + second[1] * first[0], second[1] * first[1]


def cycle(node: Node, t: float) -> Line:
    """When the cycle of now began, and its length."""
    began, length = 0, node["T_0"]
    while t >= began + length:
        began, length = began + length, length * node.get("T_mult", 1)
    return began, length


def triangle(node: Node, low: float, high: float, t: float) -> float:
    up, down = node["step_size_up"], node.get("step_size_down") or node["step_size_up"]
    c, s = divmod(t, up + down)
    if node.get("scale_fn"):
        scale = FUNCTIONS[node["scale_fn"]](t if node.get("scale_mode") == "iterations" else c + 1)
    else:
        scale = {"triangular": 1.0, "triangular2": 0.5**c, "exp_range": node.get("gamma", 1.0) ** t}[node["mode"]]
    return low + (high - low) * min(s / up, (up + down - s) / down) * scale


def one_cycle(node: Node, start: float, peak: float, end: float, t: float) -> float:
    T, q = node["total_steps"], node["pct_start"]
    knots = [(0.0, start), (q * T - 1, peak), *([(2 * q * T - 2, start)] if node.get("three_phase") else []), (T - 1.0, end)]
    t = min(t, T - 1)
    for (since, a), (to, b) in pairwise(knots):
        if t <= to and to > max(since, 0):
            p = (t - since) / (to - since)
            return b + (a - b) * (1 - p if node.get("anneal_strategy") == "linear" else cosine(p))
    return end


def cycles_momentum(node: Node) -> bool:
    return any(map(cycles_momentum, node["of"])) if "of" in node else node.get("cycle_momentum", node["class"] in ABSOLUTE)


def momentum(node: Node, g: int, t: float, base: float) -> float:
    """Momentum, or the first beta, where a child that cycles it leaves what it wrote last."""
    if not cycles_momentum(node):
        return base
    match node["class"]:
        case "SequentialLR":
            i, own = turn(node, t)
            while i >= 0 and (own < 0 or not cycles_momentum(node["of"][i])):
                i -= 1
                own = span(node, i) - 1
            return momentum(node["of"][i], g, own, base) if i >= 0 else base
        case "ChainedScheduler":
            for child in node["of"]:
                base = momentum(child, g, t, base)
            return base
    top, low = of_group(node.get("max_momentum", 0.9), g), of_group(node.get("base_momentum", 0.8), g)
    return triangle(node, top, low, t) if node["class"] == "CyclicLR" else one_cycle(node, top, low, top, t)


def turn(node: Node, t: float) -> tuple[int, float]:
    """Which child of a sequence acts at t, and its own time."""
    i = bisect_right(node["milestones"], t)
    return i, t - [0, *node["milestones"]][i]


def span(node: Node, i: int) -> float:
    times = [0, *node["milestones"], math.inf]
    return times[i + 1] - times[i] if i >= 0 else 0


def follows_metrics(node: Node) -> bool:
    return any(leaf["class"] == "ReduceLROnPlateau" for leaf in leaves(node))


def leaves(node: Node) -> list[Node]:
    return [leaf for child in node["of"] for leaf in leaves(child)] if "of" in node else [node]


# -- the rules: edits, zeros, composites, and where PyTorch does otherwise


def unlike(nodes: list[Node]) -> bool:
    """Not two that would take each other's levels in the groups for edits of a user's."""
    names = [node["class"] for node in nodes]
    return names.count("SWALR") < 2 and sum(name in ABSOLUTE for name in names) < 2


@dataclass(eq=False)
class Unit:
    """A scheduler that is stepped, and per group what it knows."""

    node: Node
    initial: list[float]
    """Where jumps start."""
    base: list[float]
    last: list[float]
    t: float | None = None
    zeros_elsewhere: list[set[Any]] = field(default_factory=list)
    pending: list[set[str]] = field(default_factory=list)
    """Whose hands moved the rate since this scheduler wrote, and below: since the last jump."""
    hands: list[set[str]] = field(default_factory=list)
    misplaced: bool = False
    inverted: list[str] = field(default_factory=list)
    """What the inversion of an edit came upon."""


@dataclass
class Move:
    """A scheduler writes a group's rate (or an action has it restored): what the predicates of the differences look at."""

    kind: str
    """"build", "begin" (at a milestone), "step", "jump", "restore", "metric" or "chain"."""
    node: Node
    """A leaf, or what a composite holds in its place."""
    g: int
    t: float
    before: Line
    """The formula at the time before."""
    after: Line
    now: float
    """What stood in the group."""
    base: float
    """The base in force, with all that moved it."""
    initial: float
    """The ``base_lrs`` of PyTorch's scheduler."""
    group_initial: float
    """What stood in the group as ``initial_lr`` when it was built."""
    hands: set[str]
    inverted: str
    misplaced: bool
    """Whether PyTorch's scheduler has lost its position."""
    zero: bool
    """Whether another scheduler's factor is zero."""
    later: list[Node]
    """Schedulers that were built after it on the same optimizer, of the same composite."""
    nested: bool = False
    """Whether it is the first child of a sequence, or a composite with sequences inside."""
    theirs: float = 0.0
    mine: float = 0.0
    seen: set[str] = field(default_factory=set)

    @property
    def name(self) -> str:
        return str(self.node["class"])

    @property
    def base_lr(self) -> float:
        return float(of_group(self.node["base_lr"], self.g))

    @property
    def moved(self) -> bool:
        return self.zero or not math.isclose(self.base, self.initial, rel_tol=1e-9, abs_tol=1e-15)

    @property
    def goes_on(self) -> bool:
        """Whether it starts from what stands in the group, in both modules."""
        return self.kind == "step" or (self.kind == "begin" and self.name == "SWALR")

    @property
    def discards(self) -> bool:
        """Whether PyTorch starts from ``base_lrs`` here, and not from what stands in the group."""
        if self.kind not in ("build", "begin", "step"):
            return False
        T = self.node.get("T_max", 1)
        bottom = self.name == "CosineAnnealingLR" and self.kind == "step" and (self.t - 1 - T) % (2 * T) == 0
        begins = self.kind == "begin" and self.name not in (*ABSOLUTE, *GOING_ON)
        return (self.moved and (bottom or begins or self.name in DISCARDING)) or (bottom and self.inverted == "kept")


GOING_ON = ("MultiplicativeLR", "SWALR")


def settles(m: Move) -> bool:
    """Whether what PyTorch writes does not depend on what stood in the group."""
    if m.kind in ("restore", "metric", "chain") or m.name in COMPOSITES:
        return False
    if m.misplaced or (m.kind == "resume" and m.name == "CosineAnnealingLR"):
        return False
    if m.name == "SWALR":
        return m.after[1] == 0.0
    return m.name in (*ABSOLUTE, *DISCARDING) or m.kind == "jump" or (m.kind == "begin" and m.name not in GOING_ON)


def levels(node: Node, g: int, what: str) -> Any:
    """What a scheduler leaves in the groups' keys: of its rates, or of its momentum."""
    if what == "momentum":
        names = ("max_momentum", "base_momentum") if cycles_momentum(node) else ()
    else:
        names = {"OneCycleLR": ("max_lr", "div_factor", "final_div_factor"), "SWALR": ("swa_lr",)}.get(node["class"], ())
    return [of_group(node.get(name), g) for name in names]


def overwritten(m: Move, what: str) -> bool:
    mine = levels(m.node, m.g, what)
    reads = m.name == "OneCycleLR" or (m.name == "SWALR" and what == "lr")
    return reads and bool(mine) and any(
        theirs and theirs != mine and (what == "momentum" or other["class"] == m.name)
        for other in m.later
        for theirs in [levels(other, m.g, what)]
    )  # fmt: skip


def never(m: Move) -> bool:
    return False


@dataclass(frozen=True)
class Difference:
    name: str
    reason: str
    begins: Callable[[Move], bool]
    """Whether PyTorch's rate is another one from here on."""
    momentum: Callable[[Move], bool] = never
    raises: tuple[type[Exception], ...] = ()
    fails: Callable[[Move], bool] = never
    """Whether PyTorch raises one of ``raises`` here."""


def past_the_end(m: Move) -> bool:
    return m.name == "OneCycleLR" and m.t >= m.node["total_steps"]


def first_factor(node: Node) -> float:
    return float(node.get("factor", node.get("start_factor", 1.0)))


def at_boundary(m: Move) -> bool:
    match m.name:
        case "StepLR":
            return bool(m.t % m.node["step_size"] == 0)
        case "MultiStepLR":
            return m.t in m.node["milestones"]
        case "ConstantLR":
            return bool(m.t == m.node["total_iters"])
    return False


def loses_position(node: Node, t: float) -> bool:
    if node["class"] == "SWALR":
        return True
    if node["class"] != "CosineAnnealingWarmRestarts":
        return False
    began, length = cycle(node, t)
    first = node["T_0"]
    theirs = (t % first, first * node.get("T_mult", 1)) if t >= first else (t, first)
    return theirs != (t - began, length)


def falls_at_once(node: Node) -> bool:
    """Whether the last phase of a OneCycleLR has no length."""
    up = node["pct_start"] * node["total_steps"] - 1
    return bool((2 * up if node.get("three_phase") else up) == node["total_steps"] - 1)


DIFFERENCES = [
    Difference(
        "edits discarded",
        "PyTorch's LambdaLR and CosineAnnealingWarmRestarts compute from base_lrs, and forget what a hand did to the rate; "
        "ours moves the base with the edit (R1).",
        lambda m: m.discards and m.name in DISCARDING and m.kind != "begin" and "edit" in m.hands,
    ),
    Difference(
        "others overwritten",
        "PyTorch's LambdaLR and CosineAnnealingWarmRestarts compute from base_lrs, and overwrite what other schedulers on the "
        "optimizer did; ours multiply (R1).",
        lambda m: m.discards and m.name in DISCARDING and m.kind != "begin" and "other" in m.hands,
    ),
    Difference(
        "initial_lr",
        "A scheduler that is built on a group whose rate is not its initial_lr goes on from that rate in every class; "
        "PyTorch's "
        "LambdaLR, CosineAnnealingWarmRestarts and, past its bottom, CosineAnnealingLR start from initial_lr.",
        lambda m: m.discards and m.kind != "begin" and "initial_lr" in m.hands,
    ),
    Difference(
        "the cosine's bottom",
        "One step past its bottom PyTorch's CosineAnnealingLR adds a share of base_lrs to the rate, and so loses the edits and "
        "the factors of other schedulers that ours keeps.",
        lambda m: m.discards and m.name == "CosineAnnealingLR" and m.kind == "step" and bool({"edit", "other"} & m.hands),
    ),
    Difference(
        "zeros",
        "PyTorch's recursive formulas multiply the rate by a ratio, which is 0 / 0 once a factor was zero: they stay "
        "where they "
        "are or raise; ours are closed formulas, which leave the zero and overwrite an edit made in it.",
        lambda m: (m.kind == "step" and m.name in RECURSIVE and m.before[1] == 0.0 and (m.after[1] != 0.0 or m.now != 0.0))
        or (m.goes_on and m.name == "SWALR" and m.inverted == "kept"),
        raises=(ZeroDivisionError,),
        fails=lambda m: m.kind == "step" and m.name == "ConstantLR" and not m.node["factor"] and m.t == m.node["total_iters"],
    ),
    Difference(
        "a zero on a zero",
        "A value that a scheduler wrote last itself is no edit (R1), not even a zero that it had left there for "
        "another's factor "
        "and that a hand wrote anew; PyTorch's recursive formulas stay there.",
        lambda m: m.goes_on and m.inverted == "as left",
    ),
    Difference(
        "a leap far down a decay",
        "Below a factor of 1e-3 an edit that would raise the base more than a hundredfold becomes the base itself; PyTorch's "
        "recursive formulas go on from it as from any other.",
        lambda m: m.goes_on and m.inverted == "leap",
    ),
    Difference(
        "below the floor",
        "An edit, or another scheduler's factor, that leaves the rate below what a base of 0 gives (eta_min, swa_lr) makes the "
        "base 0; PyTorch's recursive formulas go on as from a negative base.",
        lambda m: m.goes_on and m.inverted == "floor",
    ),
    Difference(
        "a floor above another's zero",
        "A zero that another scheduler's factor wrote tells ours nothing, so that one with a floor (eta_min, swa_lr) "
        "goes on from "
        "its base; PyTorch's recursive formulas go on from the zero.",
        lambda m: (m.goes_on or m.kind == "build") and (m.inverted == "zero" or (m.zero and m.after[0] != 0.0)),
    ),
    Difference(
        "OneCycleLR past its end",
        "At total_steps PyTorch extrapolates, and beyond it raises; ours holds the last rate, with a warning.",
        past_the_end,
        past_the_end,
        (ValueError, ZeroDivisionError),
        lambda m: past_the_end(m) and (m.t > m.node["total_steps"] or falls_at_once(m.node)),
    ),
    Difference(
        "OneCycleLR with a phase of no length",
        "Where the rise ends at step 0, PyTorch divides by its length; ours leaves it out.",
        never,
        never,
        (ZeroDivisionError,),
        lambda m: m.name == "OneCycleLR" and m.node["pct_start"] * m.node["total_steps"] == 1.0 and m.t == 0,
    ),
    Difference(
        "total_iters=0",
        "PyTorch's recursive formulas apply the first factor and never come to its end, and its closed ones divide by "
        "0; ours is "
        "at the end at once.",
        lambda m: m.node.get("total_iters") == 0 and m.kind == "build" and first_factor(m.node) != m.after[1],
        raises=(ZeroDivisionError,),
        fails=lambda m: m.node.get("total_iters") == 0
        and m.kind in ("jump", "begin")
        and m.name in ("LinearLR", "PolynomialLR"),
    ),
    Difference(
        "CyclicLR built second",
        "Where a scheduler that was built before has left initial_lr in the group, the first rate of PyTorch's "
        "CyclicLR is that; "
        "ours is base_lr.",
        lambda m: m.name == "CyclicLR" and m.kind in ("build", "resume") and m.group_initial != m.base_lr,
    ),
    Difference(
        "last_epoch and edits",
        "Built with last_epoch, ours is where initial_lr and the formula say, as after a jump (R0); PyTorch's "
        "recursive formulas "
        "leave what stands in the group.",
        lambda m: m.kind == "resume"
        and m.name not in (*ABSOLUTE, *DISCARDING)
        and not math.isclose(m.now, m.mine, rel_tol=1e-9, abs_tol=1e-15),
    ),
    Difference(
        "last_epoch at a boundary",
        "Built with last_epoch just before one, PyTorch's StepLR, MultiStepLR and ConstantLR take its step a second time.",
        lambda m: m.kind == "resume" and at_boundary(m),
        raises=(ZeroDivisionError,),
        fails=lambda m: m.kind == "resume" and m.name == "ConstantLR" and at_boundary(m) and not m.node["factor"],
    ),
    Difference(
        "last_epoch loses the position",
        "Built with last_epoch, PyTorch's SWALR anneals anew, and its CosineAnnealingWarmRestarts takes the third and later "
        "cycles for the second.",
        lambda m: m.misplaced,
    ),
    Difference(
        "exact restarts",
        "PyTorch finds the cycle of a jump by a logarithm, whose rounding takes some restarts for the cycle before.",
        lambda m: m.name == "CosineAnnealingWarmRestarts" and m.kind == "jump" and misses_restart(m.node, m.t),
    ),
    Difference(
        "restored without the optimizer",
        "Loading our state writes rates and momentum into the groups (R2); PyTorch leaves what the construction wrote there "
        "until something is computed from base_lrs.",
        lambda m: m.kind == "restore" and m.theirs != m.mine,
        lambda m: m.kind == "restore of momentum" and m.theirs != m.mine,
    ),
    Difference(
        "negative metrics",
        "Our relative threshold is a share of abs(best) (R10); PyTorch's is one of best, so that a negative metric that stands "
        "still counts as better.",
        lambda m: m.kind == "metric" and "negative" in m.seen,
    ),
    Difference(
        "metrics that are not finite",
        "Ours leaves them out, with a warning (R10); PyTorch counts them as bad epochs or takes them for the best.",
        lambda m: m.kind == "metric" and "not finite" in m.seen,
    ),
    Difference(
        "a sequence discards edits",
        "At a milestone PyTorch's SequentialLR starts the next child from its base_lrs; ours goes on from the edited "
        "base (R1).",
        lambda m: m.discards and m.kind == "begin" and "edit" in m.hands,
    ),
    Difference(
        "a sequence with OneCycleLR",
        "OneCycleLR overwrites initial_lr, on which all children of our sequence start; in PyTorch those that were "
        "built before "
        "it keep the former one in base_lrs, and start from either.",
        lambda m: m.discards and "sequence" in m.hands,
    ),
    Difference(
        "a later child that goes on from the rate",
        "In PyTorch MultiplicativeLR starts from the rate that the child before it left, with its factor of time 0; "
        "ours starts "
        "from initial_lr, as all children of a sequence but SWALR.",
        lambda m: m.kind == "begin" and m.name == "MultiplicativeLR",
    ),
    Difference(
        "a composite as a later child",
        "PyTorch's SequentialLR raises at the milestone of a child that is a composite; ours nests any.",
        never,
        never,
        (NotImplementedError,),
        lambda m: m.kind == "begin" and m.name in COMPOSITES,
    ),
    Difference(
        "a composite as first child, a sequence in a chain",
        "PyTorch's SequentialLR undoes the first step of its grandchildren and takes it again, shifted by one, and inside a "
        "chain it resets the rate at construction and milestones; ours are the children's formulas, joined and "
        "multiplied (R3).",
        lambda m: m.nested,
        lambda m: m.nested,
    ),
    Difference(
        "a plateau in a composite",
        "PyTorch refuses it; ours forwards the metrics to it while it acts, and it cuts the base (R3).",
        never,
        never,
        (ValueError,),
        lambda m: m.kind == "build" and "of" in m.node and follows_metrics(m.node),
    ),
    Difference(
        "a chain",
        "PyTorch steps the children in turn, each from the rate that stands there, so that those with absolute rates, "
        "floors or "
        "base_lrs discard what others did; ours is s_n(t, ... s_2(t, s_1(t, base))).",
        lambda m: m.kind == "chain" and not math.isclose(m.theirs, m.mine, rel_tol=1e-12, abs_tol=1e-18),
    ),
    Difference(
        "momentum before its turn",
        "In PyTorch the construction of a child that cycles momentum writes it at once; our sequence leaves the "
        "group's own until "
        "that child's turn.",
        never,
        lambda m: m.kind == "early momentum" and m.theirs != m.mine,
    ),
    Difference(
        "levels in the groups",
        "PyTorch's OneCycleLR and SWALR read their levels from the groups, where the next one of the same composite overwrote "
        "them; children of ours keep their own.",
        lambda m: overwritten(m, "lr"),
        lambda m: overwritten(m, "momentum"),
    ),
]  # fmt: skip


def misses_restart(node: Node, t: float) -> bool:
    first, k = node["T_0"], node.get("T_mult", 1)
    if t < first or k == 1:
        return False
    n = int(math.log(t / first * (k - 1) + 1, k))
    return bool(first * (k**n - 1) / (k - 1) != cycle(node, t)[0])


class Rule:
    """What the rules say of a case, and the differences that apply to each group."""

    def __init__(self, case: Case, schedulers: tuple[Node, ...] = ()) -> None:
        self.case, self.groups = case, range(len(case.lrs))
        self.value = list(case.lrs)
        self.notes: list[tuple[float, set[Unit]] | None] = [None for _ in self.groups]
        self.initial: list[float | None] = [*case.initial_lrs] or [None for _ in self.groups]
        self.momentum = [0.9 for _ in self.groups]
        self.open: list[set[str]] = [set() for _ in self.groups]
        self.open_momentum: list[set[str]] = [set() for _ in self.groups]
        self.failing: dict[str, tuple[type[Exception], ...]] = {}
        self.may_fail = False
        self.units: list[Unit] = []
        self.in_turn: Rule | None = None  # of a chain's children, as PyTorch steps them
        self.twins: dict[tuple[int, bool], dict[str, Any]] = {}
        self.metrics_seen: set[str] = set()
        self.nodes, self.siblings = schedulers or case.schedulers, list(schedulers)
        for node in self.nodes:
            self.build(node)
        bases = [one or 0.0 for one in self.initial]
        self.scale = [max(map(abs, some)) for some in zip(self.value, case.lrs, bases, [1e-12] * len(case.lrs), strict=True)]

    # -- construction

    def build(self, node: Node) -> None:
        bases_of: dict[int, list[float]] = {}
        found = self.found(node, list(self.value), bases_of)
        initial = [one for one in self.initial if one is not None]
        if node["class"] == "CyclicLR":
            initial = [float(of_group(node["base_lr"], g)) for g in self.groups]
        unit = Unit(node, initial, found, list(self.value))
        unit.hands = [set() for _ in self.groups]
        unit.pending = [set() for _ in self.groups]
        unit.zeros_elsewhere = [set() for _ in self.groups]
        unit.inverted = ["" for _ in self.groups]
        self.bases_of = bases_of
        for g in self.groups:
            if self.case.initial_lrs and self.case.initial_lrs[g] != self.case.lrs[g]:
                unit.pending[g].add("initial_lr")
            if self.units:
                unit.pending[g].add("other")
        self.units.append(unit)
        if node["class"] == "ChainedScheduler" and not has_sequence(node) and not follows_metrics(node):
            self.in_turn = Rule(self.case, tuple(leaves(node)))
        self.advance(unit, "build", 0)
        for child in leaves(node) if "of" in node else []:  # those too whose turn comes later
            self.judge_failing(replace(self.moved(unit, "build", 0, child), t=0))
        for g in self.groups:
            early = early_momentum(node, g) if node["class"] == "SequentialLR" else None
            if early is not None:
                self.judge_momentum(self.moved(unit, "early momentum", g, node, theirs=early, mine=self.momentum[g]))
        self.may_fail = undoes_composites(node)

    def found(self, node: Node, value: list[float], bases_of: dict[int, list[float]]) -> list[float]:
        """The bases from which a scheduler starts; on the way, what construction leaves as ``initial_lr``."""
        if "of" in node:
            found = [self.found(child, value, bases_of) for child in node["of"]]
            if node["class"] == "SequentialLR":
                return [one for one in self.initial if one is not None]
            # a sequence in the chain starts over from initial_lr, and the chain with it
            return next(
                (one for one, child in zip(found[::-1], node["of"][::-1], strict=True) if has_sequence(child)), found[0]
            )
        for g in self.groups:
            if node["class"] == "OneCycleLR":
                self.initial[g] = of_group(node["max_lr"], g) / node.get("div_factor", 25.0)
            elif self.initial[g] is None:
                self.initial[g] = float(of_group(node["base_lr"], g)) if node["class"] == "CyclicLR" else value[g]
        bases_of[id(node)] = [one for one in self.initial if one is not None]
        found = list(value)
        for g in self.groups:
            offset, slope = line(node, g, 0)
            value[g] = offset + slope * value[g]
        return found

    # -- actions

    def act(self, action: Action, metric: float) -> None:
        self.failing, self.may_fail = {}, False
        match action:
            case ("step", which):
                for i in which:
                    unit = self.units[i]
                    assert unit.t is not None
                    self.advance(unit, "step", unit.t + 1, metric)
            case ("jump", t, which):
                for i in which:
                    self.advance(self.units[i], "jump", t)
            case ("resume",):
                self.units[0].misplaced = loses_position(self.units[0].node, self.units[0].t or 0)
                self.advance(self.units[0], "resume", self.units[0].t or 0)
            case ("edit", g, sign, x, _):
                edited = self.value[g] * x if sign == "*" else x
                if edited != self.value[g]:
                    for unit in self.units:
                        unit.pending[g].add("edit")
                self.value[g] = edited
                if sign == "=":
                    self.open[g].clear()  # PyTorch's is the same again
            case ("reload", _, order):
                if "optimizer" not in order:
                    self.restore()
        if self.in_turn is not None:
            if action[0] != "step" or 0 in action[1]:
                self.in_turn.act(("step", tuple(range(len(self.in_turn.units)))) if action[0] == "step" else action, metric)
            self.follow()
        self.scale = [max(old, abs(value)) for old, value in zip(self.scale, self.value, strict=True)]

    @property
    def same(self) -> bool:
        """Whether a state of PyTorch's says all that one of ours says: no difference, no edit that no scheduler has seen."""
        known = all(
            not unit.pending[g] and (unit.base[g] == unit.initial[g] or abs(line(unit.node, g, unit.t or 0)[1]) > 1e-3)
            for unit in self.units
            for g in self.groups
        )
        known = known and all(unlike(leaves(node)) for node in self.nodes)  # or levels in the groups are not all there
        return known and not any((*self.open, *self.open_momentum, *self.notes, self.metrics_seen))

    def follow(self) -> None:
        """What applies to a chain is what applies to its children in PyTorch's way of stepping, and that this is another."""
        chain = self.in_turn
        assert chain is not None
        self.failing = {**self.failing, **chain.failing}
        for g in self.groups:
            self.open[g] = set(chain.open[g])
            self.open_momentum[g] = set(chain.open_momentum[g])
            self.judge(self.moved(self.units[0], "chain", g, self.units[0].node, theirs=chain.value[g], mine=self.value[g]))

    def restore(self) -> None:
        fresh = Rule(self.case, tuple(self.siblings))
        for g in self.groups:
            unit = self.units[0]
            self.open[g] = set(fresh.open[g])
            self.open_momentum[g] = set(fresh.open_momentum[g])
            self.judge(self.moved(unit, "restore", g, unit.node, theirs=fresh.value[g], mine=self.value[g]))
            self.judge_momentum(
                self.moved(unit, "restore of momentum", g, unit.node, theirs=fresh.momentum[g], mine=self.momentum[g])
            )

    # -- writing

    def advance(self, unit: Unit, kind: str, t: float, metric: float = math.nan) -> None:
        before, now = unit.t, list(self.value)
        unit.misplaced = unit.misplaced and kind != "jump"
        for g in self.groups:
            if kind in ("jump", "resume"):
                unit.base[g], unit.zeros_elsewhere[g] = unit.initial[g], set()
                unit.hands[g].clear()
            else:
                self.absorb(unit, g)
                unit.hands[g] |= unit.pending[g]
            unit.pending[g].clear()
        if kind == "step":
            for plateau in acting(unit.node, t):
                self.count(unit, plateau, metric)
        for g in self.groups:
            self.put(unit, g, t)
            for other in self.units:
                if other is not unit and (self.value[g] != now[g] or self.notes[g] is not None):
                    other.pending[g].add("other")
            if cycles_momentum(unit.node):
                self.momentum[g] = momentum(unit.node, g, t, 0.9 if "of" in unit.node else self.momentum[g])
            self.tell(unit, kind, g, before, now[g])

    def absorb(self, unit: Unit, g: int) -> None:
        """Move the base to where the group's value says that other hands moved it (R1); a zero says nothing, its note does."""
        now, note = self.value[g], self.notes[g]
        unit.zeros_elsewhere[g], unit.inverted[g] = set(), ""
        offset, slope = (0.0, 1.0) if unit.t is None else line(unit.node, g, unit.t)
        if now == 0.0 and note is not None:
            if offset == 0.0:
                unit.base[g] = note[0] / (slope or 1.0)
                unit.zeros_elsewhere[g] = note[1] - {unit}
            else:
                unit.inverted[g] = "zero"
        elif now == unit.last[g] == 0.0 and unit.base[g] * slope:
            unit.inverted[g] = "as left"
        elif now != unit.last[g] and not slope:
            unit.inverted[g] = "kept"
        elif now != unit.last[g]:
            moved = (now - offset) / slope
            if abs(slope) < 1e-3 and abs(moved) > 100 * abs(unit.base[g]):
                moved, unit.inverted[g] = now, "leap"
            elif moved < 0:
                moved, unit.inverted[g] = 0.0, "floor"
            unit.base[g] = moved

    def put(self, unit: Unit, g: int, t: float) -> None:
        """Write the value of time t; beside a zero, leave what the others did."""
        unit.t = t
        (offset, slope), base = line(unit.node, g, t), unit.base[g]
        zeros = unit.zeros_elsewhere[g] | ({unit} if slope == 0.0 else set())
        hides = offset == 0.0 and zeros and base
        self.notes[g] = (base * (slope or 1.0), zeros) if hides else None
        self.value[g] = unit.last[g] = 0.0 if hides else offset + slope * base

    def count(self, unit: Unit, node: Node, metric: float) -> None:
        """A plateau's epoch, in our way and in PyTorch's."""
        if not math.isfinite(metric):
            self.metrics_seen.add("not finite")
        elif metric < 0 and node["threshold_mode"] == "rel":
            self.metrics_seen.add("negative")
        cuts = [counts(node, self.twins.setdefault((id(node), mine), {}), metric, mine) for mine in (True, False)]
        for g in self.groups:
            base = unit.base[g]
            cut = max(base * node["factor"], of_group(node["min_lr"], g))
            if base - cut > node["eps"]:
                unit.base[g] = cut if cuts[0] else base
                if cuts[0] != cuts[1]:
                    self.judge(replace(self.moved(unit, "metric", g, unit.node), seen=self.metrics_seen))

    # -- differences

    def tell(self, unit: Unit, kind: str, g: int, before: float | None, now: float) -> None:
        """Judge the moves that PyTorch makes for ours."""
        node, t = unit.node, unit.t
        assert t is not None
        if self.in_turn is not None:
            if kind == "build":
                self.follow()
            return
        if "of" not in node:
            self.judge_all(replace(self.moved(unit, kind, g, node, before, now), mine=self.value[g]))
            return
        if follows_metrics(node):
            self.judge(self.moved(unit, kind, g, node))
            return
        if node["class"] == "ChainedScheduler":  # with a sequence in it
            self.judge_all(replace(self.moved(unit, kind, g, node, before, now), nested=True))
            self.may_fail = True
            return
        i, own = turn(node, t)
        child, began = node["of"][i], kind == "step" and i > 0 and own == 0
        move = self.moved(unit, "begin" if began else kind, g, child, None if before is None or began else own - 1, now)
        move.t = own
        if "of" in child:
            move.nested = not began and not bears_undoing(child)
            self.may_fail = move.nested
        else:
            move.initial = self.bases_of[id(child)][g]
            if move.initial != unit.initial[g]:
                move.hands = move.hands | {"sequence"}
            order = leaves(node)
            move.later = order[[id(one) for one in order].index(id(child)) + 1 :]
        self.judge_all(move)

    def moved(self, unit: Unit, kind: str, g: int, node: Node, before: float | None = None, now: float = 0.0,
              theirs: float = 0.0, mine: float = 0.0) -> Move:  # fmt: skip
        t = unit.t if unit.t is not None else 0
        own = turn(unit.node, t)[1] if node is not unit.node and unit.node["class"] == "SequentialLR" else t
        later = self.siblings[self.units.index(unit) + 1 :] if self.siblings else []
        return Move(
            kind, node, g, own,
            before=(0.0, 1.0) if before is None else line(node, g, before),
            after=line(node, g, own),
            now=now, base=unit.base[g], initial=unit.initial[g],
            group_initial=self.bases_of.get(id(node), unit.initial)[g], hands=unit.hands[g], inverted=unit.inverted[g],
            misplaced=unit.misplaced, zero=bool(unit.zeros_elsewhere[g]), later=later,
            theirs=theirs, mine=mine,
        )  # fmt: skip

    def judge_all(self, m: Move) -> None:
        if settles(m):
            self.open[m.g].clear()
        self.judge(m)
        if cycles_momentum(m.node):
            if m.name not in COMPOSITES:
                self.open_momentum[m.g].clear()
            self.judge_momentum(m)

    def judge(self, m: Move) -> None:
        for one in DIFFERENCES:
            if one.begins(m):
                self.open[m.g].add(one.name)
        self.judge_failing(m)

    def judge_failing(self, m: Move) -> None:
        self.failing |= {one.name: one.raises for one in DIFFERENCES if one.fails(m)}

    def judge_momentum(self, m: Move) -> None:
        self.open_momentum[m.g] |= {one.name for one in DIFFERENCES if one.momentum(m)}


def has_sequence(node: Node) -> bool:
    return "of" in node and (node["class"] == "SequentialLR" or any(map(has_sequence, node["of"])))


def acting(node: Node, t: float) -> list[Node]:
    """The plateaus in a scheduler that count a metric at t."""
    match node["class"]:
        case "ReduceLROnPlateau":
            return [node] if t > 0 else []
        case "SequentialLR":
            i, own = turn(node, t)
            return acting(node["of"][i], own)
        case "ChainedScheduler":
            return [plateau for child in node["of"] for plateau in acting(child, t)]
    return []


def undoes_composites(node: Node) -> bool:
    """Whether a sequence in it takes the first step of a composite again."""
    if "of" not in node:
        return False
    first = node["class"] == "SequentialLR" and "of" in node["of"][turn(node, 0)[0]]
    return first or any(map(undoes_composites, node["of"]))


def bears_undoing(node: Node) -> bool:
    """Whether a chain consists of factors that PyTorch may step at 0 again: their ratios there do not come twice."""
    if node["class"] == "ChainedScheduler":
        return all(map(bears_undoing, node["of"]))
    ends = node.get("total_iters") and node.get("factor", 1.0) and node.get("end_factor", 1.0)
    return node["class"] in ("StepLR", "MultiStepLR") or (node["class"] in ("ConstantLR", "LinearLR") and bool(ends))


def early_momentum(node: Node, g: int) -> float | None:
    """What PyTorch's construction leaves as momentum, where no child that acted has cycled it."""
    if cycles_momentum(node["of"][turn(node, 0)[0]]) or not cycles_momentum(node):
        return None
    if any("of" in child for child in node["of"]):
        return math.nan  # of the many that undo and take again their first steps
    return momentum([leaf for leaf in leaves(node) if cycles_momentum(leaf)][-1], g, 0, 0.9)


def counts(node: Node, twin: dict[str, Any], metric: float, mine: bool) -> bool:
    """Whether a plateau cuts after this metric."""
    sign = 1 if node["mode"] == "min" else -1
    best = twin.setdefault("best", sign * math.inf)
    if mine and not math.isfinite(metric):
        return False
    share, margin = (node["threshold"], 0.0) if node["threshold_mode"] == "rel" else (0.0, node["threshold"])
    if mine and not math.isfinite(best):
        better = True
    else:
        share = math.copysign(share, best) if mine else share
        better = sign * metric < sign * best * (1 - sign * share) - margin
    bad = 0 if better else twin.get("bad", 0) + 1
    twin["best"] = metric if better else best
    if twin.get("cooldown", 0):
        twin["cooldown"] -= 1
        bad = 0
    cuts = bad > node["patience"]
    if cuts:
        twin["cooldown"], bad = node["cooldown"], 0
    twin["bad"] = bad
    return cuts


# -- the comparison


def run(case: Case) -> set[str]:
    """Run a case in both modules; returns the names of the differences that were met."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"The epoch parameter in `scheduler.step\(\)` was not necessary", UserWarning)
        if any(map(undoes_composites, case.schedulers)):
            warnings.filterwarnings("ignore", r"Detected call of `lr_scheduler.step\(\)` before", UserWarning)
        if ("resume",) in case.script:  # a base is then what stood there, in its precision, and not what a construction found
            warnings.filterwarnings("ignore", r"\w+: the state's base.* replaces", UserWarning)
        if any(node["class"] == "OneCycleLR" for node in case.schedulers):
            warnings.filterwarnings("ignore", r"OneCycleLR: step \d+ is beyond total_steps", UserWarning)
        if not all(map(math.isfinite, case.metrics)):
            warnings.filterwarnings("ignore", r"\w+: the metric is (nan|-?inf); such epochs", UserWarning)
        if any("of" in node and follows_metrics(node) for node in case.schedulers):
            warnings.filterwarnings("ignore", r"\w+: ReduceLROnPlateau cut the base at .*, on which the rate", UserWarning)
        return Comparison(case).run()


class Comparison:
    def __init__(self, case: Case) -> None:
        self.case, self.rule, self.ours = case, Rule(case), Side(case, mine=True)
        self.met: set[str] = set()
        self.theirs: Side | None = None
        self.at = "construction"
        self.steps = 0

    def run(self) -> set[str]:
        self.theirs = self.tried(lambda: Side(self.case, mine=False))
        self.compare()
        for k, action in enumerate(self.case.actions()):
            self.at = f"action {k}, {action}"
            metric = self.case.metrics[self.steps % len(self.case.metrics)]
            self.steps += action[0] == "step"
            action = self.fitting(action)
            foretold = self.foretold() if action[0] == "step" else None
            self.rule.act(action, metric)
            self.ours.act(action, metric, self.theirs if action[:2] == ("reload", "memory") else None)
            if foretold is not None:
                assert rates(self.ours.optimizer) == pytest.approx(foretold, rel=1e-6, abs=1e-12), self.at
            theirs = self.theirs
            if theirs is not None:
                self.theirs = self.tried(lambda: (theirs.act(action, metric), theirs)[1])  # noqa: B023
            self.compare()
        return self.met

    def fitting(self, action: Action) -> Action:
        """PyTorch's states are loaded into ours where they say the same, and last_epoch is given where it is one."""
        rule, t = self.rule, self.rule.units[0].t or 0
        if action == ("resume",) and (t < 1 or t != int(t)):
            return ("reload", "json", (0, "optimizer"))
        if action[:2] == ("reload", "memory"):
            whole = action[2] in ((0, "optimizer"), ("optimizer", 0))
            if not whole or not rule.same or self.theirs is None or not self.tells(self.theirs):
                return ("reload", "torch", action[2])
        return action

    def tells(self, theirs: Side) -> bool:
        """Whether PyTorch's scheduler has written the rates that stand there, and none below zero."""
        wrote, held = map(float, theirs.schedulers[0].get_last_lr()), rates(theirs.optimizer)
        # of negative rates see test_a_state_from_torch_below_zero()
        return all(0 <= a == pytest.approx(b, rel=1e-6) for a, b in zip(wrote, held, strict=True))

    def foretold(self) -> list[float] | None:
        """What lr_at() says of the next step, where one scheduler alone decides."""
        node, scheduler = self.case.schedulers[0], self.ours.schedulers[0]
        alone = len(self.case.schedulers) == 1 and not follows_metrics(node)
        return scheduler.lr_at(self.rule.units[0].t + 1) if alone else None

    def tried(self, act: Callable[[], Side]) -> Side | None:
        """PyTorch's side after an action; None from where it raises, which it does where the rule says so."""
        failing, types = self.rule.failing, tuple(t for types in self.rule.failing.values() for t in types)
        if self.rule.may_fail:
            types = (*types, ValueError, ZeroDivisionError, NotImplementedError)
        try:
            side = act()
        except types as error:
            self.met |= {name for name, types in failing.items() if isinstance(error, types)} or set().union(*self.rule.open)
            return None
        assert not failing or self.rule.may_fail, f"{self.at}: PyTorch does not raise, {failing}"
        return side

    def compare(self) -> None:
        rule, ours, theirs = self.rule, self.ours, self.theirs
        for g, lr in enumerate(rates(ours.optimizer)):
            close = TOLERANCE[self.case.kind(g)] * rule.scale[g]
            where = f"{self.at}, group {g}"
            assert abs(lr - rule.value[g]) <= close, f"{where}: {lr!r} is not the rule's {rule.value[g]!r}"
            if theirs is not None and abs(other := rates(theirs.optimizer)[g] - lr) > close:
                assert rule.open[g], f"{where}: {lr!r}, and PyTorch's is {other + lr!r}"
                self.met |= rule.open[g]
        for g, one in enumerate(ours.momenta()):
            assert abs(one - rule.momentum[g]) <= 1e-10, f"{self.at}, group {g}: momentum {one!r}, {rule.momentum[g]!r}"
            if theirs is not None and abs(one - theirs.momenta()[g]) > 1e-10:
                assert rule.open_momentum[g], f"{self.at}, group {g}: momentum {one!r}, PyTorch's {theirs.momenta()[g]!r}"
                self.met |= rule.open_momentum[g]
        if theirs is not None and len(self.case.schedulers) == 1 and "of" not in self.case.schedulers[0]:
            assert ours.schedulers[0].last_epoch == theirs.schedulers[0].last_epoch, self.at


TOLERANCE = {"float": 1e-10, "float64": 1e-10, "float32": 1e-5}


# -- drawing cases

ratios = st.sampled_from([0.5, 0.1, 0.9, 1.0]) | st.floats(0.05, 1.0)
gammas = ratios | st.sampled_from([1.02, 2.0])
lengths = st.integers(1, 12)
rates_ = st.sampled_from([0.1, 0.05, 1.0]) | st.floats(1e-3, 2.0)
floors = st.sampled_from([0.0, 0.0, 0.01]) | st.floats(1e-4, 0.2)
functions = st.sampled_from(sorted(FUNCTIONS))


def for_groups(values: st.SearchStrategy[Any], groups: int) -> st.SearchStrategy[Any]:
    """One for all groups, or a list."""
    return values | st.lists(values, min_size=groups, max_size=groups)


def cycled(groups: int) -> dict[str, st.SearchStrategy[Any]]:
    return {
        "cycle_momentum": st.booleans(),
        "base_momentum": for_groups(st.floats(0.5, 0.85), groups),
        "max_momentum": for_groups(st.floats(0.85, 0.99), groups),
    }


def made_of(name: str, **arguments: st.SearchStrategy[Any]) -> st.SearchStrategy[Node]:
    return st.fixed_dictionaries({"class": st.just(name), **arguments})


CLASSES = (*JUMPING, "MultiplicativeLR", "SWALR", "ReduceLROnPlateau")


def leaf(groups: int, *names: str) -> st.SearchStrategy[Node]:
    """A scheduler of one of these classes, or of any."""
    fn = for_groups(functions, groups)
    made = [
        made_of("StepLR", step_size=lengths, gamma=gammas),
        made_of("MultiStepLR", milestones=st.lists(st.integers(0, 20), max_size=5), gamma=gammas),
        made_of("ConstantLR", factor=ratios | st.just(0.0), total_iters=st.integers(0, 12)),
        made_of("LinearLR", start_factor=ratios, end_factor=ratios | st.just(0.0), total_iters=st.integers(0, 12)),
        made_of("ExponentialLR", gamma=gammas),
        made_of("PolynomialLR", total_iters=st.integers(0, 12),
                power=st.sampled_from([1.0, 2.0, 0.5, 0.0]) | st.floats(0.0, 3.0)),
        made_of("CosineAnnealingLR", T_max=lengths, eta_min=floors),
        made_of("LambdaLR", lr_lambda=fn),
        made_of("CosineAnnealingWarmRestarts", T_0=st.integers(1, 6), T_mult=st.integers(1, 4), eta_min=floors),
        made_of("CyclicLR", base_lr=for_groups(rates_, groups), max_lr=for_groups(rates_, groups), step_size_up=lengths,
                step_size_down=st.none() | lengths, mode=st.sampled_from(["triangular", "triangular2", "exp_range"]),
                gamma=ratios, scale_fn=st.none() | functions, scale_mode=st.sampled_from(["cycle", "iterations"]),
                **cycled(groups)),
        made_of("OneCycleLR", max_lr=for_groups(rates_, groups), total_steps=st.integers(1, 60),
                pct_start=st.sampled_from([0.3, 0.5, 0.25, 0.0, 1.0]) | st.floats(0.05, 1.0),
                anneal_strategy=st.sampled_from(["cos", "linear"]), three_phase=st.booleans(),
                div_factor=st.sampled_from([25.0, 2.0]), final_div_factor=st.sampled_from([1e4, 10.0]), **cycled(groups)),
        made_of("MultiplicativeLR", lr_lambda=fn),
        made_of("SWALR", swa_lr=for_groups(rates_, groups), anneal_epochs=st.integers(0, 10),
                anneal_strategy=st.sampled_from(["cos", "linear"])),
        made_of("ReduceLROnPlateau", mode=st.sampled_from(["min", "max"]), factor=st.floats(0.1, 0.9),
                patience=st.integers(0, 3), threshold=st.sampled_from([1e-4, 0.0, 0.1]),
                threshold_mode=st.sampled_from(["rel", "abs"]),
                cooldown=st.integers(0, 2), min_lr=for_groups(st.sampled_from([0.0, 0.01, 0.1]), groups),
                eps=st.sampled_from([1e-8, 0.0, 1e-3])),
    ]  # fmt: skip
    return st.one_of([one for one, name in zip(made, CLASSES, strict=True) if not names or name in names])


def composite(children: st.SearchStrategy[Node], most: int = 3) -> st.SearchStrategy[Node]:
    def sequence(of: list[Node]) -> st.SearchStrategy[Node]:
        times = st.lists(st.integers(0, 14), min_size=len(of) - 1, max_size=len(of) - 1).map(sorted)
        return made_of("SequentialLR", of=st.just(of), milestones=times)

    several = st.lists(children, min_size=1, max_size=most)
    return several.flatmap(sequence) | made_of("ChainedScheduler", of=several)


def chain(*of: Node) -> Node:
    return {"class": "ChainedScheduler", "of": list(of)}


def sequence(*of: Node, milestones: tuple[int, ...] = ()) -> Node:
    return {"class": "SequentialLR", "of": list(of), "milestones": list(milestones)}


def one_cycle_lr(max_lr: float = 0.3, total_steps: int = 9, pct_start: float = 0.5, cycle_momentum: bool = False) -> Node:
    return {"class": "OneCycleLR", "max_lr": max_lr, "total_steps": total_steps, "pct_start": pct_start,
            "cycle_momentum": cycle_momentum, "base_momentum": 0.8, "max_momentum": 0.95}  # fmt: skip


def plateau(**given: Any) -> Node:
    return {"class": "ReduceLROnPlateau", "mode": "min", "factor": 0.5, "patience": 0, "threshold": 0.1,
            "threshold_mode": "rel", "cooldown": 0, "min_lr": 0.0, "eps": 1e-8, **given}  # fmt: skip


STEP: Node = {"class": "StepLR", "step_size": 1, "gamma": 0.5}
EXPONENTIAL: Node = {"class": "ExponentialLR", "gamma": 0.1}
COSINE: Node = {"class": "CosineAnnealingLR", "T_max": 2, "eta_min": 0.0}
LAMBDA: Node = {"class": "LambdaLR", "lr_lambda": "factor"}
POLYNOMIAL: Node = {"class": "PolynomialLR", "total_iters": 1, "power": 1.0}
FLOOR: Node = {"class": "CosineAnnealingLR", "T_max": 4, "eta_min": 0.01}
HALVED = ("edit", 0, "*", 0.5, "anew")

EXAMPLES: list[tuple[str, Case]] = [
    ("edits discarded", Case((LAMBDA,), (HALVED, ("step", 1)))),
    ("others overwritten", Case((STEP, LAMBDA), (("step", 1),))),
    ("initial_lr", Case((LAMBDA,), initial_lrs=(0.2,))),
    ("the cosine's bottom", Case((COSINE,), (HALVED, ("step", 3)))),
    ("zeros", Case(({"class": "ConstantLR", "factor": 0.0, "total_iters": 2},), (("step", 2),))),
    ("zeros", Case((POLYNOMIAL,), (("step", 2), ("edit", 0, "=", 0.3, "anew"), ("step", 1)))),
    ("a zero on a zero", Case(({**COSINE, "T_max": 1}, STEP), (("step", 1), ("jump", 2, (0,)), ("edit", 0, "=", 0.0, "anew"),
                                                              ("step", 1, (1,))))),
    ("a leap far down a decay", Case((EXPONENTIAL,), (("step", 4), ("edit", 0, "=", 0.3, "anew"), ("step", 1)))),
    ("below the floor", Case((FLOOR,), (("step", 2), ("edit", 0, "=", 1e-6, "anew"), ("step", 1)))),
    ("a floor above another's zero", Case((POLYNOMIAL, FLOOR), (("step", 1),))),
    ("OneCycleLR past its end", Case((one_cycle_lr(),), (("step", 9),))),
    ("OneCycleLR past its end", Case((one_cycle_lr(),), (("step", 12),))),
    ("OneCycleLR with a phase of no length", Case((one_cycle_lr(total_steps=4, pct_start=0.25),))),
    ("total_iters=0", Case(({"class": "LinearLR", "start_factor": 0.5, "end_factor": 1.0, "total_iters": 0},))),
    ("total_iters=0", Case(({**POLYNOMIAL, "total_iters": 0},), (("jump", 3),))),
    ("CyclicLR built second", Case((STEP, {"class": "CyclicLR", "base_lr": 0.01, "max_lr": 0.2, "step_size_up": 3,
                                           "mode": "triangular", "cycle_momentum": False}))),
    ("last_epoch and edits", Case((EXPONENTIAL,), (("step", 1), HALVED, ("resume",)))),
    ("last_epoch at a boundary", Case((STEP,), (("step", 1), ("resume",)))),
    ("last_epoch loses the position", Case(({"class": "SWALR", "swa_lr": 0.01, "anneal_epochs": 4},),
                                           (("step", 2), ("resume",), ("step", 1)))),
    ("exact restarts", Case(({"class": "CosineAnnealingWarmRestarts", "T_0": 1, "T_mult": 3},), (("jump", 121),))),
    ("restored without the optimizer", Case((EXPONENTIAL,), (("step", 1), ("reload", "json", (0,))))),
    ("negative metrics", Case((plateau(),), (("step", 2),), metrics=(-1.0,))),
    ("metrics that are not finite", Case((plateau(),), (("step", 2),), metrics=(1.0, math.nan))),
    ("a sequence discards edits", Case((sequence(EXPONENTIAL, STEP, milestones=(2,)),), (HALVED, ("step", 2)))),
    ("a sequence with OneCycleLR", Case((sequence(EXPONENTIAL, STEP, one_cycle_lr(), milestones=(1, 2)),), (("step", 1),))),
    ("a later child that goes on from the rate",
     Case((sequence(EXPONENTIAL, {"class": "MultiplicativeLR", "lr_lambda": "factor"}, milestones=(2,)),), (("step", 2),))),
    ("a composite as a later child", Case((sequence(STEP, chain(STEP), milestones=(1,)),), (("step", 1),))),
    ("a composite as first child, a sequence in a chain", Case((sequence(chain(EXPONENTIAL)),))),
    ("a composite as first child, a sequence in a chain", Case((chain({**LAMBDA, "lr_lambda": "growing"}, sequence(STEP)),))),
    ("a plateau in a composite", Case((chain(plateau()),))),
    ("a chain", Case((chain(one_cycle_lr(), EXPONENTIAL),), (("step", 2),))),
    ("momentum before its turn", Case((sequence(STEP, one_cycle_lr(cycle_momentum=True), milestones=(2,)),))),
    ("levels in the groups", Case((sequence(one_cycle_lr(0.3), one_cycle_lr(0.6), milestones=(4,)),), (("step", 1),))),
]  # fmt: skip


@pytest.mark.parametrize(("name", "case"), EXAMPLES, ids=[name for name, _ in EXAMPLES])
def test_every_difference_is_met(name: str, case: Case) -> None:
    assert run(case) == {name}


def test_no_difference_is_without_example() -> None:
    assert list(dict.fromkeys(name for name, _ in EXAMPLES)) == [difference.name for difference in DIFFERENCES]


def nest(groups: int, depth: int) -> st.SearchStrategy[Node]:
    def of(leaves: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
        inner = leaves
        for _ in range(depth - 1):
            inner = st.one_of(leaves, composite(inner, 2))
        return composite(inner)

    torchs = of(leaf(groups).filter(lambda node: not follows_metrics(node)))  # which has no plateaus there
    return st.integers(0, 9).flatmap(lambda n: torchs if n < 9 else of(leaf(groups)))


@st.composite
def cases(draw: Any, schedulers: Callable[[int], st.SearchStrategy[list[Node]]]) -> Case:
    groups = draw(st.sampled_from([1, 1, 2, 3]))
    nodes = draw(schedulers(groups))
    kinds = st.sampled_from(["float", "float", "float64", "float32"])
    leaves_only = all("of" not in node for node in nodes)
    names = {node["class"] for node in nodes}
    actions = [
        st.tuples(st.just("step"), st.integers(1, 12)),
        st.tuples(st.just("edit"), st.integers(0, groups - 1), st.just("*"), st.sampled_from([0.5, 2.0, 0.1, 3.0, 0.0]),
                  st.sampled_from(["in place", "anew", "float"])),
        st.tuples(st.just("edit"), st.integers(0, groups - 1), st.just("="), st.sampled_from([0.05, 0.3, 1e-6, 0.0]),
                  st.sampled_from(["in place", "anew", "float"])),
        st.tuples(st.just("reload"), st.sampled_from(["json", "torch", "memory"]), orders(len(nodes))),
    ]  # fmt: skip
    which = st.just((0,))
    if len(nodes) > 1:
        which = st.permutations(range(len(nodes))).flatmap(
            lambda order: st.integers(1, len(nodes)).map(lambda n: tuple(order[:n]))
        )
        actions.append(st.tuples(st.just("step"), st.integers(1, 12), which))
    elif leaves_only and not follows_metrics(nodes[0]):
        actions.append(st.just(("resume",)))
    if names <= set(JUMPING):
        times: st.SearchStrategy[float] = st.integers(0, 40)
        if names == {"CosineAnnealingWarmRestarts"}:
            times = times | st.sampled_from([10.25, 121, 3.5])
        actions.append(st.tuples(st.just("jump"), times, which))
    return Case(
        schedulers=tuple(nodes),
        script=tuple(draw(st.lists(st.one_of(actions), min_size=3, max_size=12))),
        lrs=tuple(draw(st.lists(rates_ | st.just(0.0), min_size=groups, max_size=groups))),
        kinds=tuple(draw(st.lists(kinds, min_size=groups, max_size=groups))),
        optimizer=draw(st.sampled_from(["sgd", "adam"])),
        initial_lrs=tuple(draw(st.just([]) | st.lists(rates_, min_size=groups, max_size=groups))) if leaves_only else (),
        metrics=tuple(draw(st.lists(METRICS, min_size=1, max_size=8))) if any(map(follows_metrics, nodes)) else (1.0,),
    )


METRICS = st.sampled_from([1.0, 0.5, 0.95, 2.0, 0.0, -1.0, -0.95, math.nan, math.inf, -math.inf]) | st.floats(-2, 2)


def orders(n: int) -> st.SearchStrategy[tuple[Any, ...]]:
    """In which states are loaded, with the optimizer's and now and then without."""
    whole = st.permutations([*range(n), "optimizer"]).map(tuple)
    return st.integers(0, 5).flatmap(lambda k: whole if k else st.permutations(range(n)).map(tuple))


def share(of_all: float) -> settings:
    """Of the profile's cases; drawing nests is slow on a machine that has other things to do."""
    cases = round(settings.default.max_examples * of_all)
    return settings(settings.default, max_examples=cases, suppress_health_check=[HealthCheck.too_slow])


@pytest.mark.parametrize(
    "node",
    [
        {"class": "SWALR", "swa_lr": [0.05]},
        {"class": "CyclicLR", "base_lr": [0.01], "max_lr": 0.1},
        {"class": "OneCycleLR", "max_lr": 0.1, "total_steps": 109},
        {"class": "ReduceLROnPlateau", "min_lr": [0.01]},
    ],
)
def test_a_state_from_torch_replaces_nothing_equal(node: Node) -> None:
    mine, other = Side(Case((node,)), mine=True), Side(Case((node,)), mine=False)
    mine.schedulers[0].load_state_dict(other.schedulers[0].state_dict())


@pytest.mark.parametrize(
    ("node", "lr", "steps"),
    [
        ({"class": "OneCycleLR", "max_lr": 0.1, "total_steps": 10, "anneal_strategy": "linear"}, 0.1, 10),
        ({"class": "CosineAnnealingLR", "T_max": 3, "eta_min": 0.1}, 0.0, 6),
    ],
)
def test_a_state_from_torch_below_zero(node: Node, lr: float, steps: int) -> None:
    case = Case((node,), (("step", steps),), (lr,))
    other = Side(case, mine=False)
    for action in case.actions():
        other.act(action, 0.0)
    assert rates(other.optimizer)[0] < 0
    Side(case, mine=True).schedulers[0].load_state_dict(other.schedulers[0].state_dict())


def test_a_sequences_state_from_torch() -> None:
    one_cycle = {"class": "OneCycleLR", "max_lr": 1.0, "total_steps": 4, "pct_start": 0.3, "cycle_momentum": False}
    case = Case((sequence(STEP, one_cycle, STEP, milestones=(2, 5)),), (("step", 3),))
    mine, torchs_ = Side(case, mine=True), Side(case, mine=False)
    for action in case.actions():
        mine.act(action, 0.0)
        torchs_.act(action, 0.0)
    loaded = Side(case, mine=True)
    loaded.schedulers[0].load_state_dict(torchs_.schedulers[0].state_dict())
    assert loaded.schedulers[0].lr_at(5) == mine.schedulers[0].lr_at(5)


def test_a_zero_before_two_others_in_a_chain() -> None:
    run(Case((chain({"class": "ConstantLR", "factor": 0.0, "total_iters": 2},
                    {"class": "ConstantLR", "factor": 0.5, "total_iters": 2}, STEP),), (("step", 3),)))  # fmt: skip


def fuzz(case: Case) -> None:
    for name in sorted(run(case)):
        event(name)


@pytest.mark.parametrize("name", CLASSES)
@share(0.35 / len(CLASSES))
@given(data=st.data())
def test_one_scheduler(name: str, data: Any) -> None:
    fuzz(data.draw(cases(lambda groups: leaf(groups, name).map(lambda node: [node]))))


@share(0.25)
@given(cases(lambda groups: st.lists(leaf(groups), min_size=2, max_size=3).filter(unlike)))
def test_schedulers_on_one_optimizer(case: Case) -> None:
    fuzz(case)


@share(0.25)
@given(cases(lambda groups: nest(groups, 1).map(lambda node: [node])))
def test_a_composite(case: Case) -> None:
    fuzz(case)


@share(0.15)
@given(cases(lambda groups: nest(groups, 3).map(lambda node: [node])))
def test_a_nest(case: Case) -> None:
    fuzz(case)


def test_the_documents_name_every_difference() -> None:
    text = (Path(__file__).parents[1] / "docs" / "differences.md").read_text(encoding="utf-8")
    named = [row.split("|")[1].strip() for row in text.splitlines() if row.startswith("| ")]
    assert [one for one in named if one != "case"] == [difference.name for difference in DIFFERENCES]
