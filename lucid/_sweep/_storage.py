"""Where trials are kept: Optuna's storages, opened so that neither a race at the start nor a kill -9 leaves a mess."""

import os
import random
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, TypeVar

import optuna
from optuna.exceptions import DuplicatedStudyError, ExperimentalWarning, StorageInternalError
from optuna.storages import BaseStorage, GrpcStorageProxy, InMemoryStorage, JournalStorage, RDBStorage, get_storage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.storages.journal._file import BaseJournalFileLock
from optuna.study import StudyDirection

from lucid._sweep._alive import Watch, working

T = TypeVar("T")
_REACH = 10  # seconds to find a server in
_SQLITE_WAIT = 120  # seconds to wait for another process's transaction


class FileLock(BaseJournalFileLock):
    """The operating system's own lock, which ends with the process that holds it.

    Optuna's locks are files, which a kill -9 leaves behind: everyone then waits for half a minute, and two that both find the
    lock stale can both take it. Who gets the lock also cuts off the half line that a writer left who was killed in the middle:
    with another line behind it, nobody could read the journal any more.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._held = -1

    def acquire(self) -> bool:
        import fcntl

        lock = os.open(self._path + ".lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self._mend()
        except BaseException:
            os.close(lock)
            raise
        self._held = lock
        return True

    def release(self) -> None:
        import fcntl

        lock, self._held = self._held, -1
        fcntl.flock(lock, fcntl.LOCK_UN)  # and not by closing alone: a process forked meanwhile has it open too
        os.close(lock)

    def _mend(self) -> None:
        with open(self._path, "rb+") as file:
            end = file.seek(0, os.SEEK_END)
            start = end
            while start > 0:
                step = min(start, 4096)
                start -= step
                file.seek(start)
                whole = file.read(step).rfind(b"\n") + 1
                if whole or start == 0:
                    if start + whole < end:
                        file.truncate(start + whole)
                    return


def opened(storage: Any) -> BaseStorage:
    """The storage that a user named: None, a path, a URL, or Optuna's own object.

    Raises:
        ValueError: there is no such storage.
        OSError: it cannot be reached, or written to.
        ImportError: the database's driver is not installed.
    """
    if storage is None:
        return InMemoryStorage()
    if isinstance(storage, BaseStorage):
        return get_storage(storage)
    if not isinstance(storage, (str, os.PathLike)) or not os.fspath(storage):
        raise ValueError(f"sweep: storage must be a path, a URL or Optuna's storage, got {storage!r}")
    text = os.fspath(storage)
    if "://" not in text:
        return _journal(Path(text))
    if text.startswith("grpc://"):
        return _proxy(text)
    return _database(text)


@contextmanager
def lent(storage: Any) -> Iterator[BaseStorage]:
    """:func:`opened`, and its connections are closed at the end, unless they are the user's own."""
    place = opened(storage)
    try:
        yield place
    finally:
        if not isinstance(storage, BaseStorage):
            backend = getattr(place, "_backend", place)  # what Optuna's cache stands before
            if isinstance(backend, RDBStorage):
                backend.engine.dispose()
            elif isinstance(backend, GrpcStorageProxy):
                backend.close()


def _journal(path: Path) -> JournalStorage:
    if path.is_dir():
        raise ValueError(f"sweep: storage {path} is a folder; name a file in it, such as {path / 'sweep.journal'}")
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_file():
        with path.open("rb") as file:
            start = file.read(16)
        if start.startswith(b"SQLite format 3"):
            raise ValueError(f"sweep: storage {path} is an SQLite database; write sqlite:///{path}")
        if start and not start.startswith(b"{"):
            raise ValueError(f"sweep: storage {path} is no journal of Optuna's; name another file")
    name = str(path.absolute())  # which other processes and a changed folder find too
    path.touch()
    try:
        lock: Any = FileLock(name) if sys.platform != "win32" else JournalFileOpenLock(name)
        return JournalStorage(JournalFileBackend(name, lock))
    except (ValueError, KeyError) as error:
        raise ValueError(f"sweep: storage {path} is no journal of Optuna's, or is damaged ({error})") from error


