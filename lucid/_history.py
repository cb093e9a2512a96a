"""History: what each parameter group of a real run had at each step, and what the run measured."""

import csv
import io
import json
import math
import operator
import os
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from lucid.schedules._numbers import _plain

Value = float | int | None
_KEYS = ("lr", "momentum", "weight_decay")
_FORMATS = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
_MAX_BYTES = 2**28  # of a file: a million steps of a dozen columns
_MAX_COLUMNS = 10_000
_WORDS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
"""How strict JSON, which has no such numbers, tells them."""


class History:
    """Records what each parameter group had at each step of a real run, and metrics such as the loss.

    Call :meth:`record` once per step right before ``optimizer.step()``, or between it and ``scheduler.step()``: then the
    row ``k`` tells what the k-th update used. Between two calls nothing is read, so tensor rates cost nothing.

    Columns are named as Lightning's LearningRateMonitor names them: ``lr-SGD``; ``lr-SGD/pg1``, ``lr-SGD/pg2`` where there
    are several groups; ``lr-SGD/<name>`` where a group has a ``name``; and ``-momentum`` and ``-weight_decay`` after these. The
    momentum of an optimizer with betas is the first beta. A key that a group lacks has no column. Groups that are added later
    are followed; where their coming changes a name (``lr-SGD`` to ``lr-SGD/pg1``), the column takes the new one.

    Args:
        *optimizers: anything with ``param_groups``; a second one of the same class is ``lr-SGD-1``.
        keys: which of ``"lr"``, ``"momentum"``, ``"weight_decay"`` to read.
        file: where to write each row as it comes, ``.csv`` or ``.jsonl``. What was recorded survives a kill of the process.
        resume: go on with the rows of ``file``, where it is there. If the first step recorded lies before its end, because
            the run goes on from an older checkpoint, the rows from there on are replaced.
        loggers: where to send each row: TensorBoard's ``SummaryWriter`` (``add_scalar(tag, value, step)``), Lightning's and
            MLflow's (``log_metrics(metrics, step=step)``), Weights & Biases' run or module (``log(row, step=step)``).

    In a distributed run let rank 0 record alone.

    Raises:
        TypeError: no ``param_groups``, or a logger that has none of these methods.
        ValueError: an unknown key or kind of file, two groups of one name.
        FileExistsError: ``file`` is there and ``resume`` was not asked for.

    Example:
        >>> import lucid
        >>> optimizer = lucid.optim.SGD(lucid.nn.Linear(2, 1).parameters(), lr=0.4, momentum=0.9)
        >>> scheduler = lucid.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.5)
        >>> history = History(optimizer)
        >>> for loss in (3.0, 2.0, 1.5):
        ...     history.record(loss=loss)
        ...     optimizer.step()
        ...     scheduler.step()
        >>> history["lr-SGD"], history["loss"]
        ([0.4, 0.4, 0.2], [3.0, 2.0, 1.5])
        >>> print(history.to_jsonl().splitlines()[2])
        {"step": 2, "lr-SGD": 0.2, "lr-SGD-momentum": 0.9, "lr-SGD-weight_decay": 0.0, "loss": 1.5}
    """

    steps: list[int]
    """The step of each row, ascending."""
    columns: dict[str, list[Value]]
    """What each row has, by name; None where a row has nothing."""

    _keys: tuple[str, ...]
    _optimizers: list[Any]
    _senders: list[Callable[[dict[str, Any], int], Any]]
    _slots: list[list["_Slot"]]
    """Of each optimizer's groups, what to read."""
    _group_columns: set[str]
    _metrics: set[str]
    _path: Path | None
    _out: Any
    _csv: bool
    _torn: bool
    """Whether the file is other than what stands here."""
    _resumed: bool
    """Whether the next step may lie before the last one."""

    def __init__(
        self,
        *optimizers: Any,
        keys: Iterable[str] = _KEYS,
        file: str | os.PathLike[str] | None = None,
        resume: bool = False,
        loggers: Any = (),
    ) -> None:
        self._blank()
        self._keys = tuple(keys)
        for key in self._keys:
            if key not in _KEYS:
                raise ValueError(
                    f"History: keys must be among {', '.join(_KEYS)}, got {key!r}; record() takes anything else by name"
                )
        if not optimizers:
            raise TypeError("History: give the optimizer to record; History.read(path) reads a file")
        # A wrapper, such as Accelerate's, has the optimizer's name from the optimizer that it wraps, as with Lightning.
        self._optimizers = [getattr(given, "optimizer", given) for given in optimizers]
        for given in self._optimizers:
            if not isinstance(getattr(given, "param_groups", None), list):
                raise TypeError(
                    f"History: optimizer must have param_groups, a list of dicts; {type(given).__name__} is not an Optimizer"
                )
        self._senders = [_sender(logger) for logger in (loggers if isinstance(loggers, (list, tuple)) else [loggers])]
        self._slots = [[] for _ in self._optimizers]
        slots = self._followed()
        if file is not None:
            self._open(Path(file), resume)
        self._follow(slots)

    def _blank(self) -> None:
        self.steps, self.columns = [], {}
        self._keys, self._optimizers, self._senders, self._slots = (), [], [], []
        self._group_columns, self._metrics = set(), set()
        self._path, self._out, self._csv, self._torn, self._resumed = None, None, False, False, False

    # -- recording

    def record(self, /, step: int | None = None, **metrics: Any) -> None:
        """Add a row: what every group has now, and ``metrics``.

        Args:
            step: a whole number above the last one recorded; None is the next one, from 0.
            **metrics: numbers, or 0-d tensors and arrays, by name. NaN and infinities are kept. None is no entry.

        Raises:
            TypeError: a step or metric that is no number.
            ValueError: a step that was recorded already; a metric's name that is a group's.
        """
        if not self._optimizers:
            raise TypeError(
                "History: read from a file, it has no optimizer to record; go on with History(optimizer, file=..., resume=True)"
            )
        steps = self.steps
        following = steps[-1] + 1 if steps else 0
        if step is None:
            step = following
        else:
            step = _step(step)
            if step < following:
                if not self._resumed:
                    raise ValueError(
                        f"History: step must be > {following - 1}, the last one recorded, got {step}; "
                        f"rewind({step}) first where the run went back"
                    )
                self.rewind(step)
        row: dict[str, Value] = {}
        for at, optimizer in enumerate(self._optimizers):
            groups = optimizer.param_groups
            slots = self._slots[at]
            if len(groups) != len(slots):
                self._follow(self._followed())
                slots = self._slots[at]
            for group, slot in zip(groups, slots, strict=True):
                if group.get("name") != slot.name:
                    self._follow(self._followed())
                    return self.record(step, **metrics)
                for key, column, first in slot.reads:
                    value = group["betas"][0] if first else group[key]
                    if value is not None:  # an optimizer that finds its own rate
                        row[column] = value if type(value) is float else float(value)
        for name, value in metrics.items():
            if name not in self._metrics:
                self._admit(name)
            if value is not None:
                row[name] = value if type(value) is float else _number(name, value)
        self._resumed = False
        self._append(step, row)
        if self._path is not None:
            self._write(step, row)
        for send in self._senders:
            send(row.copy(), step)
        return None

    def rewind(self, step: int) -> None:
        """Forget the rows from ``step`` on, where a run goes back to an older checkpoint; in the file too."""
        step = _step(step)
        keep = len(self.steps)
        while keep and self.steps[keep - 1] >= step:
            keep -= 1
        if keep < len(self.steps):
            del self.steps[keep:]
            for column in self.columns.values():
                del column[keep:]
            self._rewrite()

    def _append(self, step: int, row: Mapping[str, Value]) -> None:
        columns, before = self.columns, len(self.steps)
        self.steps.append(step)
        if row.keys() != columns.keys():
            for name in row:
                if name not in columns:
                    columns[name] = [None] * before
                    self._torn = self._torn or self._csv  # whose first line names all columns
            row = {name: row.get(name) for name in columns}
        for name, value in row.items():
            columns[name].append(value)

    def _admit(self, name: str) -> None:
        """A metric's name."""
        if name in self._group_columns or name.startswith("lr-") or name == "step":
            raise ValueError(f"History: metric {name!r} has a name as the groups' columns have; choose another")
        if not name or not name.isprintable():
            raise ValueError(f"History: a metric's name must be printable, got {name!r}")
        self._metrics.add(name)

    # -- the groups

    def _followed(self) -> list[list["_Slot"]]:
        """What to read of the groups as they are now, by Lightning's names."""
        seen: dict[type, int] = {}
        found = []
        taken: set[str] = set()
        for optimizer in self._optimizers:
            kind = type(optimizer)
            count = seen[kind] = seen.get(kind, 0) + 1
            stem = f"lr-{kind.__name__}" + (f"-{count - 1}" if count > 1 else "")
            groups = optimizer.param_groups
            slots = []
            for i, group in enumerate(groups):
                name = group.get("name")
                if name is not None and (not isinstance(name, str) or not name.isprintable() or _suffix(name) != "lr"):
                    raise ValueError(f"History: a group's name must be printable and not end like a key, got {name!r}")
                told = name or (f"pg{i + 1}" if len(groups) > 1 else None)
                column = f"{stem}/{told}" if told else stem
                if column in taken:
                    raise ValueError(f"History: two parameter groups are called {told!r}; each needs a name of its own")
                taken.add(column)
                reads = []
                for key in self._keys:
                    first = key == "momentum" and "betas" in group
                    if first or key in group:
                        reads.append((key, column if key == "lr" else f"{column}-{key}", first))
                slots.append(_Slot(name, reads))
            found.append(slots)
        return found

    def _follow(self, slots: list[list["_Slot"]]) -> None:
        """Take the groups as they are now; columns whose groups have other names now take these."""
        renamed: dict[str, str] = {}
        for were, are in zip(self._slots, slots, strict=True):
            for old, new in zip(were, are, strict=False):
                names = {key: column for key, column, _ in old.reads}
                renamed.update({names[key]: column for key, column, _ in new.reads if names.get(key, column) != column})
        self._slots = slots
        self._group_columns = {column for some in slots for slot in some for _, column, _ in slot.reads}
        for name in self._group_columns:
            if name in self._metrics:
                raise ValueError(f"History: metric {name!r} has a name as the groups' columns have; choose another")
        if renamed.keys() & self.columns.keys():
            before, self.columns = self.columns, {}
            for name, column in before.items():
                there = self.columns.setdefault(renamed.get(name, name), column)
                if there is not column:  # from before the run went back to when the group was alone
                    there[:] = [a if b is None else b for a, b in zip(there, column, strict=True)]
            self._torn = True

    # -- what there is

    def __len__(self) -> int:
        return len(self.steps)

    def __getitem__(self, name: str) -> list[Value]:
        """A column."""
        if name not in self.columns:
            raise KeyError(f"History: no column {name!r}; there are {', '.join(self.columns) or 'none'}")
        return self.columns[name]

    def rows(self) -> Iterator[dict[str, Value]]:
        """Each row as a dict, its step first, without what it has not."""
        names = list(self.columns)
        for step, *values in zip(self.steps, *self.columns.values(), strict=True):
            yield {"step": step, **{name: value for name, value in zip(names, values, strict=True) if value is not None}}

    def place(self, name: str) -> tuple[str, str]:
        """What a column is of: ``"lr"``, ``"momentum"`` or ``"weight_decay"`` and the group's column, or the metric itself."""
        if name == "lr" or name.startswith("lr-") or name.endswith(("/lr", "learning_rate")):
            key = _suffix(name) if name.startswith("lr-") else "lr"
            return key, name if key == "lr" else name[: -len(key) - 1]
        return name, name

    def plot(self, **options: Any) -> Any:
        """Draw it: ``lucid.plot(history, **options)``."""
        from lucid._plot import plot

        return plot(self, **options)

    def __repr__(self) -> str:
        told = f"{len(self.steps)} steps" + (f" to {self.steps[-1]}" if self.steps else "")
        return f"<History of {told}: {', '.join(self.columns) or 'nothing yet'}>"

    # -- files

    def to_csv(self, path: str | os.PathLike[str] | None = None) -> str:
        """The rows as CSV, also written to ``path`` where it is given: numbers in full, ``nan`` and ``inf``, empty for None."""
        text = _csv(["step", *self.columns]) + "".join(
            _csv(row) for row in zip(self.steps, *self.columns.values(), strict=True)
        )
        return _saved(text, path)

    def to_jsonl(self, path: str | os.PathLike[str] | None = None) -> str:
        """The rows as JSON Lines, also written to ``path``: strict JSON, where NaN is ``"NaN"``, infinities ``"Infinity"`` and
        ``"-Infinity"``, and None is left out."""
        return _saved("".join(map(_json, self.rows())), path)

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Self:
        """The history in a file, ``.csv`` or ``.jsonl``: ours, or another tool's that has a column ``step``.

        Rows of one step, as Lightning's CSVLogger writes them, become one. A last line without its end, which a crash has cut,
        is left out with a warning.

        Raises:
            ValueError: damaged; the file and line are named.
            OSError: it cannot be read.
        """
        path = Path(path)
        _format_of(path)
        if path.stat().st_size > _MAX_BYTES:
            raise ValueError(f"History: {path} is larger than {_MAX_BYTES >> 20} MiB; keep every tenth step or so of it")
        return cls.parse(path.read_bytes(), str(path))

    @classmethod
    def parse(cls, data: bytes, name: str) -> Self:
        """As :meth:`read`, of a file's content; the name says the kind, and what errors call it."""
        kind = _format_of(Path(name))
        made = cls.__new__(cls)
        made._blank()
        if len(data) > _MAX_BYTES:
            raise ValueError(f"History: {name} is larger than {_MAX_BYTES >> 20} MiB; keep every tenth step or so of it")
        whole = data.rfind(b"\n") + 1
        rest = data[whole:]
        if rest.strip(b" \t\r\0"):
            if kind == "jsonl" and _is_whole(rest):
                whole = len(data)
            else:
                _warn(f"History: {name} ends within a line, which is left out")
        try:
            text = data[:whole].decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            raise ValueError(f"History: {name}, line {line}: is not UTF-8 text") from None
        for line, row in (_csv_rows if kind == "csv" else _jsonl_rows)(text, name):
            made._take(row, f"History: {name}, line {line}")
        return made

    def _take(self, row: dict[str, Value], where: str) -> None:
        if "step" not in row:
            raise ValueError(f"{where}: has no step, only {', '.join(row) or 'nothing'}")
        step = row.pop("step")
        if isinstance(step, float) and step.is_integer():
            step = int(step)
        if type(step) is not int or not 0 <= step < 2**63:
            raise ValueError(f"{where}: step must be a whole number >= 0, got {step!r}")
        if self.steps and step == self.steps[-1]:
            for name, value in row.items():
                if value is not None:
                    self.columns.setdefault(name, [None] * len(self.steps))[-1] = value
        elif self.steps and step < self.steps[-1]:
            raise ValueError(f"{where}: step goes back from {self.steps[-1]} to {step}; give each run a file of its own")
        else:
            self._append(step, row)
        if len(self.columns) > _MAX_COLUMNS:
            raise ValueError(f"{where}: more than {_MAX_COLUMNS} columns")

    def _open(self, path: Path, resume: bool) -> None:
        self._csv = _format_of(path) == "csv"
        if path.exists() and path.stat().st_size:
            if not resume:
                raise FileExistsError(f"History: {path} is there; resume=True goes on with it, or choose another file")
            before = History.read(path)
            self.steps, self.columns = before.steps, before.columns
            self._resumed = bool(self.steps)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._rewrite()

    def _rewrite(self) -> None:
        """The whole file, at once or not at all; and have it open for more."""
        if self._path is not None:
            self.close()
            _saved("" if not self.columns else self.to_csv() if self._csv else self.to_jsonl(), self._path)
            self._out = open(self._path, "ab", buffering=0)  # noqa: SIM115
        self._torn = False

    def _write(self, step: int, row: dict[str, Value]) -> None:
        """The last row, to the file."""
        if not self._torn and self._out is not None:
            data = (_csv([step, *map(row.get, self.columns)]) if self._csv else _json({"step": step, **row})).encode()
            self._torn = True  # should the writing fail
            self._torn = self._out.write(data) != len(data)
            if not self._torn:
                return
        self._rewrite()

    def close(self) -> None:
        """Close the file; a further :meth:`record` opens it again."""
        if self._out is not None:
            self._out.close()
            self._out = None

    def __del__(self) -> None:
        if getattr(self, "_out", None) is not None:
            self.close()  # nothing is lost where nobody did

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


