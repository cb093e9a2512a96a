"""One module per subcommand: ``add(commands)`` adds its options, and says what runs it.

``parser.set_defaults(run=function, extra="plot")``: the function gets the options by name; the extra is what to install where a
library is missing. Libraries are imported in the function, so that ``--help`` and the other commands start at once.
"""


class UsageError(Exception):
    """What the user asked for cannot be done; the message says why, and the way out. Exit code 2."""
