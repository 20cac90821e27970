"""Contracts and permits: what nobody allowed is not done, and a marketplace's policy is never loosened."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxminute.model.definitions import Document
from cxminute.model.errors import Refused, UnknownName
from cxminute.privacy.cards import MARKETPLACE_PURPOSES
from cxminute.privacy.contracts import Contract, parse_contract
from cxminute.privacy.permits import permit
from cxminute.privacy.personal import is_personal, split
from cxminute.privacy.purposes import PURPOSES


def contract(text: str, source: str = "shop") -> tuple[Contract, list[str]]:
    """The contract that a text makes, and its faults."""
    doc = Document("sources/shop.toml", text)
    return parse_contract(doc, source), [str(fault) for fault in doc.faults]


def allowed(source: str, *purposes: str, **other: object) -> Contract:
    """A contract of our own shop."""
    lines = "\n".join(f"{key} = {json.dumps(value)}" for key, value in other.items())
    found, faults = contract(
        f'[contract]\norigin = "first-party"\npurposes = {json.dumps(purposes)}\n{lines}\n', source
    )
    assert not faults
    return found


def test_a_source_without_a_contract_allows_nothing() -> None:
    """It is one fault, and the contract that stands in for it has no purpose."""
    found, faults = contract('name = "shop"\n')
    assert len(faults) == 1
    assert found.purposes == frozenset()


@pytest.mark.parametrize("purpose", sorted(set(PURPOSES) - set(MARKETPLACE_PURPOSES)))
def test_a_marketplace_never_allows_marketing_and_the_like(purpose: str) -> None:
    """What a marketplace's policy forbids cannot be allowed by a project."""
    _, faults = contract(f'[contract]\norigin = "marketplace-global"\npurposes = ["{purpose}"]\n')
    assert len(faults) == 1
    assert purpose in faults[0]


def test_a_marketplaces_buyers_are_never_linked() -> None:
    """Link = true is refused there, and false is what holds without a word."""
    head = '[contract]\norigin = "marketplace-national"\npurposes = ["service-provision"]\n'
    assert contract(head)[0].link is False
    assert len(contract(head + "link = true\n")[1]) == 1


@given(
    st.dictionaries(st.sampled_from("abcd"), st.sets(st.sampled_from(sorted(PURPOSES))), min_size=1),
    st.sampled_from(sorted(PURPOSES)),
)
def test_a_permit_covers_exactly_what_the_contracts_allow(sources: dict[str, set[str]], purpose: str) -> None:
    """Every source is either readable for the purpose or refused with its reason; with none, all is refused."""
    contracts = [allowed(name, *sorted(purposes)) for name, purposes in sources.items()]
    readable = {name for name, purposes in sources.items() if purpose in purposes}
    if not readable:
        with pytest.raises(Refused, match="does not allow"):
            permit(contracts, purpose)
        return
    leave = permit(contracts, purpose)
    assert leave.sources == readable
    assert set(leave.refused) == set(sources) - readable
    assert all(f"'{name}' does not allow" in reason for name, reason in leave.refused.items())


def test_a_purpose_is_a_word_of_the_vocabulary() -> None:
    """A mistyped purpose is refused with the nearest right one."""
    with pytest.raises(UnknownName) as fault:
        permit([allowed("shop", "marketing")], "marketting")
    assert fault.value.nearest == "marketing"


@pytest.mark.parametrize(
    ("path", "personal"),
    [
        ("traits.email", True), ("traits.anything", True), ("context.ip", True), ("properties.Email", True),
        ("properties.shipping_address.street", True), ("properties.phone_number", True), ("properties.comment", True),
        ("comment", True), ("ip", True), ("items.comment", True), ("context.device.ip", True), ("userId", True),
        ("anonymousId", True), ("previousId", True), ("user_id", True), ("anonymous_id", True), ("distinct_id", True),
        ("email", True), ("properties.user.userId", True), ("context.userAgent", True), ("messageId", False),
        ("properties.shipping", False), ("properties.carrier", False), ("properties.total", False),
        ("context.page.url", False),
    ],
)  # fmt: skip
def test_what_is_personal_by_default(path: str, personal: bool) -> None:  # noqa: FBT001 -- a column of the table above
    """Traits, addresses, ip and free text are; a carrier is not. A contract adds patterns and may open a path."""
    assert is_personal(path, allowed("shop", "marketing")) is personal
    assert is_personal(path, allowed("shop", "marketing", personal=["properties.*", "context.page.url"]))
    if path != "context.ip":
        assert not is_personal(path, allowed("shop", "marketing", open=["*"]))


