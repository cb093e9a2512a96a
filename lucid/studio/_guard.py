"""Who may talk to the studio: the page that this process handed out, in the browser that was given the token, nobody else."""

import hmac
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

BODY = 256 * 1024  # bytes; a design of a thousand schedules has 60 kB
LARGE = 16 * 1024 * 1024  # of a file of a real run

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Guard:
    """Middleware that asks, on every route and on unknown ones: Host, Origin, where the request comes from, the token; and of
    what is posted, that it is JSON and not too long.

    A page elsewhere that has its name resolve to 127.0.0.1 (DNS rebinding) sends its own name as Host. SameSite keeps the
    cookie from other sites, but not from other ports of this machine: those are told by Origin and Sec-Fetch-Site.

    Args:
        app: what is guarded.
        port: the port that is listened on.
        token: what the first address carries, and the cookie from then on.
        large: paths that take bodies of up to 16 MiB; the others take 256 KiB.
    """

    def __init__(self, app: ASGIApp, port: int, token: str, large: frozenset[str] = frozenset()) -> None:
        self.app, self.token, self.large = app, token, large
        self.hosts = {f"{name}:{port}" for name in ("127.0.0.1", "localhost")}
        if port == 80:  # which browsers leave out
            self.hosts |= {"127.0.0.1", "localhost"}
        self.cookie = cookie_name(port)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":  # the lifespan; there are no websockets
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
            await send(message)

        headers = Headers(scope=scope)
        answer = self.refusal(scope, headers) or self.first(scope, headers)
        if answer is None and scope["method"] == "POST":
            kind = headers.get("content-type", "").partition(";")[0].strip().lower()
            if kind != "application/json":
                answer = refused(415, "the studio takes JSON alone: Content-Type must be application/json")
            else:
                limit = LARGE if scope["path"] in self.large else BODY
                body = await _body(headers, receive, limit)
                if body is None:
                    answer = refused(413, f"a body may have {limit // 1024} KiB at most")
                else:
                    scope["studio.body"] = body
        await (self.app if answer is None else answer)(scope, receive, guarded)

    def refusal(self, scope: Scope, headers: Headers) -> Response | None:
        """403 to whoever is not our own page by name."""
        hosts = headers.getlist("host")
        if len(hosts) != 1 or hosts[0] not in self.hosts:
            return refused(403, "this Host is not the studio's; open the address that lucid studio printed")
        origins = headers.getlist("origin")
        if origins and origins != [f"http://{hosts[0]}"]:
            return refused(403, "requests from other pages are refused")
        navigates = scope["method"] == "GET" and scope["path"] == "/" and headers.get("sec-fetch-mode") == "navigate"
        if headers.get("sec-fetch-site", "none") not in ("none", "same-origin") and not navigates:
            return refused(403, "requests from other pages are refused")
        return None

    def first(self, scope: Scope, headers: Headers) -> Response | None:
        """The first address gives the token for the cookie; everything else needs the cookie."""
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [])
        if scope["method"] == "GET" and scope["path"] == "/" and len(given) == 1 and self.matches(given[0]):
            answer = RedirectResponse("/", status_code=303)
            answer.set_cookie(self.cookie, self.token, httponly=True, samesite="strict", path="/")
            return answer
        cookies: SimpleCookie = SimpleCookie()
        for line in headers.getlist("cookie"):
            try:
                cookies.load(line)
            except CookieError:
                return refused(403, "this cookie cannot be read")
        if self.cookie in cookies and self.matches(cookies[self.cookie].value):
            return None
        return refused(
            403, "this is a running studio, but not yours: open the address with the token that lucid studio printed"
        )

    def matches(self, token: str) -> bool:
        return hmac.compare_digest(token.encode(), self.token.encode())


def cookie_name(port: int) -> str:
    """Cookies know no ports, and two studios may run side by side."""
    return f"lucid-studio-{port}"


def refused(status: int, message: str) -> JSONResponse:
    return JSONResponse({"error": message}, status)


async def _body(headers: Headers, receive: Receive, limit: int) -> bytes | None:
    """What was posted, or None where it is longer than the limit, said or sent."""
    said: Any = headers.get("content-length", "0")
    if not said.isdecimal() or len(said) > 15 or int(said) > limit:
        return None
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return bytes(body)
        body += message.get("body", b"")
        if len(body) > limit:
            return None
        if not message.get("more_body", False):
            return bytes(body)
