"""Routes of the door, and what happens on each: one look-up by path, one pass over the body, one wait for the disk."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Protocol

from cxminute.app import clock
from cxminute.app.door.answers import (
    JSON,
    OPEN,
    PREFLIGHT,
    Answer,
    CannotStore,
    Headers,
    Overloaded,
    Refusal,
    document,
    refused,
    taken,
)
from cxminute.app.door.bodies import TOO_LARGE, Bodies, Sent, inflate
from cxminute.app.door.hooks import PATH, call_of, challenged, greets, key_in, terms_of
from cxminute.app.door.keyring import Keyring, Place
from cxminute.app.door.metrics import Counted
from cxminute.app.door.openapi import described
from cxminute.app.door.paths import EVENTS, Route
from cxminute.collect.calls.envelope import Envelope, Unacceptable, from_cloud_event, open_envelope
from cxminute.collect.calls.limits import LARGEST_BODY
from cxminute.model.calls import Call

MOST_INSIDE: Final = 10_000
"""Requests that are answered at a time."""
SMALL: Final = 256 << 10
"""Bytes of a body, inflated, that is read between others; a larger one is read beside them and holds nobody up."""
SETTINGS: Final = ("/v1/projects/", "/settings")
"""Around the key, in the path that the browser client asks for its settings."""


class Asked(Protocol):
    """A request's head, as the server gives it (RSGI's scope)."""

    method: str
    path: str
    client: str
    scheme: str
    query_string: str

    @property
    def headers(self) -> Named:
        """Its headers."""


class Named(Protocol):
    """Headers by name, in small letters."""

    def get(self, key: str, default: None = None) -> str | None:
        """One header's value."""

    def items(self) -> Iterable[tuple[str, str]]:
        """All of them."""


class Line(Sent, Protocol):
    """The body that comes and the answer that goes (RSGI's protocol)."""

    def response_bytes(self, status: int, headers: Headers, body: bytes) -> None:
        """Answers."""


