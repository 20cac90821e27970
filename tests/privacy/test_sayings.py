"""What events say of consent, wherever in an event it stands."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pyarrow as pa
import pytest

from cxminute.privacy.purposes import DEFAULT, Purposes
from cxminute.privacy.sayings import PREFERENCE, sayings
from tests.privacy.test_gpp import TCF_ALL, TCF_NONE

PROJECT = Purposes({**DEFAULT, "marketing": replace(DEFAULT["marketing"], categories=("Ads", "e-mail"))})
Said = set[tuple[str, str, str]]


def told(rest: Any, personal: Any = None, name: str = "Viewed", profile: int | None = 7, **columns: Any) -> Said:
    """What one event says: purpose, what, and how."""
    kept = {
        "id": ["e1"], "name": [name], "at": pa.array([5], pa.timestamp("ms", "UTC")),
        "profile": pa.array([profile], pa.int64()), "rest": pa.array([_json(rest)], pa.string()),
        **{path.replace("__", "."): [value] for path, value in columns.items()},
    }  # fmt: skip
    hidden = pa.table({"id": ["e1"], "rest": pa.array([_json(personal)], pa.string())})
    found = sayings(pa.table(kept), hidden, PROJECT)
    if found is None:
        return set()
    assert set(found["at"].to_pylist()) == {5}
    return set(zip(*(found[column].to_pylist() for column in ("purpose", "said", "how")), strict=True))


def _json(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else msgspec.json.encode(value).decode()


def preferences(**said: Any) -> dict[str, Any]:
    """A consent object in its context."""
    return {"context": {"consent": {"categoryPreferences": {key.replace("_", "-"): on for key, on in said.items()}}}}


NO: Said = {("marketing", "denied", "consent object")}
YES: Said = {("marketing", "granted", "consent object")}


def test_all_categories_of_a_purpose_must_be_yes() -> None:
    """Two yeses are a yes; a no, a missing category, or what is no `true`, is a no; none of them named says nothing."""
    assert told(preferences(Ads=True, e_mail=True)) == YES
    assert told(preferences(Ads=True, e_mail=False)) == NO
    assert told(preferences(Ads=True)) == NO
    assert told(preferences(Ads="true", e_mail=True)) == NO
    assert told(preferences()) == NO
    assert told(preferences(Other=True)) == set()


def test_a_category_that_looks_personal_counts_too() -> None:
    """A category called 'e-mail' lies apart from the log, with what is personal, and is read with the others."""
    assert told(preferences(Ads=True), preferences(e_mail=True)) == YES
    assert told(None, preferences(e_mail=True, Ads=True)) == YES
    assert told({"context": {"page": {}}}, preferences(e_mail=True)) == NO
    assert told(preferences(e_mail=True), context__consent__categoryPreferences__Ads=True) == YES


def test_a_preference_event_is_a_saying_of_its_own() -> None:
    """What the dialogue sends when somebody sets their preferences is told apart from what every event repeats."""
    assert told(preferences(Ads=True, e_mail=True), name=PREFERENCE) == {("marketing", "granted", "preference event")}


def test_the_browsers_signal_denies_what_the_project_says() -> None:
    """`gpc` denies sale and targeted advertising; anything but true is no signal."""
    denied = {("sale-or-sharing", "denied", "gpc"), ("targeted-advertising", "denied", "gpc")}
    assert told({"context": {"gpc": True}}) == denied
    assert told({"context": {"gpc": "yes"}}) == set()
    assert told(None, context__gpc=True) == denied
    assert told({"context": {"gpc": True}}, profile=None) == set()  # nobody's


@pytest.mark.parametrize("place", ["context", "consent", "properties"])
def test_gpp_strings_are_read_wherever_they_stand(place: str) -> None:
    """Opted out is a no; did not opt out is no yes; of Europe's purposes all that stand for ours must be there."""

    def at(text: str) -> Said:
        context = {"gpp": text} if place == "context" else {"consent": {"gpp": text}}
        return told({"properties": {"gpp": text}} if place == "properties" else {"context": context})

    browser = {("sale-or-sharing", "denied", "gpc"), ("targeted-advertising", "denied", "gpc")}
    out = {("sale-or-sharing", "denied", "gpp"), ("targeted-advertising", "denied", "gpp")}
    assert at("DBABLA~BVVVkkkkkpFY.YA") == out | browser
    assert at("DBABLA~BVQqAAAACg") == set()
    ours = ("targeted-advertising", "service-personalisation", "research-and-development")
    assert at(f"DBABMA~{TCF_ALL}") == {(purpose, "granted", "gpp") for purpose in ours}
    assert at(f"DBABMA~{TCF_NONE}") == {(purpose, "denied", "gpp") for purpose in ours}
    assert at("DBABTA~1YNN") == set()


@pytest.mark.parametrize(
    "rest",
    [
        {"context": "consent"}, {"context": {"consent": 3}}, {"context": {"consent": {"categoryPreferences": [1]}}},
        {"properties": {"consent": True}}, {"context": None, "gpc": True}, {"properties": "gpp"}, '{"consent"',
        {"context": {"gpp": {"string": "DBAA"}}},
    ],
)  # fmt: skip
def test_what_is_of_another_form_says_nothing(rest: Any) -> None:
    """Whatever stands where an answer should, an event is taken in all the same, and says yes to nothing."""
    assert told(rest) == set()
