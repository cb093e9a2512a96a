"""A reader of the LaTeX in our docstrings: :func:`read` makes a function of it, which evaluates in exact arithmetic."""

import math
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

Env = dict[str, Any]
Node = Callable[[Env], Any]

_TOKEN = re.compile(r"\\text\{[^}]*\}|\\(?:begin|end)\{cases\}|\\[A-Za-z]+|\\\\|\\,|\d+|[A-Za-z]|[-+/^_(){}\[\]<>=,&]|\s+|(.)")
_SILENT = {r"\left", r"\right", r"\dots"}
_COMPARE = {r"\le": operator.le, "<": operator.lt, r"\ge": operator.ge, ">": operator.gt}
_LISTED = {r"\min": min, r"\max": max}
_APPLIED = {r"\cos": math.cos, r"\sin": math.sin, r"\log": math.log, r"\exp": math.exp, r"\tanh": math.tanh}
_FENCED = {r"\lfloor": (r"\rfloor", math.floor), r"\lceil": (r"\rceil", math.ceil), "(": (")", None), "{": ("}", None)}
_OVER = {r"\sum": sum, r"\prod": math.prod}
_NO_SYMBOLS = {r"\frac", r"\in", r"\qquad", r"\,", r"\\", r"\rfloor", r"\rceil", *_COMPARE}


class FormulaError(Exception):
    """LaTeX beyond what we read, or a symbol that nothing defines."""


def tokens_of(latex: str) -> list[str]:
    found = []
    for match in _TOKEN.finditer(re.sub(r"\\dots\s*,", "", latex)):  # s_1, s_2, ..., s_n: there are three
        if match[1]:
            raise FormulaError(f"cannot read {match[1]!r} in {latex!r}")
        if match[0].strip() and match[0] not in _SILENT:
            found.append(match[0])
    return found


def is_symbol(token: str) -> bool:
    known = any(token in group for group in (_NO_SYMBOLS, _LISTED, _APPLIED, _FENCED, _OVER))
    return not known and re.fullmatch(r"[A-Za-z]|\\[A-Za-z]+", token) is not None


@dataclass
class Function:
    """What a definition such as ``h(p) = ...`` makes, where p has no value."""

    parameter: str
    body: Node
    env: Env

    def __call__(self, value: Any) -> Any:
        return self.body({**self.env, self.parameter: value})


@dataclass
class Formula:
    """Definitions, the last of which is the value, and conditions under which they hold."""

    definitions: list[tuple[str, str, Node]]
    conditions: list[Node]

    def defined(self, env: Env) -> Env:
        """With what stands before the value. ``h(p) = ...`` makes a function, ``x(t) = ...`` does not: t has a value."""
        for name, parameter, node in self.definitions[:-1]:
            env = {**env, name: Function(parameter, node, env) if parameter and parameter not in env else node(env)}
        return env

    def holds(self, env: Env) -> bool:
        env = self.defined(env)
        return all(condition(env) for condition in self.conditions)

    def __call__(self, env: Env) -> float:
        return float(self.definitions[-1][-1](self.defined(env)))


