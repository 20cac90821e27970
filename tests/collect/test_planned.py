"""Events against their tracking plan: renamed, read as planned, flagged or set apart, never a crash."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxminute.collect.plan import RENAMED
from tests.collect.plans import faults, judged, plan_of, rest, sent

ORDER: dict[str, object] = {"order_id": "o1", "total": 5}
COLUMNS = "\n".join(
    f'{name} = "properties.{name}"' for name in ("total", "gift", "due", "note", "tier", "address", "items", "extra")
)
"""The site's [properties] where definitions name all that its plan names."""

KINDS: dict[str, object] = {
    "number": 7.5,
    "whole": 12,
    "digits": " 7 ",
    "text": "hello",
    "yes": "Yes",
    "flag": True,
    "time": "2026-02-03T04:05:06Z",
    "object": {"street": "x"},
    "list": [1, "a"],
    "object as text": '{"street": "x"}',
    "empty": "",
    "nothing": None,
}
FITS = {
    "total": {"number", "whole", "digits"},
    "gift": {"flag", "yes"},
    "due": {"time"},
    "note": {"number", "whole", "digits", "text", "yes", "flag", "time", "object as text"},
    "address": {"object", "object as text"},
    "items": {"list"},
    "extra": set(KINDS) - {"empty", "nothing"},
}
"""By planned property, which values can be read as its type. What is empty is absent, and fits unless required."""


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", FITS)
@pytest.mark.parametrize("named", ["", COLUMNS], ids=["leftover", "named"])
def test_a_value_is_read_as_planned_or_is_a_fault(name: str, kind: str, named: str) -> None:
    """Which values pass is one table, whether definitions name the property or not."""
    found = judged([sent(1, "Order Completed", {**ORDER, name: KINDS[kind]})], plan_of(), named)
    absent = kind in {"empty", "nothing"}
    text_of_object = bool(named) and name == "note" and kind in {"object", "list"}  # a column keeps their text
    if kind in FITS[name] or (absent and name != "total") or text_of_object:
        assert faults(found) == [None]
    else:
        said = "'total' is missing" if absent else f"'{name}' is not "
        assert str(faults(found)[0]).startswith(said)


@pytest.mark.parametrize("named", ["", COLUMNS], ids=["leftover", "named"])
def test_changed_types_are_mended(named: str) -> None:
    """A number that comes as text is kept as a number, a flag as a flag, an id that comes as a number as text."""
    changed: dict[str, object] = {"order_id": "o1", "total": "12.50", "gift": "yes", "note": 17850.0}
    found = judged([sent(1, "Order Completed", changed)], plan_of(), named)
    if named:
        kept = {name: found.events[f"properties.{name}"].to_pylist()[0] for name in ("total", "gift", "note")}
    else:
        kept = {name: rest(found)[0][name] for name in ("total", "gift", "note")}
    assert kept == {"total": 12.5, "gift": True, "note": "17850"}
    assert faults(found) == [None]


def test_a_renamed_event_goes_on_under_its_new_name() -> None:
    """What comes under a former name is the same event; the name that it came under is kept beside."""
    events = [sent(1, "order_completed", ORDER), sent(2, "Order Completed", ORDER), sent(3, "Purchase", ORDER)]
    found = judged(events, plan_of(unknown="quarantine"))
    assert found.events["name"].to_pylist() == ["Order Completed"] * 3
    assert found.events[RENAMED].to_pylist() == ["order_completed", None, "Purchase"]
    assert (found.renamed, found.flagged, found.rejected.tolist()) == (2, 0, [])


def test_a_renamed_event_is_a_changed_event() -> None:
    """A plan that renames makes another event of the same row, so that collecting it again corrects the log."""
    [plain] = judged([sent(1, "Purchase", ORDER)], plan_of('source = "site"')).events["digest"].to_pylist()
    [renamed] = judged([sent(1, "Purchase", ORDER)], plan_of()).events["digest"].to_pylist()
    assert plain != renamed


@pytest.mark.parametrize("choice", ["accept", "flag", "quarantine"])
def test_what_no_plan_names_goes_as_the_plan_says(choice: str) -> None:
    """Unknown events and properties are taken, flagged or set apart, and nothing else about the others changes."""
    events = [
        sent(1, "order completed", {}),
        sent(2, "Order Completed", {**ORDER, "colour": "red"}),
        sent(3, "Order Completed", ORDER),
        sent(4, "Opened", {}),
    ]
    found = judged(events, plan_of(unknown=choice, faults="quarantine"))
    said = [
        "event 'order completed' is not planned (did it mean 'Order Completed'?)",
        "property 'colour' is not planned",
    ]
    if choice == "accept":
        assert (faults(found), found.flagged) == ([None] * 4, 0)
    if choice == "flag":
        assert (faults(found), found.flagged) == ([*said, None, None], 2)
    if choice == "quarantine":
        assert found.rejected.tolist() == [0, 1]
        assert list(found.details) == [f"{text[0].upper()}{text[1:]}." for text in said]
        assert found.events["id"].to_pylist() == ["m3#0", "m4#0"]


