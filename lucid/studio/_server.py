"""The studio's routes, and its process: Starlette on uvicorn, on this machine's own address alone."""

import functools
import json
import math
import secrets
import socket
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from typing import Any

import anyio
import anyio.to_thread
import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

import lucid
from lucid import _expression
from lucid._commands import UsageError
from lucid._commands.export import _content
from lucid.schedules import Schedule
from lucid.schedules._schedule import _parsed
from lucid.studio import _design, _histories
from lucid.studio._guard import HEADERS, Guard, refused

HOST = "127.0.0.1"
PORT = 8417  # where it is free: an address that stays the same keeps links of yesterday
PLACES = ("lucid.studio", "static"), ("lucid", "_static/uplot")
TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
SLOW = ("picture", "export", "history")
PICTURES = {"svg": "image/svg+xml", "png": "image/png"}
ROWS = 10**6  # of a table
FORMATS = ("json", "expression", "csv", "npy", "pytorch", "optax", "keras", "transformers")


def application(port: int, token: str, start: Mapping[str, Any] | None = None) -> Starlette:
    """The studio as an ASGI application.

    Args:
        port: that it is reached at; requests for another one are refused.
        token: that the first address must carry.
        start: what the page begins with: ``candidates``, ``steps``, ``lr``, ``histories``.
    """
    pages = _files()
    opening = dict(start or {})
    one_at_a_time = anyio.CapacityLimiter(1)  # the interpreter computes one at a time anyway

    def page(request: Request) -> Response:
        return _file(pages, "index.html")

    def static(request: Request) -> Response:
        return _file(pages, request.path_params["name"])

    def answers(compute: Callable[..., Any]) -> Callable[[Request], Any]:
        """A route that gives a function the fields of what was posted, and its answer as JSON."""

        @functools.wraps(compute)
        async def route(request: Request) -> Response:
            try:
                asked = _strict(request.scope["studio.body"])
                found = await anyio.to_thread.run_sync(_timed, compute, asked, limiter=one_at_a_time)
            except (ValueError, OverflowError) as error:
                return refused(400, str(error))
            except ModuleNotFoundError as error:
                return refused(400, f'needs {error.name}, which is not installed; pip install "lucid-lr[studio]"')
            except _design.TooLong:
                return refused(400, f"this takes longer than {_limit(compute):g} s to compute; make it simpler")
            return found if isinstance(found, Response) else JSONResponse(found)

        return route

    def catalogue() -> dict[str, Any]:
        return {**_design.catalogue(), "formats": list(FORMATS), "start": opening, "version": lucid.__version__}

    def curves(candidates: Any, steps: Any, lr: Any, columns: Any = 1000, since: Any = 0, until: Any = None) -> dict[str, Any]:
        return _design.curves(candidates, steps, lr, columns, since, until)

    def parse(text: Any) -> dict[str, Any]:
        """An expression, or JSON, whichever it looks like; never a file's path. That it cannot be read is an answer too."""
        if not isinstance(text, str):
            raise ValueError("text must be text")
        try:
            made = Schedule.from_json(text) if text.lstrip().startswith(("{", "[", '"')) else _expression.parse(text)
            _design.built(made.to_dict())
        except ValueError as error:
            return {"error": str(error)}
        return {"design": made.to_dict(), "expression": repr(made), "name": type(made).__name__}

    def change(design: Any, action: Any, steps: Any = None) -> dict[str, Any]:
        try:
            return {"design": _design.changed(design, action, steps)}
        except _design.PointlessError as error:  # an answer, too
            return {"error": str(error)}

    def example(name: Any, steps: Any, lr: Any) -> dict[str, Any]:
        return {"design": _design.example(name, steps, lr)}

    def recipe(name: Any, steps: Any) -> dict[str, Any]:
        return {"design": _design.recipe(name, steps)}

    def export(design: Any, format: Any, steps: Any, lr: Any) -> Response:
        return _export(design, format, steps, lr)

    def picture(candidates: Any, steps: Any, lr: Any, format: Any, names: Any = None, log: Any = False) -> Response:
        return _picture(candidates, steps, lr, format, names, log)

    def history(name: Any, text: Any) -> dict[str, Any]:
        if not isinstance(name, str) or not isinstance(text, str):
            raise ValueError("name and text must be text")
        try:
            return _histories.uploaded(name[-200:], text)
        except ValueError as error:
            return {"error": str(error)}

    posts = (curves, parse, change, example, recipe, export, picture, history, catalogue)
    return Starlette(
        routes=[
            Route("/", page, methods=["GET"]),
            Route("/static/{name}", static, methods=["GET"]),
            *(Route(f"/api/{compute.__name__}", answers(compute), methods=["POST"]) for compute in posts),
        ],
        middleware=[Middleware(Guard, port=port, token=token, large=frozenset({"/api/history"}))],
        exception_handlers={HTTPException: _http_error, Exception: _server_error},
    )