class Door:
    """The application: answers every request.

    reread: reads all keys anew; asked for when a key is unknown, since it may be a moment old
    broken: is told of an error inside
    """

    def __init__(
        self,
        keyring: Keyring,
        counted: Counted,
        reread: Callable[[], Awaitable[None]],
        broken: Callable[[Exception], None],
        *,
        behind_proxy: bool = False,
    ) -> None:
        self.stopping = False
        self._keyring, self._counted, self._reread, self._broken = keyring, counted, reread, broken
        self._behind = behind_proxy
        self._bodies = Bodies()
        self._aside = ThreadPoolExecutor(1, "reading")  # large bodies, so that small ones do not wait for them
        self._asking = ThreadPoolExecutor(1, "metrics")
        self._pages: dict[str, Callable[[Asked], Awaitable[Answer]]] = {
            "/health": self._health, "/ready": self._ready, "/metrics": self._metrics, "/openapi.json": self._openapi,
        }  # fmt: skip

    def tick(self, now: float) -> None:
        """Once a second, with the loop's time: what takes too long is broken off."""
        self._bodies.tick(now)

    @property
    def inside(self) -> int:
        """Requests that are being answered."""
        return self._counted.inside

    async def __call__(self, asked: Asked, line: Line) -> None:
        """One request."""
        counted = self._counted
        counted.inside += 1
        route = EVENTS.get(asked.path)
        name = "other"
        try:
            if route is not None:
                name = route.name
                if asked.method == "POST":
                    status, headers, body = await self._take(asked, line, route)
                else:
                    status, headers, body = _other(asked, "POST")
            elif asked.path.startswith(PATH):
                name = "hooks"
                status, headers, body = await self._hook(asked, line)
            else:
                name, (status, headers, body) = await self._page(asked)
        except Refusal as refusal:
            status, headers, body = await self._refuse(refusal, asked, line)
        except Exception as fault:  # noqa: BLE001 -- whatever broke: the client keeps its events and tries again
            self._broken(fault)
            status, headers, body = await self._refuse(CannotStore(), asked, line)
        finally:
            counted.inside -= 1
        counted.calls[name, status] += 1
        line.response_bytes(status, headers, body)

    async def _take(self, asked: Asked, line: Line, route: Route) -> Answer:
        """Events in: 200 once they are on disk."""
        header = asked.headers.get
        self._check_room()
        who = header("authorization")
        found = None if who is None else await self._of_header(who)
        if found is not None and found[1].mount.full:
            raise CannotStore(full=True)
        place = None if found is None else found[1]
        sent = b""
        try:
            sent = await self._bodies.read(line, header("content-length"))
            body, envelope = _opened(sent, route, asked, SMALL) or await self._opened_aside(sent, route, asked)
            place = await self._agreed(found, envelope.key)
            if place.mount.full:
                raise CannotStore(full=True)
            if envelope.events:
                call = Call(
                    place.source,
                    clock.now(),
                    envelope.protocol,
                    route.kind,
                    envelope.events,
                    body,
                    header("sec-gpc") == "1",
                    self._peer(asked) if envelope.direct else "",
                )
                await place.mount.committer.commit(call)
        except Refusal as refusal:
            refusal.read = refusal.read or bool(sent)
            if place is not None:
                refusal.whose = (place.mount.name, place.source)
            raise
        finally:
            self._bodies.release(sent)
        place.accepted += envelope.events - envelope.duplicates - envelope.rejected
        place.duplicate += envelope.duplicates
        place.rejected += envelope.rejected
        place.size += len(body)
        return Answer(200, JSON, taken(envelope.events, envelope.duplicates, envelope.rejected))

    async def _hook(self, asked: Asked, line: Line) -> Answer:
        """A webhook in: 200 once it is on disk; GET answers a challenge."""
        if asked.method not in ("POST", "GET"):
            return _other(asked, "GET, POST")
        self._check_room()
        place = await self._agreed(None, key_in(asked.path))
        root = place.mount.project.root
        sent = b""
        try:
            if asked.method == "GET":
                return challenged(terms_of(root, place.source).hooks, asked.query_string)
            if place.mount.full:
                raise CannotStore(full=True)
            sent = await self._bodies.read(line, asked.headers.get("content-length"))
            body = _inflated(sent, asked)
            terms = terms_of(root, place.source)
            if greets(terms, body):
                return Answer(200, JSON, taken(0, 0, 0))
            call = call_of(terms, place.source, dict(asked.headers.items()), body, clock.now())
            await place.mount.committer.commit(call)
        except Refusal as refusal:
            refusal.read = refusal.read or bool(sent)
            refusal.whose = (place.mount.name, place.source)
            raise
        finally:
            self._bodies.release(sent)
        place.accepted += 1
        place.size += len(body)
        return Answer(200, JSON, taken(1, 0, 0))

    def _check_room(self) -> None:
        """Refuses what comes while the server stops, and more than it answers at a time."""
        if self.stopping:
            raise Refusal("stopping", "The server is stopping; try again.")
        if self._counted.inside > MOST_INSIDE:
            raise Overloaded

    async def _opened_aside(self, sent: bytes, route: Route, asked: Asked) -> tuple[bytes, Envelope]:
        loop = asyncio.get_running_loop()
        opened = await loop.run_in_executor(self._aside, _opened, sent, route, asked, LARGEST_BODY)
        if opened is None:
            raise Refusal("body_too_large", TOO_LARGE, read=True)
        return opened

    async def _of_header(self, who: str) -> tuple[str, Place]:
        try:
            return self._keyring.of_header(who)
        except Refusal:
            await self._reread()
            return self._keyring.of_header(who)

    async def _agreed(self, found: tuple[str, Place] | None, key: str) -> Place:
        try:
            return self._keyring.agreed(found, key)
        except Refusal as refusal:
            if refusal.code == "keys_disagree" or not key:
                raise
            await self._reread()
            return self._keyring.agreed(found, key)

    async def _refuse(self, refusal: Refusal, asked: Asked, line: Line) -> Answer:
        self._counted.refusals[refusal.code, *refusal.whose] += 1
        if not refusal.read and asked.headers.get("expect") is None:
            await self._bodies.discard(line)
        return refused(refusal, clock.now())

    async def _page(self, asked: Asked) -> tuple[str, Answer]:
        """What is not for events: its name, as counted, and the answer."""
        path = asked.path if len(asked.path) == 1 else asked.path.rstrip("/")
        before, after = SETTINGS
        if path.startswith(before) and path.endswith(after):
            if asked.method not in ("GET", "HEAD"):
                return "settings", _other(asked, "GET, HEAD")
            return "settings", await self._settings(asked, path[len(before) : -len(after)])
        page = self._pages.get(path)
        if page is None:
            raise Refusal("not_found", "There is nothing at this path; /openapi.json lists all there is.")
        name = path.lstrip("/")
        return name, await page(asked) if asked.method in ("GET", "HEAD") else _other(asked, "GET, HEAD")

    async def _health(self, _: Asked) -> Answer:
        return document({"status": "alive"})

    async def _ready(self, _: Asked) -> Answer:
        """Whether events can be taken now, for all projects."""
        reasons = {mount.name: self._keyring.why_not(mount) for mount in self._keyring.mounts}
        ready = not self.stopping and not any(reasons.values())
        content = {"ready": ready, "stopping": self.stopping, "projects": reasons}
        return document(content, 200 if ready else 503)

    async def _metrics(self, _: Asked) -> Answer:
        kind, text = await asyncio.get_running_loop().run_in_executor(self._asking, self._counted.text)
        return Answer(200, [("content-type", kind), ("cache-control", "no-store"), *OPEN], text)

    async def _openapi(self, _: Asked) -> Answer:
        return Answer(200, [("content-type", "application/json"), *OPEN], described())

    async def _settings(self, asked: Asked, key: str) -> Answer:
        """What analytics-next wants to know before it sends: where to, and that nothing else is to be loaded."""
        if self._keyring.of_text(key) is None:
            await self._reread()
        if self._keyring.of_text(key) is None:
            raise self._keyring.unknown()
        host = asked.headers.get("host") or asked.headers.get(":authority") or ""
        scheme = (self._behind and asked.headers.get("x-forwarded-proto")) or asked.scheme
        segment = {"apiKey": key, "apiHost": f"{host}/v1", "protocol": scheme}
        nowhere = {"sampleRate": 0}  # else the client would tell another host how it is doing
        return document({"integrations": {"Segment.io": segment}, "metrics": nowhere, "plan": {}, "remotePlugins": []})

    def _peer(self, asked: Asked) -> str:
        """The client's address: the connection's; behind a proxy, the last that it was forwarded for."""
        if self._behind:
            forwarded = asked.headers.get("x-forwarded-for")
            if forwarded:
                return forwarded.rpartition(",")[2].strip()[:45]
        return asked.client.rpartition(":")[0].strip("[]")


