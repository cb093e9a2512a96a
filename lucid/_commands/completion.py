"""``lucid completion``."""

import argparse
from pathlib import Path
from typing import Any

_SHELLS = ("bash", "zsh", "tcsh")


def add(commands: Any) -> None:
    parser = commands.add_parser(
        "completion",
        help="print what makes a shell complete lucid's commands",
        description="Print what makes a shell complete lucid's commands, options, file names, recipes and schedules.",
        epilog="""bash, in ~/.bashrc:
  source <(lucid completion bash)

zsh, in ~/.zshrc, after compinit:
  eval "$(lucid completion zsh)"

tcsh, once, and then in ~/.tcshrc the second line:
  lucid completion tcsh > ~/.lucid.completion.csh
  source ~/.lucid.completion.csh

Where a shell starts too slowly with it, keep what is printed in a file and source that.""",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(run=_complete, extra="terminal")
    parser.add_argument("shell", choices=_SHELLS)


def _complete(shell: str) -> None:
    import shtab

    from lucid import cli, recipes
    from lucid.schedules import aliases, names

    everything = cli.parser()
    words = {
        "pattern": _words("names", sorted({*names(), *aliases(), *recipes.names(), "schedules", "recipes"}), files=False),
        "schedule": _words("schedules", recipes.names(), files=True),
    }
    for parser in _parsers(everything):
        for action in parser._actions:
            if action.dest in ("schedule", "schedules"):
                action.complete = words["schedule"]  # type: ignore[attr-defined]
            elif action.dest in words:
                action.complete = words[action.dest]  # type: ignore[attr-defined]
            elif action.type is Path:
                action.complete = shtab.FILE  # type: ignore[attr-defined]
    print(shtab.complete(everything, shell))


def _parsers(parser: argparse.ArgumentParser) -> list[argparse.ArgumentParser]:
    """It, and those of its commands."""
    found = [parser]
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            found += [one for command in action.choices.values() for one in _parsers(command)]
    return found


def _words(name: str, words: list[str], files: bool) -> dict[str, Any]:
    """What shtab takes for words of our own, and files beside them."""
    listed = " ".join(words)
    function = f"_lucid_{name}{'_files' * files}"  # by whose name shtab's bash sees that files are among them
    inside = f"compgen -W '{listed}' -- $1" + ("\n  compgen -f -- $1" if files else "")
    return {
        "bash": function,
        "zsh": f"{{ compadd {listed}; _files }}" if files else f"({listed})",
        "tcsh": f"({listed})" if not files else f"`echo {listed}; ls`",
        "preamble": {"bash": f"{function}() {{\n  {inside}\n}}"},
    }
