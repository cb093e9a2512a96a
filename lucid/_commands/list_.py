"""``lucid list``."""

import argparse
import shutil
from typing import Any

from lucid._commands import UsageError


def add(commands: Any) -> None:
    parser = commands.add_parser(
        "list",
        help="tell which schedules and recipes there are, with fields and formulas",
        description="Tell which schedules and recipes there are. With a PATTERN: their fields and formulas too.",
        epilog="""PATTERN is a name of a schedule or a recipe, or one that another library has for it; a part of a name; a name
with * and ?; a word of what is said about it; or "schedules" or "recipes". In formulas, base is the optimizer's rate.

examples:
  lucid list
  lucid list cosine
  lucid list "*" | less
  lucid list recipes
  lucid list --json""",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(run=_list, extra="terminal")
    parser.add_argument("pattern", nargs="?", metavar="PATTERN", help="which of them (default: all, in short)")
    parser.add_argument("--json", action="store_true", help="print JSON, with everything about each")


def everything() -> list[dict[str, Any]]:
    """What is to be known about each schedule and each recipe, as plain data."""
    import inspect

    from lucid import recipes
    from lucid._formulas import described, plain
    from lucid.schedules import Schedule, names

    found = [{"kind": "schedule", **described(Schedule._registry[name])} for name in names()]
    for name in recipes.names():
        made_by = recipes._recipes[name]
        summary, _, rest = (inspect.getdoc(made_by) or "").partition("\n\n")
        options = [
            {"name": one.name, "required": one.default is one.empty}
            | ({} if one.default is one.empty else {"default": one.default})
            for one in inspect.signature(made_by).parameters.values()
        ]
        about, _, source = rest.partition("Source: ")
        told = {"summary": plain(summary), "fields": options, "about": plain(about), "source": plain(source)}
        found.append({"kind": "recipe", "name": name, **told})
    return found


def _list(pattern: str | None, json: bool) -> None:
    found = _matching(everything(), pattern)
    if json:
        import json as library

        print(library.dumps(found, indent=2, ensure_ascii=False, allow_nan=False))
        return
    width = max(shutil.get_terminal_size().columns, 40)
    told = [_in_detail(one, width) if pattern not in (None, "schedules", "recipes") else _in_short(one, width) for one in found]
    for kind, title in (("schedule", "Schedules"), ("recipe", "Recipes: lucid show NAME --steps N")):
        some = [text for text, one in zip(told, found, strict=True) if one["kind"] == kind]
        if some and (pattern is None or pattern == "recipes"):
            print(f"{title}\n")
        if some:
            print("\n\n".join(some) + "\n")
    if pattern is None:
        print("Fields and formulas: lucid list NAME")


def _matching(known: list[dict[str, Any]], pattern: str | None) -> list[dict[str, Any]]:
    from fnmatch import fnmatchcase

    from lucid.schedules._schedule import _plain, did_you_mean

    if pattern is None:
        return known
    if pattern in ("schedules", "recipes"):
        return [one for one in known if one["kind"] == pattern.removesuffix("s")]
    wanted = _plain(pattern)

    def names_of(one: dict[str, Any]) -> list[str]:
        return [_plain(name) for name in (one["name"], *one.get("aliases", ()))]

    def fits(one: dict[str, Any]) -> int:
        """How well: 3 for its name, 2 for a part of one, 1 for a word of the summary."""
        own = names_of(one)
        if wanted in own:
            return 3
        if any(fnmatchcase(name, wanted) or wanted in name for name in own):
            return 2
        return int(pattern.lower() in one["summary"].lower())

    best = max(map(fits, known))
    if best:
        return [one for one in known if fits(one) == best]
    names = [name for one in known for name in (one["name"], *one.get("aliases", ()))]
    raise UsageError(f"no schedule or recipe is called {pattern!r}{did_you_mean(pattern, names)}; lucid list tells all")


def _signature(one: dict[str, Any]) -> str:
    fields = ", ".join(
        field["name"] if field["required"] else f"{field['name']}={field['default']!r}" for field in one["fields"]
    )
    return f"{one['name']}({fields})"


def _wrapped(text: str, width: int, indent: int, hanging: int | None = None) -> str:
    import textwrap

    after = " " * (indent if hanging is None else hanging)
    return textwrap.fill(text, width, initial_indent=" " * indent, subsequent_indent=after, break_on_hyphens=False)


def _in_short(one: dict[str, Any], width: int) -> str:
    also = f"  also {', '.join(one['aliases'])}" if one.get("aliases") else ""
    return f"{_wrapped(_signature(one) + also, width, 0, 4)}\n{_wrapped(one['summary'], width, 2)}"


def _in_detail(one: dict[str, Any], width: int) -> str:
    parts = [_wrapped(_signature(one), width, 0, 4)]
    for alias, fixed in one.get("aliases", {}).items():
        where = f", with {', '.join(f'{field}={value!r}' for field, value in fixed.items())}" if fixed else ""
        parts.append(_wrapped(f"also {alias}{where}", width, 2, 4))
    parts.append(_wrapped(one["summary"], width, 2))
    if one.get("formula"):
        parts += ["", *(f"    {line}" for line in one["formula"].splitlines()), ""]
    for field in one["fields"]:
        if field.get("about"):
            parts.append(_wrapped(f"{field['name']}: {field['about']}", width, 2, 6))
    if one.get("about"):
        parts.append(_wrapped(one["about"], width, 2))
    if one["source"]:
        parts.append(_wrapped(f"Source: {one['source']}", width, 2, 4))
    return "\n".join(parts)
