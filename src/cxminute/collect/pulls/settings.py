"""The [pull] of a source's file: which API, where it is, what is pulled, and which variables hold its secrets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

from cxminute.collect.pulls.asking import Api, Way
from cxminute.collect.pulls.catalogue import APIS, api_of
from cxminute.model.definitions import Document
from cxminute.model.times import DAY, duration, instant, zone_of

OVERLAP: Final = "10 minutes"
"""How far before the mark a pull begins, where the file does not say: APIs list a change a little after its time."""
FIRST: Final = 30 * DAY
"""How far back the first pull goes where neither the file nor the command says, ms."""
LOCAL: Final = ("127.0.0.1", "::1", "localhost")

_BLANK: Final = re.compile(r"\s")
_VARIABLE: Final = re.compile(r"env:([A-Za-z_][A-Za-z0-9_]*)")


@dataclass(frozen=True, slots=True)
class Pull:
    """What a source's file says of pulling.

    api:     of catalogue.APIS
    streams: what is pulled, in this order
    way:     where, and of what
    since:   where the first pull begins, UTC ms; None for FIRST before it
    overlap: ms
    every:   least time between two asks, ms
    secrets: key -> variable of the environment; their values are nowhere but there
    """

    api: str
    streams: tuple[str, ...]
    way: Way
    since: int | None
    overlap: int
    every: int
    secrets: Mapping[str, str]


def parse_pull(doc: Document, form: str, zone: str) -> Pull | None:
    """The settings that the [pull] of a source's file makes; None where it has faults, which are all in `doc.faults`.

    doc:  the section
    form: the source's format
    zone: of times without an offset, as the source has it
    """
    before = len(doc.faults)
    if form not in APIS:
        doc.fault(f"There is no API of {form} to pull from.", allowed="[pull] with " + ", ".join(APIS))
        return None
    known = APIS[form]
    name = doc.text("api", next(iter(known)))
    if name not in known:
        doc.unknown("API", name, known, key="api")
        return None
    api = api_of(form, name)
    streams = doc.texts("what", tuple(api.streams))
    for stream in streams:
        if stream not in api.streams:
            doc.unknown("stream", stream, api.streams, key="what")
    if not streams:
        doc.fault("Nothing is pulled.", key="what", allowed=f"what = [{_listed(api.streams)}]")
    pull = Pull(
        api=name,
        streams=tuple(dict.fromkeys(streams)),
        way=Way(_url(doc, api), int(doc.number("size", api.size, low=1, high=api.most)), _names(doc, api)),
        since=doc.parsed("since", lambda text: instant(text, zone_of(zone)), ""),
        overlap=doc.parsed("overlap", duration, OVERLAP) or 0,
        every=api.every if (every := doc.parsed("every", duration, "")) is None else every,
        secrets=MappingProxyType({key: _variable(doc, key) for key in api.secrets}),
    )
    doc.done()
    return pull if len(doc.faults) == before else None


def _listed(names: Mapping[str, object]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _checked(doc: Document, key: str, url: str) -> str:
    """A url to which secrets go, without a slash at its end; '' where it is none, which is then a fault."""
    said = f'{key} = "https://HOST"'
    try:
        parts = urlsplit(url)
        whole = bool(parts.hostname) and not (parts.username or parts.password or parts.query or parts.fragment)
        sound = whole and (parts.port is None or parts.port > 0) and not _BLANK.search(url)
    except ValueError:
        sound = False
    if not sound:
        doc.fault("That is no url, or more than where the API is.", key=key, allowed=said)
        return ""
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOCAL):
        allowed = f"{said}; http only of this machine, such as http://127.0.0.1:8000"
        doc.fault("Secrets go to this url: it must be https.", key=key, allowed=allowed)
    return url.rstrip("/")


def _url(doc: Document, api: Api) -> str:
    if not api.url and "url" not in doc:
        doc.fault("Each shop has a url of its own, and none is said.", allowed='url = "https://HOST"')
        return ""
    return _checked(doc, "url", doc.text("url", api.url))


def _names(doc: Document, api: Api) -> Mapping[str, tuple[str, ...]]:
    """What the API needs to know beside secrets: all that it must, and what it may where that is said or usual."""
    names: dict[str, tuple[str, ...]] = {}
    for key, meaning in {**api.needs, **api.may}.items():
        usual = api.usual.get(key, ())
        if key.endswith("_url"):
            names[key] = (_checked(doc, key, doc.text(key, *usual)),)
            continue
        names[key] = doc.texts(key, usual)
        if key in doc and not (names[key] and all(name.strip() for name in names[key])):
            doc.fault(f"'{key}' is empty: {meaning}.", key=key, allowed=f'{key} = "..."')
        elif key in api.needs and key not in doc:
            doc.fault(f"'{key}' is missing: {meaning}.", allowed=f'{key} = "..."')
    return MappingProxyType(names)


def _variable(doc: Document, key: str) -> str:
    """The variable of the environment that holds a secret; one that stands in the file is a fault, and not shown."""
    found = doc.text(key)
    named = _VARIABLE.fullmatch(found)
    if found and named is None:
        allowed = f'{key} = "env:SHOP_{key.upper()}"'
        doc.fault(f"'{key}' is a secret: it may not stand in the file.", key=key, allowed=allowed)
    return named[1] if named else ""
