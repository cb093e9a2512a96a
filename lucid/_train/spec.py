"""What is asked for: the settings, and schedulers as text, read as a syntax tree against allow-lists and never run.

Needs no array library, so that a mistake on the command line is answered at once.
"""

import ast
import math
import operator
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lucid._commands import UsageError
from lucid.schedules._schedule import did_you_mean

_LONGEST = 500  # characters: far more than any scheduler needs, far less than it takes to trouble the parser


# What a scheduler that is named alone takes, to fit so many epochs of so many steps (batches) below the rate lr.
SCHEDULERS: dict[str, Callable[[int, int, float], dict[str, Any]]] = {
    "constant": lambda epochs, steps, lr: {},
    "StepLR": lambda epochs, steps, lr: {"step_size": max(epochs // 4, 1), "gamma": 0.3},
    "MultiStepLR": lambda epochs, steps, lr: {
        "milestones": sorted({max(epochs // 2, 1), max(epochs * 3 // 4, 1)}),
        "gamma": 0.1,
    },
    "ExponentialLR": lambda epochs, steps, lr: {"gamma": round(0.01 ** (1 / epochs), 6)},
    "CosineAnnealingLR": lambda epochs, steps, lr: {"T_max": epochs},
    "LambdaLR": lambda epochs, steps, lr: {
        "lr_lambda": f"min((epoch + 1) / {max(epochs // 4, 2)}, 1) * (1 - epoch / {epochs})",
    },
    "ReduceLROnPlateau": lambda epochs, steps, lr: {"factor": 0.3, "patience": max(epochs // 10, 1)},
    "CyclicLR": lambda epochs, steps, lr: {
        "base_lr": _short(lr / 20),
        "max_lr": lr,
        "step_size_up": max(epochs * steps // 8, 1),
        "mode": "triangular2",
    },
    "NoamScheduler": lambda epochs, steps, lr: {
        "model_size": 64,
        "warmup_steps": (warmup := max(epochs * steps // 10, 1)),
        "factor": _short(lr * math.sqrt(64 * warmup)),  # the peak is factor / sqrt(model_size * warmup_steps)
    },
}
EACH_BATCH = frozenset({"CyclicLR", "NoamScheduler"})  # the others step once per epoch


@dataclass(frozen=True)
class Spec:
    """A scheduler as asked for; ``arguments`` is None where it was named alone."""

    name: str
    arguments: dict[str, Any] | None

    def __str__(self) -> str:
        if self.arguments is None or (self.name == "constant" and not self.arguments):
            return self.name
        return f"{self.name}({', '.join(f'{key}={value!r}' for key, value in self.arguments.items())})"

    def fitted(self, epochs: int, steps: int, lr: float) -> "Spec":
        """With arguments, be it those that fit a run of so many epochs of so many steps."""
        return self if self.arguments is not None else Spec(self.name, SCHEDULERS[self.name](epochs, steps, lr))


@dataclass(frozen=True)
class Settings:
    """What decides a training's history, under the names of the options."""

    epochs: int = 20
    batch_size: int = 64
    lr: float = 0.1
    seed: int = 0
    device: str = "cpu"
    scheduler: tuple[Spec, ...] = tuple(Spec(name, None) for name in SCHEDULERS)


def _short(value: float) -> float:
    return float(f"{value:.3g}")


def parse(text: str) -> Spec:
    """The scheduler that ``text`` asks for: a name, or a call of it with literals for keyword arguments.

    Raises:
        UsageError: anything else.
    """
    tree = _tree(text)
    call = tree if isinstance(tree, ast.Call) else None
    named = tree if call is None else call.func
    if not isinstance(named, ast.Name):
        raise UsageError(f"{text!r} must be a scheduler's name, or a call such as StepLR(step_size=5, gamma=0.3)")
    name = named.id
    if name not in SCHEDULERS:
        raise UsageError(f"unknown scheduler {name!r}{did_you_mean(name, SCHEDULERS)} (known: {', '.join(SCHEDULERS)})")
    if call is None:
        return Spec(name, {} if name == "constant" else None)
    if call.args:
        raise UsageError(f"{name}: name its arguments, such as step_size=5; {ast.unparse(call.args[0])!r} has no name")
    arguments: dict[str, Any] = {}
    for keyword in call.keywords:
        if keyword.arg is None:
            raise UsageError(f"{name}: name its arguments, such as step_size=5; {ast.unparse(keyword.value)!r} has no name")
        if keyword.arg in arguments:
            raise UsageError(f"{name}: {keyword.arg} is given twice")
        try:
            value = ast.literal_eval(keyword.value)
        except (ValueError, TypeError):
            value = ...
        if not _is_plain(value):
            raise UsageError(
                f"{name}: {keyword.arg} must be a number, a string, True, False, None or a list of them, "
                f"got {ast.unparse(keyword.value)!r}"
            )
        arguments[keyword.arg] = value
    return Spec(name, arguments)


def _tree(text: str) -> ast.expr:
    if len(text) > _LONGEST:
        raise UsageError(f"{text[:20]!r}... must have at most {_LONGEST} characters, got {len(text)}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the compiler's opinions on odd literals
            return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        why = error.msg if isinstance(error, SyntaxError) else str(error) or type(error).__name__
        raise UsageError(f"{text!r} cannot be read: {why}") from None


def _is_plain(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, (bool, int, float, str))


# -- formulas

Formula = Callable[[float], float]

_OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: math.pow,  # of floats: at 1.8e308 it stops with OverflowError, and gives no complex numbers
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
}
_FUNCTIONS: dict[str, tuple[int, Callable[..., float]]] = {  # name: (fewest arguments, function)
    "min": (2, min),
    "max": (2, max),
    "sqrt": (1, math.sqrt),
    "exp": (1, math.exp),
    "log": (1, math.log),
    "cos": (1, math.cos),
}
FORMULA = f"numbers, epoch, pi, + - * / // % **, ( ), {', '.join(_FUNCTIONS)}"


def formula(text: Any, epochs: int) -> Formula:
    """``"0.95 ** epoch"`` as a function of ``epoch``, in floats throughout, so that no number in it can grow large.

    Raises:
        UsageError: anything but arithmetic in ``epoch``, or a value from 0 to ``epochs`` that is no factor for a rate.
    """
    if not isinstance(text, str):
        raise UsageError(f"lr_lambda must be a formula in quotes, such as '0.95 ** epoch', got {text!r}")
    try:
        factor = _compiled(_tree(text))
    except (RecursionError, OverflowError):
        raise UsageError(f"lr_lambda {text!r} is nested too deeply, or holds a number that is too large") from None
    for epoch in range(epochs + 1):
        try:
            value = factor(epoch)
        except (ArithmeticError, ValueError) as error:
            raise UsageError(f"lr_lambda {text!r} has no value at epoch {epoch}: {error}") from None
        if not 0 <= value < math.inf:
            raise UsageError(f"lr_lambda {text!r} must be finite and >= 0, got {value!r} at epoch {epoch}")
    return factor


def _compiled(node: ast.expr) -> Formula:
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            constant = float(value)
            return lambda epoch: constant
        case ast.Name(id="epoch"):
            return float
        case ast.Name(id="pi"):
            return lambda epoch: math.pi
        case ast.UnaryOp(op=op, operand=operand) if type(op) in _OPERATORS:
            return _applied(_OPERATORS[type(op)], [operand])
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            return _applied(_OPERATORS[type(op)], [left, right])
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in _FUNCTIONS:
            fewest, function = _FUNCTIONS[name]
            if len(args) < fewest or (fewest == 1 and len(args) > 1):
                raise UsageError(f"{name} takes {'one argument' if fewest == 1 else 'two or more'}, got {ast.unparse(node)!r}")
            return _applied(function, args)
    known = did_you_mean(node.id, ["epoch", "pi", *_FUNCTIONS]) if isinstance(node, ast.Name) else ""
    raise UsageError(f"lr_lambda may hold {FORMULA}; not {ast.unparse(node)!r}{known}")


def _applied(function: Callable[..., float], arguments: list[ast.expr]) -> Formula:
    parts = [_compiled(argument) for argument in arguments]
    return lambda epoch: function(*(part(epoch) for part in parts))