def _proxy(url: str) -> GrpcStorageProxy:
    host, port = address(url.removeprefix("grpc://").rstrip("/"), f"storage {url}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        proxy = GrpcStorageProxy(host=host, port=port)
    try:
        proxy.wait_server_ready(timeout=_REACH)
    except ConnectionError:
        proxy.close()
        raise ConnectionError(
            f"sweep: no server answers at {url}; start it there with: lucid sweep --serve {host}:{port} --storage URL"
        ) from None
    return proxy


def _database(url: str) -> BaseStorage:
    options: dict[str, Any] = (
        {"connect_args": {"timeout": _SQLITE_WAIT}} if url.startswith("sqlite") else {"pool_pre_ping": True}
    )
    import sqlalchemy.exc

    for attempt in range(8):
        try:
            database = RDBStorage(url, engine_kwargs=options)
            if url.startswith("sqlite"):
                _one_at_a_time(database.engine)
            return get_storage(database)
        except sqlalchemy.exc.ArgumentError:
            raise ValueError(f"sweep: storage {hidden(url)} is no URL of a database, such as sqlite:///sweep.db") from None
        except ImportError:
            raise ImportError(
                f'sweep: storage {hidden(url)} needs its database driver (pip install "psycopg[binary]" for postgresql+psycopg://)'
            ) from None
        except (sqlalchemy.exc.DBAPIError, StorageInternalError) as error:
            # Several that start at once on an empty database create the same tables: all but one are refused.
            if attempt == 7:
                why = str(getattr(error, "orig", error)).strip().splitlines()
                raise OSError(f"sweep: storage {hidden(url)} cannot be opened: {why[0] if why else error}") from error
            time.sleep(random.uniform(0.02, 0.1) * (attempt + 1))
    raise AssertionError


def _one_at_a_time(engine: Any) -> None:
    """SQLite knows no lock of a row: Optuna's "if it waits, take it" would let two workers take the same trial.

    Here every transaction has the database for itself from its first read on.
    """
    import sqlalchemy

    def connected(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # or Python begins the transaction, at the first write

    def begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    sqlalchemy.event.listen(engine, "connect", connected)
    sqlalchemy.event.listen(engine, "begin", begin)
    engine.dispose()  # what is connected already


def hidden(url: str) -> str:
    """A URL without its password."""
    head, at, tail = url.rpartition("@")
    scheme, slashes, login = head.partition("://")
    user, colon, _ = login.partition(":")
    return f"{scheme}{slashes}{user}{':***' if colon else ''}{at}{tail}" if at else url


def address(text: str, what: str) -> tuple[str, int]:
    """``HOST:PORT``, ``:PORT`` or ``PORT``; without a host it is this machine alone.

    Raises:
        ValueError: it is none.
    """
    host, _, port = text.rpartition(":")
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise ValueError(f"sweep: {what} must be HOST:PORT with a port from 1 to 65535, such as 127.0.0.1:13000, got {text!r}")
    return host or "127.0.0.1", int(port)


def patiently(seconds: float, call: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """``call(...)``, again and again for so long where the database or the server is out of reach or busy."""
    import grpc

    deadline, delay = time.monotonic() + seconds, 0.05
    while True:
        try:
            return call(*args, **kwargs)
        except (StorageInternalError, grpc.RpcError):
            if time.monotonic() + delay > deadline:
                raise
            time.sleep(delay * random.uniform(0.5, 1.5))
            delay = min(delay * 2, 5.0)


@contextmanager
def alone(storage: BaseStorage, name: str, lease: float, what: str = "being planned") -> Iterator[Callable[[], None]]:
    """Only one of all workers at a time, on any machine: who can create a study of that name has the lock.

    A holder that died is found as the worker of a trial is. Its lock is taken away under a second lock: SQLite gives a new
    study the number of the deleted one, so that two who found the same dead holder would take away each other's.

    Gives what the holder is to call now and then, to show that it is alive.
    """
    lock, watch, delay = f"{name} ({what})", Watch(lease), 0.01
    with working() as worker:
        while True:
            try:
                held = storage.create_new_study([StudyDirection.MINIMIZE], lock)
                storage.set_study_user_attr(held, "worker", worker)
                break
            except DuplicatedStudyError:
                with suppress(KeyError):
                    dead = _holder(storage, lock)
                    if watch.is_dead(0, dead):
                        second = what == "being unlocked"
                        with nullcontext() if second else alone(storage, name, lease, "being unlocked"):
                            if _holder(storage, lock) == dead:
                                storage.delete_study(storage.get_study_id_from_name(lock))
                        continue
            except KeyError:  # taken away by one that took us for the dead one before
                pass
            time.sleep(delay * random.uniform(0.5, 1.5))
            delay = min(delay * 2, 0.5)
        told = time.monotonic()

        def beat() -> None:
            nonlocal told
            if time.monotonic() - told > lease / 4:
                told, worker["beat"] = time.monotonic(), worker["beat"] + 1
                with suppress(KeyError):
                    storage.set_study_user_attr(held, "worker", worker)

        try:
            yield beat
        finally:
            with suppress(KeyError):
                storage.delete_study(held)


def _holder(storage: BaseStorage, lock: str) -> Any:
    return storage.get_study_user_attrs(storage.get_study_id_from_name(lock)).get("worker")


@contextmanager
def quiet() -> Iterator[None]:
    """Optuna logs every study and trial on the error stream, over our progress bar."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)


def serve(url: str, host: str, port: int) -> None:
    """Lend a database to other machines until this process ends: their storage is ``grpc://host:port``.

    Raises:
        ValueError: the storage is no database's URL.
        OSError: the database or the port cannot be opened.
    """
    import socket

    from optuna.storages import run_grpc_proxy_server

    if "://" not in url or url.startswith("grpc://"):
        raise ValueError(
            f"sweep: --serve lends a database, which --storage must name by its URL, such as sqlite:///sweep.db, got {url}"
        )
    for family, kind, protocol, _, place in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[:1]:
        with socket.socket(family, kind, protocol) as probe:  # gRPC would share a port that is taken, and say nothing
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(place)
    with lent(url) as database, warnings.catch_warnings(), quiet():
        warnings.simplefilter("ignore", ExperimentalWarning)
        run_grpc_proxy_server(database, host=host, port=port)