class _Slot(NamedTuple):
    """A parameter group: its own name, and what to read: key, column, whether it is the first of the betas."""

    name: str | None
    reads: list[tuple[str, str, bool]]


def _suffix(name: str) -> str:
    """The key that a column's name ends with; ``"lr"`` where it ends with none."""
    return next((key for key in _KEYS[1:] if name.endswith(f"-{key}")), "lr")


def _sender(logger: Any) -> Callable[[dict[str, Any], int], Any]:
    """What sends a row to a logger."""
    if hasattr(logger, "add_scalar"):

        def add(row: dict[str, Any], step: int) -> None:
            for tag, value in row.items():
                logger.add_scalar(tag, value, step)

        return add
    for method in ("log_metrics", "log"):
        if callable(send := getattr(logger, method, None)):
            return lambda row, step: send(row, step=step)
    raise TypeError(f"History: a logger must have add_scalar, log_metrics or log; {type(logger).__name__} has none of them")


def _step(value: Any) -> int:
    try:
        step = -1 if isinstance(value, bool) else operator.index(value)
    except TypeError:
        raise TypeError(f"History: step must be a whole number, got {value!r}") from None
    if not 0 <= step < 2**63:
        raise ValueError(f"History: step must be a whole number >= 0, got {value!r}")
    return step


