"""Schedules as text: the syntax of their composition, read as a syntax tree against an allow-list and never run."""

import ast
import operator
import os
import warnings
from collections.abc import Callable
from typing import Any

from lucid.schedules import Schedule, get, maximum, minimum
from lucid.schedules._schedule import _MAX_DEPTH, _MAX_TEXT, did_you_mean, limited

_LONGEST = 100_000  # characters: hundreds of phases
_METHODS = (
    "clip", "continue_from", "k_decay", "maximum", "minimum", "per_epoch", "repeat", "shift", "stretch", "warmup",
)  # fmt: skip
_FUNCTIONS: dict[str, Callable[..., Schedule]] = {"maximum": maximum, "minimum": minimum}
_OF_SCHEDULES: dict[type, Callable[[Any, Any], Any]] = {
    ast.RShift: operator.rshift,
    ast.Mult: operator.mul,
    ast.Add: operator.add,
}
_OF_NUMBERS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def parse(text: str) -> Schedule:
    """The schedule that an expression describes, such as ``warmup(500) >> cosine(9500)``; nothing of it is run.

    The syntax is that of Python's compositions: names as :func:`lucid.get` takes them, with fields in their order or by name;
    ``a >> b``, ``a * b``, ``0.5 * a``, ``a + b``, ``a[:n]``; the methods ``.repeat .shift .stretch .per_epoch .clip .maximum
    .minimum .continue_from .warmup .k_decay``; ``maximum(a, b)`` and ``minimum(a, b)``; arithmetic between numbers. What
    ``repr(schedule)`` writes is read back as an equal schedule, unless it holds a function.

    Args:
        text: the expression, of at most 100,000 characters.

    Raises:
        ValueError: it is not of that form, names what is not known, breaks a schedule's rules, is nested deeper than 64
            (as JSON, or with what a schedule of several phases is made of), or makes more than 100,000 schedules.

    Example:
        >>> parse("warmup(500) >> cosine(9500, end=0.1)")
        Warmup(steps=500, start=0.0) >> Cosine(steps=9500, end=0.1)
        >>> parse("wsd(1000, 100).clip(1e-5)")(500)
        1.0
        >>> parse("warmup(500) >> cosin(9500)")
        Traceback (most recent call last):
        ...
        ValueError: unknown schedule 'cosin'; did you mean 'Cosine'?
    """
    if not isinstance(text, str):
        raise ValueError(f"a schedule's expression must be text, got {text!r}")
    if not text.strip():
        raise ValueError("'' is no expression: it is empty; write a name with its fields, such as cosine(9500)")
    if len(text) > _LONGEST:
        raise ValueError(f"a schedule's expression must have at most {_LONGEST} characters, got {len(text)}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the compiler's opinions on odd literals
            tree = ast.parse(" ".join(text.split()), mode="eval").body
        with limited(_MAX_DEPTH):
            made = _value(tree)
        if isinstance(made, Schedule):
            made.to_dict()  # so that whatever is read can be written, and is nested no deeper
    except TypeError as error:  # of a cut at something else than a number
        raise ValueError(str(error)) from None
    except UnicodeError:
        raise ValueError(f"{_short(text)} is no expression: it holds half a character") from None
    except SyntaxError as error:
        where = "" if error.offset is None or error.offset < 1 else f" at character {error.offset}"
        raise ValueError(f"{_short(text)} is no expression: {error.msg}{where}") from None
    except (RecursionError, MemoryError):
        raise ValueError(f"{_short(text)} is nested too deeply") from None
    if not isinstance(made, Schedule):
        raise ValueError(f"{_short(text)} is no schedule; write a name with its fields, such as cosine(9500)")
    return made


def read(source: str) -> Schedule:
    """A schedule from what a user typed: an expression, JSON, or the path of a file with either.

    Raises:
        ValueError: as :func:`parse` and :meth:`Schedule.from_json`; the file is named.
        OSError: the file cannot be read.
    """
    if source.lstrip().startswith("{"):
        return Schedule.from_json(source)
    if not (source.endswith((".json", ".txt")) or os.path.isfile(source)):
        return parse(source)
    try:
        with open(source, encoding="utf-8") as file:
            text = file.read(_MAX_TEXT + 1)
    except UnicodeDecodeError:
        raise ValueError(f"{source}: is no text; a schedule's file holds JSON or an expression") from None
    try:
        return Schedule.from_json(text) if text.lstrip().startswith("{") else parse(text)
    except ValueError as error:
        raise ValueError(f"{source}: {error}") from None


def _value(node: ast.expr) -> Any:
    match node:
        case ast.Constant(bool() | int() | float() | str() | None as value):
            return value
        case ast.Tuple(elts) | ast.List(elts):
            return tuple(map(_value, elts))
        case ast.Name(name):
            return get(name)
        case ast.UnaryOp(ast.USub() | ast.UAdd() as sign, operand):
            value = _value(operand)
            if _is_number(value):
                return -value if isinstance(sign, ast.USub) else value
        case ast.BinOp(left, operation, right):
            return _combined(node, _value(left), operation, _value(right))
        case ast.Subscript(of, ast.Slice(None, ast.expr() as upper, None)):
            schedule = _value(of)
            if isinstance(schedule, Schedule):
                return schedule[: _value(upper)]
        case ast.Call(ast.Name(name), arguments, keywords):
            given, named = _arguments(node, arguments, keywords)
            return _checked(name, _FUNCTIONS[name], given, named) if name in _FUNCTIONS else _got(name, given, named)
        case ast.Call(ast.Attribute(of, name), arguments, keywords):
            schedule = _value(of)
            if not isinstance(schedule, Schedule):
                raise ValueError(f"{_short(ast.unparse(of))} is no schedule, so it has no {name}()")
            if name not in _METHODS:
                hint = did_you_mean(name, _METHODS) or f"; known are {', '.join(_METHODS)}"
                raise ValueError(f"unknown method {name!r}{hint}")
            return _checked(name, getattr(schedule, name), *_arguments(node, arguments, keywords))
    raise ValueError(
        f"{_short(ast.unparse(node))} cannot stand in a schedule's expression, which holds names with their fields, "
        "numbers, >> * + [:n] and methods"
    )


def _combined(node: ast.expr, left: Any, operation: ast.operator, right: Any) -> Any:
    numbers = _is_number(left) and _is_number(right)
    known = _OF_NUMBERS if numbers else _OF_SCHEDULES
    combine = known.get(type(operation))
    if combine is None or not all(isinstance(side, Schedule) or _is_number(side) for side in (left, right)):
        ways = "+ - * / between numbers" if numbers else ">> * + between schedules, and * + between a schedule and a number"
        raise ValueError(f"{_short(ast.unparse(node))}: there are {ways}")
    try:
        return combine(left, right)
    except TypeError:
        raise ValueError(f"{_short(ast.unparse(node))}: a number can scale a schedule, not join it") from None
    except (ZeroDivisionError, OverflowError) as error:
        raise ValueError(f"{_short(ast.unparse(node))}: {error}") from None


def _arguments(node: ast.expr, given: list[ast.expr], named: list[ast.keyword]) -> tuple[list[Any], dict[str, Any]]:
    values: dict[str, Any] = {}
    for keyword in named:
        if keyword.arg is None:
            raise ValueError(f"{_short(ast.unparse(node))}: write each field by itself, without **")
        if keyword.arg in values:
            raise ValueError(f"{_short(ast.unparse(node))}: {keyword.arg} is given twice")
        values[keyword.arg] = _value(keyword.value)
    return list(map(_value, given)), values


def _got(name: str, given: list[Any], named: dict[str, Any]) -> Schedule:
    if "name" in named:  # which is get's own first argument
        raise ValueError(f"{name}: unknown field 'name'")
    try:
        return get(name, *given, **named)
    except TypeError as error:
        raise ValueError(str(error)) from None


def _checked(name: str, call: Callable[..., Schedule], given: list[Any], named: dict[str, Any]) -> Schedule:
    try:
        return call(*given, **named)
    except TypeError as error:
        raise ValueError(str(error).replace("Schedule.", "") if name in str(error) else f"{name}: {error}") from None


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _short(text: str) -> str:
    text = " ".join(text.split())
    return repr(text if len(text) <= 80 else text[:77] + "...")