def _inflated(sent: bytes, asked: Asked) -> bytes:
    body = inflate(sent, asked.headers.get("content-encoding"), LARGEST_BODY)
    if body is None:
        raise Refusal("body_too_large", TOO_LARGE, read=True)
    return body


def _opened(sent: bytes, route: Route, asked: Asked, most: int) -> tuple[bytes, Envelope] | None:
    """The body as the inbox keeps it, and what its envelope says; None where it has more than `most` bytes."""
    body = inflate(sent, asked.headers.get("content-encoding"), most)
    if body is None:
        return None
    try:
        if route.protocol == "cloudevents":
            headers = dict(asked.headers.items())
            if "ce-specversion" in headers:
                body, _ = from_cloud_event(headers, body)
        return body, open_envelope(body, route.protocol, route.kind)
    except Unacceptable as fault:
        raise Refusal(fault.code, str(fault), read=True) from None


def _other(asked: Asked, allowed: str) -> Answer:
    """Preflight, or a method that the path does not have."""
    allow = ("allow", f"{allowed}, OPTIONS")
    if asked.method == "OPTIONS":
        return Answer(200, [allow, ("access-control-allow-methods", allowed), *PREFLIGHT, *OPEN], b"")
    content = {"success": False, "code": "method_not_allowed", "message": f"This path takes {allowed}."}
    return document(content, 405, [*JSON, allow])
