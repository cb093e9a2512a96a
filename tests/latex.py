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
_APPLIED = {r"\cos": math.cos, r"\sin": math.sin}
_FENCED = {r"\lfloor": (r"\rfloor", math.floor), r"\lceil": (r"\rceil", math.ceil), "(": (")", None), "{": ("}", None)}
_NO_SYMBOLS = {r"\frac", r"\sum", r"\in", r"\qquad", r"\,", r"\\", r"\rfloor", r"\rceil", *_COMPARE}


class FormulaError(Exception):
    """LaTeX beyond what we read, or a symbol that nothing defines."""


def tokens_of(latex: str) -> list[str]:
    found = []
    for match in _TOKEN.finditer(latex):
        if match[1]:
            raise FormulaError(f"cannot read {match[1]!r} in {latex!r}")
        if match[0].strip() and match[0] not in _SILENT:
            found.append(match[0])
    return found


def is_symbol(token: str) -> bool:
    known = token in _NO_SYMBOLS or token in _LISTED or token in _APPLIED or token in _FENCED
    return not known and re.fullmatch(r"[A-Za-z]|\\[A-Za-z]+", token) is not None


@dataclass
class Formula:
    """Definitions, the last of which is the value, and conditions under which they hold."""

    definitions: list[tuple[str, Node]]
    conditions: list[Node]

    def holds(self, env: Env) -> bool:
        return all(condition(env) for condition in self.conditions)

    def __call__(self, env: Env) -> float:
        value = None
        for name, node in self.definitions:
            env = {**env, name: (value := node(env))}
        return float(value)


class Reader:
    """Recursive descent; a node is a function from the values of the symbols to its value.

    formula: statement ((newline | "," qquad) statement)*     statement: symbol ["(" symbol ")"] "=" sum | comparison
    sum: term (("+" | "-") term)*                             term: power ([thin space] ["/"] power)*
    power: ["+" | "-"] atom ["^" (braces | atom)]                   comparison: sum (("<" | le | ...) sum)+
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
            name = self.symbol()
            if self.skip("("):
                self.symbol()
                self.skip(")")
            if self.skip("="):
                made.definitions.append((name, self.sum()))
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
        known = token in _LISTED or token in _APPLIED or token in _FENCED or token in ("[", r"\frac", r"\sum", r"\begin{cases}")
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
        if token == r"\sum":
            self.take("_")
            self.take("{")
            variable = self.symbol()
            self.take(r"\in")
            among = self.value_or_call()
            self.take("}")
            body = self.term()
            return lambda env: sum(body({**env, variable: item}) for item in among(env))
        if token == r"\begin{cases}":
            return self.cases()
        raise FormulaError(f"cannot read {token!r} in {self.tokens}")

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
            return found(*(float(a(env)) for a in arguments))

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
            rows.append((self.take().removeprefix(r"\text{").removesuffix("}"), value))
            if not self.skip(r"\\"):
                self.take(r"\end{cases}")
                break

        def chosen(env: Env) -> Any:
            for option, value in rows:
                if option in (env["option"], "otherwise"):
                    return value(env)
            raise FormulaError(f"no case for {env['option']!r} among {[option for option, _ in rows]}")

        return chosen


def _binary(function: Callable[[Any, Any], Any], left: Node, right: Node) -> Node:
    return lambda env: function(left(env), right(env))


def _power(a: Any, n: Any) -> Any:
    return float(a) ** float(n)


def read(latex: str) -> Formula:
    return Reader(tokens_of(latex)).formula()