def _limit(compute: Callable[..., Any]) -> float:
    # The first picture waits for matplotlib, which must not be interrupted while it is imported.
    return 60.0 if compute.__name__ in SLOW else _design.SECONDS


def _timed(compute: Callable[..., Any], asked: Any) -> Any:
    with _design.deadline(_limit(compute)):
        return _called(compute, asked)


def _called(compute: Callable[..., Any], asked: Any) -> Any:
    """The fields of what was posted as the function's arguments."""
    code = compute.__code__
    known = code.co_varnames[: code.co_argcount]
    needed = known[: len(known) - len(compute.__defaults__ or ())]
    if not isinstance(asked, dict):
        raise ValueError("the body must be a JSON object")
    if unknown := sorted(asked.keys() - set(known)):
        raise ValueError(f"unknown {', '.join(map(repr, unknown))}; there are {', '.join(known)}")
    if missing := [name for name in needed if name not in asked]:
        raise ValueError(f"{', '.join(map(repr, missing))} is missing")
    return compute(**asked)


def _strict(body: bytes) -> Any:
    """JSON without NaN, infinities or a name twice."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError("the body is no UTF-8") from None
    if len(text) > 1_000_000:  # a history, which no schedule's reader takes
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            raise ValueError("the body is no JSON") from None
    return _parsed(text)


def _export(design: Any, format: Any, steps: Any, lr: Any) -> Response:
    """What ``lucid export`` writes, or the expression."""
    if format not in FORMATS:
        raise ValueError(f"unknown format {format!r}; there are {', '.join(FORMATS)}")
    schedule = _design.built(design)
    total = _design.within("steps", steps, "a whole number >= 1", ROWS if format in ("csv", "npy") else _design.STEPS)
    base = _design.within("lr", lr, ">= 0", _design.RATE)
    if format == "expression":
        made = f"{schedule!r}\n".encode()
    else:
        try:
            made = _content(schedule, format, "the schedule", total, base)
        except UsageError as error:
            raise ValueError(str(error)) from None
    return Response(made, media_type="application/octet-stream" if format == "npy" else "text/plain; charset=utf-8")


def _picture(candidates: Any, steps: Any, lr: Any, format: Any, names: Any, log: Any) -> Response:
    from lucid._plot import image  # matplotlib takes a second, which only a picture waits for

    if format not in PICTURES:
        raise ValueError(f"unknown format {format!r}; there are {', '.join(PICTURES)}")
    if not isinstance(candidates, list) or not 1 <= len(candidates) <= _design.CANDIDATES:
        raise ValueError(f"candidates must be a list of 1 to {_design.CANDIDATES}")
    schedules = [_design.built(design) for design in candidates]
    labels = [repr(one) for one in schedules] if names is None else names
    if not isinstance(labels, list) or len(labels) != len(schedules) or not all(isinstance(one, str) for one in labels):
        raise ValueError("names must be as many texts as there are candidates")
    total = _design.within("steps", steps, "a whole number >= 1", _design.STEPS)
    base = _design.within("lr", lr, ">= 0", _design.RATE)
    made = image(*schedules, format=format, steps=total, lr=base, labels=labels, log=log is True)
    return Response(made, media_type=PICTURES[format])


def _files() -> dict[str, tuple[bytes, str]]:
    """Everything that the page may ask for, read once: what is not in here cannot be asked for."""
    found = {}
    for package, folder in PLACES:
        place = files(package)
        for part in folder.split("/"):
            place = place / part
        for file in place.iterdir():
            kind = TYPES.get(file.name.rpartition(".")[2])
            if kind is not None and file.is_file():
                found[file.name] = file.read_bytes(), kind
    return found


def _file(pages: Mapping[str, tuple[bytes, str]], name: str) -> Response:
    found = pages.get(name)
    return refused(404, "no such file") if found is None else Response(found[0], media_type=found[1])


async def _http_error(request: Request, error: Exception) -> Response:
    return refused(error.status_code, error.detail) if isinstance(error, HTTPException) else refused(500, "error")


async def _server_error(request: Request, error: Exception) -> Response:
    """What the user sees of a mistake of ours; the traceback is in the terminal."""
    answer = refused(500, "the studio made a mistake, which the terminal tells more about")
    answer.headers.update(HEADERS)
    return answer


# -- the process


def listen(port: int | None) -> socket.socket:
    """A socket on 127.0.0.1: at ``port``, 0 for any that is free; None for the usual one, or where that is taken any.

    Raises:
        UsageError: the port is taken, or may not be listened on.
    """
    for one in (PORT, 0) if port is None else (port,):
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if sys.platform != "win32":  # there it would let two listen
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, one))
            listener.listen(128)
        except OSError as error:
            listener.close()
            if port is not None:
                raise UsageError(
                    f"port {port} cannot be listened on: {error.strerror}; name another with --port, or 0 for any"
                ) from None
        else:
            return listener
    raise UsageError("there is no free port on 127.0.0.1")


def serve(start: Mapping[str, Any], port: int | None = None, opened: Callable[[str], Any] | None = None) -> None:
    """Serve the studio until Ctrl-C; the address goes to standard output, and to ``opened``."""
    listener = listen(port)
    with listener:
        at = int(listener.getsockname()[1])
        token = secrets.token_urlsafe(32)
        app = application(at, token, start)
        url = f"http://{HOST}:{at}/?token={token}"
        print(f"Lucid studio: {url}\n(for this machine and this run alone; Ctrl-C ends it)", flush=True)
        if opened is not None:
            threading.Thread(target=opened, args=(url,), daemon=True).start()
        config = uvicorn.Config(
            app,
            log_level="error",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            lifespan="off",
            ws="none",
            http="h11",
            timeout_graceful_shutdown=1,
        )
        try:
            uvicorn.Server(config).run([listener])
        except KeyboardInterrupt:
            return


def opening(
    schedules: Sequence[tuple[str, Schedule]], steps: float | None, lr: float, histories: Sequence[str] = ()
) -> dict[str, Any]:
    """What the page begins with, where its address says nothing else.

    Raises:
        ValueError: too many schedules, or a history that cannot be read.
        OSError: likewise.
    """
    if len(schedules) > _design.CANDIDATES:
        raise ValueError(f"the page has room for at most {_design.CANDIDATES} schedules, got {len(schedules)}")
    longest = max((one.length for _, one in schedules if one.length < math.inf), default=0)
    total = steps or math.ceil(longest) or 10_000
    return {
        "candidates": [{"name": name, "design": one.to_dict()} for name, one in schedules],
        "steps": min(int(total), _design.STEPS),
        "lr": lr,
        "histories": [_histories.opened(path) for path in histories],
    }