@pytest.mark.parametrize("choice", ["accept", "flag", "quarantine"])
def test_what_breaks_the_plan_goes_as_the_plan_says(choice: str) -> None:
    """A missing property, a wrong type and a value outside its list are faults of known events, all told."""
    events = [sent(1, "Order Completed", {"order_id": "o1", "due": "noon", "tier": "gold"}), sent(2, "Unheard", {})]
    found = judged(events, plan_of(unknown="accept", faults=choice))
    said = "'tier' is none of the planned values; 'total' is missing; 'due' is not a time"
    if choice == "accept":
        assert faults(found) == [None, None]
    if choice == "flag":
        assert faults(found) == [said, None]
    if choice == "quarantine":
        assert list(found.details) == [f"{said}."]


def test_what_a_source_takes_as_an_id_is_there() -> None:
    """A required property that the source takes for an identifier is not missing."""
    found = judged([sent(1, "Order Completed", ORDER), sent(2, "Order Completed", {"total": 1})], plan_of())
    assert faults(found) == [None, "'order_id' is missing"]


def test_a_sender_cannot_write_the_plans_verdict() -> None:
    """What a client puts where the plan speaks does not stand in a definition's way."""
    event = sent(1, "Order Completed", ORDER) | {"context": {"plan": {"fault": "none of yours"}}}
    found = judged([event], plan_of(), '"context.plan.fault" = "context.plan.fault"')
    assert faults(found) == [None]


def test_an_object_whose_parts_are_named_is_there() -> None:
    """An object of which a definition names a part counts as there, and its part as planned."""
    event = sent(1, "Order Completed", {**ORDER, "address": {"city": "Rome"}, "cart": {"size": "3"}})
    found = judged([event], plan_of(unknown="flag"), 'city = "properties.address.city"\nsize = "properties.cart.size"')
    assert faults(found) == [None]


def test_a_fault_names_properties_and_quotes_no_values() -> None:
    """What is told of a fault holds nothing that the event's values hold."""
    canary = "canary@example.org"
    bad: dict[str, object] = dict.fromkeys(("total", "due", "tier", "address", "items", "cart"), canary)
    found = judged([sent(1, "Order Completed", bad)], plan_of(unknown="flag"))
    assert canary not in str(faults(found)[0])
    assert "more" in str(faults(found)[0])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
    | st.sampled_from(["free", "2026-01-01", "12", "yes", '{"a": 1}', "[1]"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abc"), inner, max_size=2),
    max_leaves=4,
)  # fmt: skip
NAMES = ("order_id", "total", "gift", "due", "note", "tier", "address", "items", "extra", "cart", "cart.size", "colour")
EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["Order Completed", "Purchase", "Opened", "Unheard"]),
        st.dictionaries(st.sampled_from(NAMES), JSON, max_size=6),
    ),
    min_size=1,
    max_size=12,
)


@settings(deadline=None, max_examples=40)
@given(EVENTS, st.sampled_from(["accept", "flag", "quarantine"]), st.sampled_from(["accept", "flag", "quarantine"]))
def test_no_event_stops_the_judge_and_none_is_lost(
    events: list[tuple[str, dict[str, object]]], unknown: str, wrong: str
) -> None:
    """Whatever is sent, each event stays or is set apart, once; only `quarantine` sets apart, only `flag` flags."""
    found = judged(
        [sent(number, *event) for number, event in enumerate(events)], plan_of(unknown=unknown, faults=wrong)
    )
    assert found.events.num_rows + len(found.rejected) == len(events)
    assert len(found.details) == len(found.rejected)
    assert not len(found.rejected) or "quarantine" in {unknown, wrong}
    assert not found.flagged or "flag" in {unknown, wrong}


@settings(deadline=None, max_examples=40)
@given(EVENTS)
def test_the_company_that_events_keep_does_not_matter(events: list[tuple[str, dict[str, object]]]) -> None:
    """An event is judged alone as it is judged among others."""
    together = judged([sent(number, *event) for number, event in enumerate(events)], plan_of(unknown="flag"))
    alone = [faults(judged([sent(number, *event)], plan_of(unknown="flag")))[0] for number, event in enumerate(events)]
    assert faults(together) == alone


@settings(deadline=None, max_examples=40)
@given(EVENTS)
def test_what_was_judged_is_judged_the_same_again(events: list[tuple[str, dict[str, object]]]) -> None:
    """What the plan mended fits the plan: reading an event twice changes nothing more."""
    once = judged([sent(number, *event) for number, event in enumerate(events)], plan_of(faults="quarantine"))
    mended = [
        sent(number, name, {"order_id": "o", **properties})
        for number, (name, properties) in enumerate(zip(once.events["name"].to_pylist(), rest(once), strict=True))
    ]
    if mended:
        again = judged(mended, plan_of(faults="quarantine"))
        assert again.rejected.tolist() == []
        assert [{**new} for new in rest(again)] == [
            {k: v for k, v in old.items() if k != "order_id"} for old in rest(once)
        ]
