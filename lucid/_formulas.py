"""What the docstrings of schedules and recipes tell, as plain data: their formulas in text that a terminal shows."""

import inspect
import re
from dataclasses import MISSING, fields
from typing import Any, NamedTuple

from lucid.schedules import Schedule

_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|[{}^_&]|\s+|[^\\{}^_&\s]+?")
_GREEK = (
    "α alpha β beta γ gamma δ delta ε epsilon η eta θ theta κ kappa λ lambda μ mu ν nu π pi ρ rho σ sigma τ tau φ phi ψ psi "
    "ω omega"
)
_SIGNS = {name: sign for sign, name in zip(_GREEK.split()[::2], _GREEK.split()[1::2], strict=True)}
_SIGNS |= {name: name for name in ("min", "max", "cos", "sin", "log", "exp", "tanh")}
_SIGNS |= {"le": "≤", "ge": "≥", "in": "in", "dots": "...", "qquad": "", "left": "", "right": "", ",": "·"}
_SIGNS |= {"lfloor": "floor(", "rfloor": ")", "lceil": "ceil(", "rceil": ")"}


def readable(latex: str) -> str:
    """The LaTeX of our docstrings as lines of text.

    >>> print(readable(r"p = \\frac{t}{T + 1} \\\\ \\eta(t) = \\eta_{base} \\, \\left(1 - p\\right)^{1/2}"))
    p = t/(T + 1)
    η(t) = base · (1 - p)^(1/2)
    >>> print(readable(r"x = \\begin{cases} 2 \\, t & t < w \\\\ 1 & \\text{otherwise} \\end{cases}"))
    x = {
        2 · t  if t < w
        1      otherwise
    }

    Raises:
        ValueError: a command that it does not know.
    """
    head, *blocks = re.split(r"\\begin\{cases\}", latex)
    lines = _lines(head)
    for block in blocks:
        inside, _, after = block.partition(r"\end{cases}")
        rows = [[_line(cell) for cell in row.split("&")] for row in inside.split(r"\\")]
        width = max(len(value) for value, _ in rows)
        lines[-1] += " {" if lines[-1].endswith("=") else " · {"
        lines += [*(f"    {value:<{width}}  {_condition(when)}" for value, when in rows), "}"]
        # What follows is the next statement.
        lines += _lines(after.lstrip().removeprefix(r"\\"))
    return "\n".join(line for line in lines if line)


def _lines(latex: str) -> list[str]:
    return [_line(line) for line in latex.split(r"\\")]


def _condition(text: str) -> str:
    return text if text == "otherwise" else f"if {text}"


def _line(latex: str) -> str:
    text = _Reader(_TOKEN.findall(latex)).read()
    text = re.sub(r"·\s*·", "·", re.sub(r"\s+", " ", text))
    text = re.sub(r"\( +", "(", re.sub(r" +([),])", r"\1", text))
    # Side by side in print means times, which a line of text has to say after a fraction, a bracket or a power.
    return re.sub(r"(\S) · ([),]|$)", r"\1\2", text).strip()


class _Reader:
    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens[::-1]

    def read(self) -> str:
        """Up to a closing brace, or the end."""
        told = ""
        while self.tokens and self.tokens[-1] != "}":
            told = self.add(told)
        return told

    def add(self, told: str) -> str:
        token = self.tokens.pop()
        if token == "{":
            return told + self.close()
        if token in ("^", "_"):
            return self.script(told, token)
        if not token.startswith("\\"):
            return told + (" " if token.isspace() else token)
        name = token[1:]
        if name == "text":
            return told + self.group()
        if name == "frac":
            over, under = _bound(self.group()), _bound(self.group())
            times = "· " if self.goes_on() else ""
            return f"{told}{over}/{under} {times}"
        if name == "sqrt":
            return f"{told}sqrt({self.group()})"
        if name in ("sum", "prod"):
            return told + ("Σ" if name == "sum" else "Π")
        if name not in _SIGNS:
            raise ValueError(f"readable: unknown command {token}")
        sign = _SIGNS[name]
        return told + (f" {sign} " if sign in ("·", "≤", "≥", "in") else sign)

    def script(self, told: str, token: str) -> str:
        inside = self.group().strip()
        if token == "_" and told.endswith("η"):
            return told[:-1] + inside
        if told.endswith("Σ"):
            inside = inside.replace(" ", "") if "=" in inside else inside
            return f"{told}({inside})"
        if token == "^" and re.search(r"Σ\([^()]*\)$", told):
            return f"{told[:-1]}..{inside})"
        return told + token + _bound(inside, r"\w+|\d+")

    def group(self) -> str:
        while self.tokens[-1].isspace():
            self.tokens.pop()
        token = self.tokens.pop()
        if token == "{":
            return self.close()
        self.tokens.append(token)
        return self.add("")

    def close(self) -> str:
        told = self.read()
        self.tokens.pop()
        return told

    def goes_on(self) -> bool:
        """Whether a factor follows without a sign between."""
        following = [token for token in self.tokens[::-1] if not token.isspace()][:2]
        return following[:1] == ["\\left"] and following[1:] == ["("]


