"""Contracts and permits: what nobody allowed is not done, and a marketplace's policy is never loosened."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxminute.model.definitions import Document
from cxminute.model.errors import Refused, UnknownName
from cxminute.privacy.contracts import MARKETPLACE_PURPOSES, Contract, parse_contract
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
    for name in readable:
        leave.demand(name)
    for name in leave.refused:
        with pytest.raises(Refused):
            leave.demand(name)


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
        ("properties.carrier", False), ("properties.total", False), ("context.page.url", False),
    ],
)  # fmt: skip
def test_what_is_personal_by_default(path: str, personal: bool) -> None:  # noqa: FBT001 -- a column of the table above
    """Traits, addresses, ip and free text are; a carrier is not. A contract adds patterns and may open a path."""
    assert is_personal(path, allowed("shop", "marketing")) is personal
    assert is_personal(path, allowed("shop", "marketing", personal=["properties.*", "context.page.url"]))
    if path != "context.ip":
        assert not is_personal(path, allowed("shop", "marketing", open=["*"]))


leaves = st.one_of(st.integers(-5, 5), st.text(max_size=4), st.booleans())
documents = st.recursive(
    leaves,
    lambda inner: st.dictionaries(st.sampled_from(["email", "total", "traits", "a"]), inner, max_size=3),
    max_leaves=8,
).filter(lambda document: isinstance(document, dict))


def flat(document: object, path: str = "") -> dict[str, object]:
    """Every leaf by its path."""
    if not isinstance(document, dict):
        return {path: document}
    return {k: v for key, value in document.items() for k, v in flat(value, f"{path}.{key}" if path else key).items()}


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
    opened = flat(json.loads(kept["rest"][0].as_py() or "{}"))
    hidden = flat(json.loads(personal["rest"][0].as_py() or "{}"))
    assert not any(is_personal(path, terms) for path in opened)
    assert opened | hidden == flat(document) or not flat(document)
    assert not opened.keys() & hidden.keys()
