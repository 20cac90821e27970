"""What each client is given to say: calls of every kind it has, with values that are easily bent on their way.

A call is a plain dict, so that drivers in Python, in Node and in the browser read the same file. Its serial number `n`
stands in its properties or traits, or, of an alias, which has neither, at the end of its identifiers.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

Call = dict[str, Any]

SEGMENT: Final = ("identify", "track", "page", "track", "screen", "group", "alias")
"""The kinds of the Segment specification; most of what happens is a track."""
POSTHOG: Final = ("set", "capture", "pageview", "capture", "group", "alias")
"""The kinds of PostHog's server libraries; Node's alone has `identify` too."""

_WORDS: Final = (
    "plain", "Grüße aus Köln", "北京市朝阳区", "עברית ומימין לשמאל", "👩‍👩‍👧‍👦 we",
    "e\u0301 in two parts", 'quotes " and \\',
    "two\nlines\tand a tab", "  spaces  ", "<b>&amp;</b>", "0", "null", "2026-11-22", "é" * 500,
)  # fmt: skip
_NUMBERS: Final = (0, 1, -1, 12.5, 0.1, -0.5, 1e-7, 1.5e300, 9_007_199_254_740_991, -9_007_199_254_740_991, 3.0)
_NAMES: Final = ("Order Completed", "Product Viewed", "Größe gewählt", "ticket.opened", "Cart: $ %20 / ?")
_LONG_AGO: Final = "2025-02-28T23:59:59.987+00:00"


ROUND: Final = 4_200
"""Serial numbers of one round of calls: rounds to one source are told apart, and each begins with the first kind."""


def story(client: str, kinds: tuple[str, ...], length: int, *, turn: int, backdated: bool = True) -> list[Call]:
    """So many calls of one client, each kind in turn; the same every time.

    turn:      which round it is, from 0
    backdated: whether some calls say themselves when they happened, which is long ago
    """
    numbers = range(turn * ROUND, turn * ROUND + length)
    return [_call(client, kinds[n % len(kinds)], n, backdated=backdated) for n in numbers]


def happened(call: Call, said_at: int) -> int:
    """When a call happened, UTC ms: when it says, or when it was said."""
    at = call.get("at")
    return said_at if at is None else int(datetime.fromisoformat(at).astimezone(UTC).timestamp() * 1000)


def _call(client: str, kind: str, n: int, *, backdated: bool) -> Call:
    call: Call = {"kind": kind, "n": n, "user": f"{client}-Käufer-{_person(client, n)}"}
    match kind:
        case "identify" | "set":
            home = {"town": "Zürich", "since": 1999}
            call["traits"] = {"n": n, "plan": _WORDS[n % len(_WORDS)], "seats": n % 5, "home": home}
        case "track" | "capture":
            call |= {"event": _NAMES[n % len(_NAMES)], "properties": _properties(n)}
            if backdated and n % 4 == 3:
                call["at"] = _LONG_AGO
        case "page" | "screen" | "pageview":
            of = {"n": n, "depth": {"of": {"page": n % 4}}}
            call |= {"name": f"Seite {n % 3}", "category": "Läden", "properties": of}
        case "group":
            call |= {"group": f"{client}-group-{n % 3}", "traits": {"n": n, "industry": "Möbel", "size": 10.5}}
        case "alias":
            call["previous"] = f"{client}-before-{n}"
            if not _in_browser(client):  # where the one who sits there is meant, whomever the call names
                call["user"] = f"{client}-after-{n}"
    return call


def _person(client: str, n: int) -> int:
    """One of five; before a browser sits one alone: what it says before it has loaded, it says of who came last."""
    return 1 if _in_browser(client) else n % 5


def _in_browser(client: str) -> bool:
    return client.startswith("browser")


def _properties(n: int) -> dict[str, Any]:
    return {
        "n": n,
        "said": _WORDS[n % len(_WORDS)],
        "number": _NUMBERS[n % len(_NUMBERS)],
        "paid": n % 2 == 0,
        "nothing": None,
        "when": f"2026-03-{n % 28 + 1:02d}T23:59:59.999Z",
        "order": {
            "id": f"o-{n}",
            "total": n * 1.25,
            "lines": [{"sku": "Tisch", "qty": n}, {"sku": "椅子", "qty": 2.5}],
        },
        "tags": ["a", "ä", 1, 2.5, False],
        "empty": {},
        "none": [],
        "Name with Space": "kept",
    }
