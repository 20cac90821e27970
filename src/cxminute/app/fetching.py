"""One question to an API until it is answered: credentials, pace, waiting, trying again, and when to give up."""

from __future__ import annotations

import random
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Final
from urllib.parse import urljoin, urlsplit

import httpx2
import msgspec

from cxminute.app import clock
from cxminute.collect.pulls.asking import Answer, Api, Ask, Way, count_of, stamped, text_of
from cxminute.model.errors import BadData, CxmError, Unavailable

LARGEST: Final = 64 << 20
"""Bytes of one answer, inflated; the largest pages of these APIs are a tenth of it."""
TRIES: Final = 8
LONGEST: Final = 900.0
"""Seconds that one question waits at most, over all its tries."""
FIRST_WAIT: Final = 1.0
LONGEST_WAIT: Final = 60.0
_ELSE: Final = "an API that answers at the url under [pull]"
_CONNECT: Final = 10.0
_SILENT: Final = 60.0
_WHOLE: Final = 300.0
"""Seconds from question to the last byte of its answer: who drips holds nobody up for good."""
_REDIRECTS: Final = 3
_ABOUT: Final = {"Accept": "application/json", "User-Agent": f"cxminute/{version('cxminute')} (Language=Python)"}
_AGAIN: Final = (408, 425, 429)
_REFUSED: Final = (401, 403)
_BEFORE: Final = 60.0
"""Seconds before its end at which an access token is renewed."""


@dataclass(frozen=True, slots=True)
class Around:
    """What a pull has of the world: tests bring their own.

    now:    UTC ms
    passed: seconds, from any start
    sleep:  waits for seconds
    chance: from 0 to 1, so that many who wait do not all come back at once
    """

    now: Callable[[], int] = clock.now
    passed: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    chance: Callable[[], float] = random.random


class Stale(Exception):
    """The API does not take the question (any more): a page's token, say, that has expired.

    status: of the answer
    """

    def __init__(self, status: int) -> None:
        super().__init__(str(status))
        self.status = status


class _Try(Exception):
    """A try that failed and may be repeated.

    said:  why
    after: seconds that the API wants waited
    there: whether it was the API that answered
    """

    def __init__(self, said: str, after: float = 0.0, *, there: bool = True) -> None:
        super().__init__(said)
        self.said, self.after, self.there = said, after, there