def test_a_bare_name_in_a_contract_means_a_property() -> None:
    """`diagnosis` is properties.diagnosis, in `personal` as in `open`; a name with a dot or a star stays as it is."""
    terms = allowed("shop", "marketing", personal=["diagnosis", "context.page.url", "*colour"], open=["note", "*zip"])
    assert terms.personal == ("properties.diagnosis", "context.page.url", "*colour")
    assert terms.open == ("properties.note", "*zip")
    for path in ("properties.diagnosis", "diagnosis", "context.page.url", "colour", "properties.eye_colour"):
        assert is_personal(path, terms)
    for path in ("context.diagnosis", "properties.note", "note", "properties.zip"):
        assert not is_personal(path, terms)
    assert is_personal("items.note", terms)


leaves = st.one_of(st.none(), st.integers(-5, 5), st.text(max_size=4), st.booleans())
documents = st.dictionaries(
    st.sampled_from(["email", "total", "traits", "comment", "a"]),
    st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.dictionaries(st.sampled_from(["email", "total", "traits", "comment", "a"]), inner, max_size=3),
            st.lists(inner, max_size=3),
        ),
        max_leaves=8,
    ),
    max_size=3,
)


def paths(document: object, path: str = "") -> set[str]:
    """The path of every leaf that says something; elements of a list have the path of their list."""
    if isinstance(document, dict):
        return {
            found for key, value in document.items() for found in paths(value, f"{path}.{key}" if path else key)
        } | ({path} if path else set())
    if isinstance(document, list):
        return {found for value in document for found in paths(value, path)}
    return set() if document is None else {path}


def together(opened: object, hidden: object) -> object:
    """Both parts of a value, put together again."""
    if isinstance(opened, dict) and isinstance(hidden, dict):
        keys = {**opened, **hidden}
        return {
            key: together(opened[key], hidden[key]) if key in opened and key in hidden else keys[key] for key in keys
        }
    if isinstance(opened, list) and isinstance(hidden, list):
        return [together(*parts) for parts in zip(opened, hidden, strict=True)]
    assert opened is None or hidden is None, "no leaf is in both"
    return hidden if opened is None else opened


@settings(deadline=None)  # the first table of a process takes a while
@given(documents)
def test_splitting_leftovers_loses_nothing_and_hides_what_is_personal(document: dict[str, object]) -> None:
    """Each leaf of what no mapping names is either open or in the vault, never both, never neither."""
    terms = allowed("shop", "marketing")
    events = pa.table(
        {
            "id": ["e"],
            "profile": pa.array([None], pa.int64()),
            "properties.email": ["x"],
            "rest": [json.dumps(document)],
        }
    )
    kept, personal = split(events, terms)
    assert "properties.email" not in kept.column_names
    assert personal["properties.email"].to_pylist() == ["x"]
    opened = json.loads(kept["rest"][0].as_py() or "{}")
    hidden = json.loads(personal["rest"][0].as_py() or "{}")
    assert not any(is_personal(path, terms) for path in paths(opened))
    assert together(opened, hidden) == document


def test_a_list_of_leftovers_keeps_its_places_in_both_parts() -> None:
    """Of each element the personal part goes to the vault; a null holds the place of what the other part has."""
    rest = {"items": [{"sku": "a", "email": "x"}, {"sku": "b"}, {"email": "z"}, 7], "ip": "::1", "none": {}, "tags": []}
    events = pa.table({"id": ["e"], "profile": pa.array([None], pa.int64()), "rest": [json.dumps(rest)]})
    kept, personal = split(events, allowed("shop", "marketing"))
    assert json.loads(kept["rest"][0].as_py()) == {
        "items": [{"sku": "a"}, {"sku": "b"}, None, 7],
        "none": {},
        "tags": [],
    }
    assert json.loads(personal["rest"][0].as_py()) == {
        "items": [{"email": "x"}, None, {"email": "z"}, None],
        "ip": "::1",
    }