class Reader:
    """Recursive descent; a node is a function from the values of the symbols to its value.

    formula: statement ((newline | "," qquad) statement)*     statement: symbol ["(" symbol ")"] "=" sum | comparison
    sum: term (("+" | "-") term)*                             term: power ([thin space] ["/"] power)*
    power: ["+" | "-"] atom ["^" (braces | atom)]             comparison: sum (("<" | le | ...) sum)+
    """

    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens
        self.at = 0

    @property
    def next(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, wanted: str = "") -> str:
        token = self.next
        if not token or (wanted and token != wanted):
            raise FormulaError(f"expected {wanted or 'more'}, got {token!r} after {self.tokens[: self.at]}")
        self.at += 1
        return token

    def skip(self, token: str) -> bool:
        if self.next != token:
            return False
        self.at += 1
        return True

    def formula(self) -> Formula:
        made = Formula([], [])
        while True:
            self.statement(made)
            if not self.next:
                return made
            if not self.skip(r"\\"):
                self.take(",")
                self.take(r"\qquad")

    def statement(self, made: Formula) -> None:
        start = self.at
        if is_symbol(self.next):
            name, parameter = self.symbol(), ""
            if self.skip("("):
                parameter = self.symbol() if is_symbol(self.next) else ""
                self.skip(")")
            if self.skip("="):
                made.definitions.append((name, parameter, self.sum()))
                return
            self.at = start
        made.conditions.append(self.comparison())

    def symbol(self) -> str:
        name = self.take()
        if not is_symbol(name):
            raise FormulaError(f"expected a symbol, got {name!r}")
        return f"{name}_{self.subscript()}" if self.skip("_") else name

    def subscript(self) -> str:
        if not self.skip("{"):
            return self.take()
        text = ""
        while not self.skip("}"):
            text += self.take()
        return text

    def comparison(self) -> Node:
        parts, compare = [self.sum()], []
        while self.next in _COMPARE:
            compare.append(_COMPARE[self.take()])
            parts.append(self.sum())
        if not compare:
            raise FormulaError(f"neither definition nor condition: {self.tokens}")

        def holds(env: Env) -> bool:
            values = [part(env) for part in parts]
            return all(c(a, b) for c, a, b in zip(compare, values, values[1:], strict=False))

        return holds

    def sum(self) -> Node:
        node = self.term()
        while self.next in ("+", "-"):
            node = _binary(operator.add if self.take() == "+" else operator.sub, node, self.term())
        return node

    def term(self) -> Node:
        node = self.power()
        while True:
            while self.skip(r"\,"):
                pass
            if self.skip("/"):
                node = _binary(operator.truediv, node, self.power())
            elif self.starts_atom():
                node = _binary(operator.mul, node, self.power())
            else:
                return node

    def starts_atom(self) -> bool:
        token = self.next
        known = any(token in group for group in (_LISTED, _APPLIED, _FENCED, _OVER, ("[", r"\frac", r"\begin{cases}")))
        return known or token.isdigit() or is_symbol(token)

    def power(self) -> Node:
        if self.next in ("+", "-"):
            return _binary(operator.add if self.take() == "+" else operator.sub, lambda env: 0, self.power())
        node = self.atom()
        return _binary(_power, node, self.atom()) if self.skip("^") else node

    def atom(self) -> Node:
        token = self.next
        if is_symbol(token):
            return self.value_or_call()
        self.take()
        if token.isdigit():
            return lambda env: Fraction(token)
        if token in _FENCED:
            closing, function = _FENCED[token]
            inner = self.sum()
            self.take(closing)
            return inner if function is None else lambda env: Fraction(function(inner(env)))
        if token in _LISTED or token in _APPLIED:
            arguments = self.arguments()
            if token in _LISTED:
                return lambda env: _LISTED[token](a(env) for a in arguments)
            (argument,) = arguments
            return lambda env: _APPLIED[token](argument(env))
        if token == r"\frac":
            return _binary(operator.truediv, self.atom(), self.atom())
        if token == "[":  # Iverson's: 1 where the condition holds
            condition = self.comparison()
            self.take("]")
            return lambda env: Fraction(condition(env))
        if token in _OVER:
            variable, items = self.limits()
            body = self.term()
            return lambda env: _OVER[token](body({**env, variable: item}) for item in items(env))
        if token == r"\begin{cases}":
            return self.cases()
        raise FormulaError(f"cannot read {token!r} in {self.tokens}")

    def limits(self) -> tuple[str, Node]:
        """Of a sum or product: ``_{m \\in M}``, or ``_{i=1}^{n}``, which goes over nothing where n < 1."""
        self.take("_")
        self.take("{")
        variable = self.symbol()
        if self.skip(r"\in"):
            among = self.value_or_call()
            self.take("}")
            return variable, among
        self.take("=")
        first = self.sum()
        self.take("}")
        self.take("^")
        last = self.atom()

        def items(env: Env) -> list[Fraction]:
            low, high = Fraction(first(env)), Fraction(last(env))
            if low.denominator != 1 or high.denominator != 1:
                raise FormulaError(f"{variable} goes from {low} to {high}: limits are whole numbers")
            return [Fraction(i) for i in range(int(low), int(high) + 1)]

        return variable, items

    def value_or_call(self) -> Node:
        """A symbol directly before "(" is a function; a factor before "(" has a thin space between."""
        name = self.symbol()
        arguments = self.arguments() if self.next == "(" else None

        def value(env: Env) -> Any:
            if name == r"\pi":
                return math.pi
            if name not in env:
                raise FormulaError(f"{name} is defined nowhere; there are {sorted(env)}")
            found = env[name]
            if arguments is None:
                return found
            if not callable(found):
                raise FormulaError(f"{name} is no function: write a thin space between factors")
            exact = isinstance(found, Function)  # others take floats
            return found(*(a(env) if exact else float(a(env)) for a in arguments))

        return value

    def arguments(self) -> list[Node]:
        self.take("(")
        found = [self.sum()]
        while self.skip(","):
            found.append(self.sum())
        self.take(")")
        return found

    def cases(self) -> Node:
        rows = []
        while True:
            value = self.sum()
            self.take("&")
            named = self.next.startswith(r"\text")
            rows.append((self.take().removeprefix(r"\text{").removesuffix("}") if named else self.comparison(), value))
            if not self.skip(r"\\"):
                self.take(r"\end{cases}")
                break

        def chosen(env: Env) -> Any:
            options = {*env["option"].split(", "), "otherwise"}
            for option, value in rows:
                if option(env) if callable(option) else option in options:
                    return value(env)
            raise FormulaError(f"no case for {env['option']!r} among {[option for option, _ in rows]}")

        return chosen


def _binary(function: Callable[[Any, Any], Any], left: Node, right: Node) -> Node:
    return lambda env: function(left(env), right(env))


def _power(a: Any, n: Any) -> Any:
    if isinstance(a, Fraction) and n == int(n):
        return a ** int(n)
    if a < 0:
        raise ArithmeticError(f"{float(a)} to the power of {float(n)} is no real number")
    return float(a) ** float(n)


def read(latex: str) -> Formula:
    return Reader(tokens_of(latex)).formula()