@dataclass(slots=True)
class Fetch:
    """Questions to one API with one set of credentials; `close` when done.

    secrets:   by key of the file; never shown
    variables: by the same key, where in the environment each was
    every:     least seconds between two questions
    waited:    seconds so far
    tried:     questions so far, each try counted
    """

    api: Api
    way: Way
    secrets: Mapping[str, str] = field(repr=False)
    variables: Mapping[str, str]
    every: float
    around: Around
    waited: float = 0.0
    tried: int = 0
    last: float | None = None
    _client: httpx2.Client = field(init=False, repr=False)
    _token: str = field(default="", repr=False)
    _until: float = 0.0
    _headers: dict[str, Mapping[str, str]] = field(default_factory=dict, repr=False)
    _free: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Opens no connection yet."""
        timeout = httpx2.Timeout(_SILENT, connect=_CONNECT)
        self._client = httpx2.Client(timeout=timeout, follow_redirects=False, headers=_ABOUT)

    def close(self) -> None:
        """Lets go of connections."""
        self._client.close()

    def ask(self, ask: Ask) -> Answer:
        """The answer to a question, however many tries it takes within the bounds.

        raises: Unavailable where there is none within them, or the credentials are not accepted; Stale where the API
                says that the question is wrong; BadData for an answer that is too large
        """
        renewed = False
        while True:
            token = self._access()
            try:
                return self._patiently(self.api.signed(ask, self.secrets, token))
            except _Refusal as refusal:
                if not token or renewed:  # Amazon says 403 for a token that has expired, others 401
                    raise self._refused(refusal.status) from None
                self._token, renewed = "", True

    def _access(self) -> str:
        """An access token that still holds; '' where the API needs none."""
        if self.api.grant is None:
            return ""
        if not self._token or self.around.passed() > self._until - _BEFORE:
            try:
                answer = self._patiently(self.api.grant(self.way, self.secrets))
            except (_Refusal, Stale) as refusal:
                raise self._refused(refusal.status) from None
            self._token = text_of(answer.said, "access_token")
            if not self._token:
                raise Unavailable(
                    f"{self.api.title} gave no access token.", then="Nothing was changed; pull again later."
                )
            self._until = self.around.passed() + (count_of(answer, "expires_in") or 3_600)
        return self._token

    def _patiently(self, ask: Ask) -> Answer:
        tries, waited = 0, 0.0
        while True:
            self._pace(ask.kind)
            self.tried, tries = self.tried + 1, tries + 1
            try:
                return self._once(ask)
            except _Try as failed:
                wait = max(failed.after, self.around.chance() * min(LONGEST_WAIT, FIRST_WAIT * 2 ** (tries - 1)))
                if tries >= TRIES or waited + wait > LONGEST:
                    raise self._gave_up(ask, failed, tries, wait) from None
                waited += wait
                self._wait(wait)

    def _pace(self, kind: str) -> None:
        now = self.around.passed()
        due = max(self._free.get(kind, now), now if self.last is None else self.last + self.every)
        if due > now:
            self._wait(due - now)
        self.last = self.around.passed()

    def _wait(self, seconds: float) -> None:
        self.waited += seconds
        self.around.sleep(seconds)

    def _once(self, ask: Ask) -> Answer:
        """One try; within it a redirect to the same host is followed, and none to another."""
        url, query = ask.url, list(ask.query)
        for _ in range(_REDIRECTS + 1):
            status, headers, body = self._sent(ask, url, query)
            if status not in (301, 302, 303, 307, 308):
                break
            url, query = self._redirected(url, headers.get("location", "")), []
            if ask.form:
                raise self._elsewhere(url)
        known = {**self._headers.get(ask.kind, {}), **headers}
        pause = self.api.pause(status, known)
        if status in _AGAIN or status >= 500:
            raise _Try(f"answered {status}", max(pause, self._after(headers)))
        if status in _REFUSED:
            raise _Refusal(status)
        if ask.lenient and status == 404:
            return Answer(headers, body, None)
        if not 200 <= status < 300:
            raise Stale(status)
        try:
            said = msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise _Try("answered with something that is not JSON", there=False) from None
        self._headers[ask.kind] = headers
        self._free[ask.kind] = self.around.passed() + pause
        return Answer(headers, body, said)

    def _sent(self, ask: Ask, url: str, query: list[tuple[str, str]]) -> tuple[int, Mapping[str, str], bytes]:
        begun = self.around.passed()
        pieces, size = [], 0
        try:
            request = self._client.build_request(
                "POST" if ask.form else "GET",
                url,
                params=httpx2.QueryParams(tuple(query)) if query else None,
                headers=dict(ask.headers),
                data=dict(ask.form) if ask.form else None,
            )
            response = self._client.send(request, stream=True)
            try:
                for piece in response.iter_bytes():
                    size += len(piece)
                    pieces.append(piece)
                    if size > LARGEST:
                        raise BadData(
                            f"An answer of {self.api.title} is larger than {LARGEST >> 20} MiB.",
                            allowed=f"a smaller size under [pull] (now {self.way.size})",
                            then="Nothing of this page was collected.",
                        )
                    if self.around.passed() - begun > _WHOLE:
                        raise _Try("did not come to an end")
            finally:
                response.close()
        except httpx2.InvalidURL:
            raise Unavailable(f"There can be no host '{urlsplit(url).hostname}'.", allowed=_ELSE) from None
        except httpx2.RequestError as fault:
            if _is_untrusted(fault):
                raise Unavailable(
                    f"{urlsplit(url).hostname} does not prove that it is who it says (TLS).",
                    allowed="the right url under [pull], and certificates that this machine trusts",
                    then="Nothing was sent to it.",
                ) from None
            raise _Try(f"gave no answer ({type(fault).__name__})", there=False) from None
        return response.status_code, {name.lower(): value for name, value in response.headers.items()}, b"".join(pieces)

    def _redirected(self, url: str, location: str) -> str:
        to = urljoin(url, location)
        here, there = urlsplit(url), urlsplit(to)
        if not location or (here.scheme, here.netloc) != (there.scheme, there.netloc):
            raise self._elsewhere(to)
        return to

    def _elsewhere(self, to: str) -> CxmError:
        return Unavailable(
            f"{self._host} sends on to {urlsplit(to).hostname or 'nowhere'}: the credentials do not go there.",
            allowed="under [pull] the url where the API is",
            then="Nothing was changed.",
        )

    def _after(self, headers: Mapping[str, str]) -> float:
        """Seconds that Retry-After asks for, as a number or as a time; 0 where it does not."""
        said = headers.get("retry-after", "").strip()
        try:
            return max(0.0, float(said))
        except ValueError:
            until, since = stamped(headers, "retry-after"), stamped(headers, "date")
        if until is None:
            return 0.0
        return max(0.0, (until - (self.around.now() if since is None else since)) / 1_000)

    @property
    def _host(self) -> str:
        return urlsplit(self.way.url).hostname or self.api.title

    def _refused(self, status: int) -> CxmError:
        names = ", ".join(sorted(set(self.variables.values())))
        why = "does not know the credentials" if status in (400, 401) else "does not allow this to the credentials"
        return Unavailable(
            f"{self._host} {why} (answer {status}).",
            allowed=f"in the environment, under {names}, what {self.api.title} gave out, with the right to read orders",
        )

    def _gave_up(self, ask: Ask, failed: _Try, tries: int, wait: float) -> CxmError:
        wants = f", and wants {wait:,.0f} seconds waited" if failed.after > LONGEST_WAIT else ""
        tried = f"after {tries} tries" if tries > 1 else "at once"
        return Unavailable(
            f"{self._host} {failed.said}{wants}: given up {tried}, asking for {ask.kind}.",
            allowed=None if failed.there else _ELSE,
        )


class _Refusal(Exception):
    """The credentials were not accepted. status: 401 or 403."""

    def __init__(self, status: int) -> None:
        super().__init__(str(status))
        self.status = status


def _is_untrusted(fault: BaseException | None) -> bool:
    """Whether a certificate was the trouble: to try that again changes nothing."""
    while fault is not None:
        if isinstance(fault, ssl.SSLCertVerificationError):
            return True
        fault = fault.__cause__ or fault.__context__
    return False