def _bound(text: str, alone: str = r"[\w.]+(\^\w+)?") -> str:
    """In brackets, unless it holds together without: a name, a number, a function's call."""
    text = text.strip()
    return text if re.fullmatch(alone, text) or _is_call(text) else f"({text})"


def _is_call(text: str) -> bool:
    opened = re.match(r"\w+\(", text)
    depth = 0
    for i, sign in enumerate(text if opened else ""):
        depth += (sign == "(") - (sign == ")")
        if sign == ")" and depth == 0:
            return i == len(text) - 1
    return False


def plain(text: str) -> str:
    """A docstring's markup as text, in one line."""
    text = re.sub(r":math:`([^`]*)`", lambda found: readable(found[1]).replace("\n", "; "), " ".join(text.split()))
    return re.sub(r":\w+:`([^`]*)`", r"\1", text).replace("``", "")


class Docstring(NamedTuple):
    """The parts of a schedule's docstring, in the markup that they are written in; "" where there is none."""

    summary: str
    latex: str
    arguments: dict[str, str]
    source: str


def read(made_of: type[Schedule]) -> Docstring:
    """The parts of a class's docstring.

    >>> from lucid.schedules import Step
    >>> read(Step).latex
    '\\\\eta(t) = \\\\eta_{base} \\\\, \\\\gamma^{\\\\lfloor t / n \\\\rfloor}'
    """
    doc = (inspect.getdoc(made_of) or "") + "\n"
    latex = re.search(r"^\.\. math::(.*(?:\n(?: +.*)?)*)", doc, re.M)
    source = re.search(r"^Source: ((?:.+\n?)+)", doc, re.M)
    arguments = re.search(r"^Args:\n((?: +.*\n|\n)+)", doc, re.M)
    about = re.findall(r"^ {4}(\w+): ((?:.*\n(?: {8}.*\n)*))", arguments[1] + "\n", re.M) if arguments else ()
    formula = inspect.cleandoc(latex[1]).strip() if latex else ""
    return Docstring(doc.partition("\n\n")[0], formula, dict(about), source[1] if source else "")


def described(made_of: type[Schedule]) -> dict[str, Any]:
    """What is to be known about a schedule's class: name, aliases, summary, fields, formula, source.

    >>> from lucid.schedules import Step
    >>> told = described(Step)
    >>> told["name"], told["formula"], [field["name"] for field in told["fields"]]
    ('Step', 'η(t) = base · γ^floor(t / n)', ['every', 'gamma'])
    """
    doc = read(made_of)
    told = []
    for field in fields(made_of):  # type: ignore[arg-type]
        required = field.default is MISSING
        default = {} if required else {"default": field.default}
        told.append({"name": field.name, "required": required, **default, "about": plain(doc.arguments.get(field.name, ""))})
    return {
        "name": made_of.__name__,
        "aliases": {alias: dict(fixed) for alias, fixed in made_of.aliases.items()},
        "summary": plain(doc.summary),
        "fields": told,
        "formula": _readable_or_not(doc.latex),
        "latex": doc.latex,
        "source": plain(doc.source),
    }


def _readable_or_not(latex: str) -> str:
    """A formula as text; of a class of somebody's own, which may hold any command, as it is written."""
    latex = " ".join(latex.split())
    try:
        return readable(latex)
    except ValueError:
        return latex
