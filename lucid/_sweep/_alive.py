"""Which workers are alive: at once on this machine, by a lease that they renew on any other."""

import os
import socket
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

WORKING: set[str] = set()
"""The workers of this process that are at work, and its planners."""


@cache
def _host() -> str:
    """The system that runs, and the space in which its process numbers count; "" where that cannot be told."""
    try:
        return f"{Path('/proc/sys/kernel/random/boot_id').read_text().strip()} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return ""


def _started(pid: int) -> str:
    """When a process of this machine began; "" where there is none. A number can come again, number and start cannot."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in (b"Z", b"X") else fields[19].decode()  # Z: dead, and nobody has asked for its exit code


def me(worker: str) -> dict[str, Any]:
    """What a worker of this process writes beside what it works on."""
    pid = os.getpid()
    return {"id": worker, "host": _host(), "name": socket.gethostname(), "pid": pid, "start": _started(pid), "beat": 0}


@contextmanager
def working() -> Iterator[dict[str, Any]]:
    """A worker of this process, for as long as it works."""
    worker = uuid.uuid4().hex[:12]
    WORKING.add(worker)
    try:
        yield me(worker)
    finally:
        WORKING.discard(worker)


class Watch:
    """Tells by what workers wrote whether they are dead.

    On the same machine a worker is dead when its process is gone. Anywhere, when what it wrote stays the same for as long as a
    lease: by this process's clock, as those of other machines may differ.
    """

    def __init__(self, lease: float) -> None:
        self._lease = lease
        self._seen: dict[int, tuple[Any, float]] = {}

    def is_dead(self, key: int, worker: dict[str, Any] | None) -> bool:
        now = time.monotonic()
        seen, since = self._seen.get(key, (None, now))
        if key not in self._seen or seen != worker:
            self._seen[key] = (worker, now)
            since = now
        if worker is not None and worker["host"] and worker["host"] == _host():
            if _started(worker["pid"]) != worker["start"]:
                return True
            if worker["pid"] == os.getpid() and worker["id"] not in WORKING:
                return True  # a sweep of this process that an error ended
        return now - since > self._lease