def _number(name: str, value: Any) -> float | int:
    """A metric as a plain number; NaN and infinities too."""
    plain = _plain(value)
    if not isinstance(plain, (int, float)):
        raise TypeError(f"History: metric {name!r} must be a number, got {value!r}")
    return plain if isinstance(plain, float) or abs(plain) < 2**63 else _wide(plain)


def _wide(value: int) -> float:
    """A whole number beyond 64 bits."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _warn(message: str) -> None:
    """A UserWarning at the line of the user's that led here."""
    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("lucid."):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, UserWarning, stacklevel=level)


# -- text


def _format_of(path: Path) -> str:
    kind = _FORMATS.get(path.suffix.lower())
    if kind is None:
        raise ValueError(f"History: the file must end with {', '.join(_FORMATS)}, got {str(path)!r}")
    return kind


def _saved(text: str, path: str | os.PathLike[str] | None) -> str:
    """``text``, which is also in the file ``path`` then: all of it, or what was there before."""
    if path is not None:
        part = Path(f"{os.fspath(path)}.part")
        try:
            part.write_bytes(text.encode())
            os.replace(part, path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
    return text


def _json(row: Mapping[str, Value]) -> str:
    try:
        return json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n"
    except ValueError:  # a loss that is no number any more
        return json.dumps({name: value if math.isfinite(value or 0) else _word(value) for name, value in row.items()},
                          ensure_ascii=False, allow_nan=False) + "\n"  # fmt: skip


def _word(value: Any) -> str:
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _csv(cells: Iterable[Any]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue()


def _is_whole(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _csv_rows(text: str, name: str) -> Iterator[tuple[int, dict[str, Value]]]:
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        heading = next(lines, [])
        if len(set(heading)) != len(heading):
            raise ValueError(f"History: {name}, line 1: a column is there twice: {', '.join(heading)}")
        if heading and "step" not in heading:
            raise ValueError(f"History: {name}, line 1: has no column 'step', only {', '.join(heading)}")
        for cells in lines:
            if not cells:
                continue
            where = f"History: {name}, line {lines.line_num}"
            if len(cells) != len(heading):
                raise ValueError(f"{where}: has {len(cells)} cells, and the first line {len(heading)}")
            row = {column: _read(cell, where, column) for column, cell in zip(heading, cells, strict=True)}
            yield lines.line_num, row
    except csv.Error as error:
        raise ValueError(f"History: {name}, line {lines.line_num}: {error}") from None


def _read(cell: str, where: str, column: str) -> Value:
    """A cell as it was written: whole numbers are such, the rest is floats."""
    if not cell:
        return None
    try:
        if "_" in cell:
            raise ValueError
        whole = int(cell) if len(cell) <= 20 and cell.lstrip("-").isdecimal() else 2**63
        return whole if abs(whole) < 2**63 else float(cell)
    except ValueError:
        raise ValueError(f"{where}: {column!r} must be a number, got {cell[:80]!r}; leave that column out") from None


def _jsonl_rows(text: str, name: str) -> Iterator[tuple[int, dict[str, Value]]]:
    for line, cells in enumerate(text.split("\n"), 1):
        if not cells.strip():
            continue
        where = f"History: {name}, line {line}"
        try:
            row = json.loads(cells)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"{where}: is no JSON: {error}") from None
        if not isinstance(row, dict):
            raise ValueError(f'{where}: must be an object such as {{"step": 0, "lr-SGD": 0.1}}, got {cells[:80]!r}')
        for column, value in row.items():
            if isinstance(value, str) and value in _WORDS:
                row[column] = _WORDS[value]
            elif isinstance(value, bool) or not (value is None or isinstance(value, (int, float))):
                raise ValueError(f"{where}: {column!r} must be a number, got {str(value)[:80]!r}; leave that column out")
            elif isinstance(value, int) and abs(value) >= 2**63:
                row[column] = _wide(value)
        yield line, row
