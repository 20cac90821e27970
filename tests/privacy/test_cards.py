"""The contracts that ship: what they limit, that no project can loosen them, that no personal field escapes them."""

from __future__ import annotations

import json
import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # it comes without types

from cxminute.app.schema import schema
from cxminute.collect.readers.canon import PERSONAL as TOLD_BY_READERS
from cxminute.collect.readers.canon import PROPERTIES
from cxminute.collect.source import READERS
from cxminute.model.definitions import Document
from cxminute.model.errors import Refused
from cxminute.privacy.cards import ANY, CARDS, CHANNELS, MARKETPLACE_PURPOSES, RELAY, STARTS, TOLD
from cxminute.privacy.contracts import ORIGINS, Contract, parse_contract
from cxminute.privacy.permits import permit
from cxminute.privacy.personal import is_personal
from cxminute.privacy.purposes import PURPOSES

MARKETS = sorted(name for name, card in CARDS.items() if card.is_market)
OWN = sorted(set(CARDS) - set(MARKETS))
TIERS = [origin for origin in ORIGINS if origin.startswith("marketplace")]

FIELDS = {
    "amazon": (
        "buyer-email", "buyer-name", "buyer-phone-number", "recipient-name", "ship-address-1", "ship-address-2",
        "ship-address-3", "ship-city", "ship-postal-code", "ship-phone-number", "bill-address-1", "bill-city",
        "bill-postal-code", "purchase-order-number", "cpf", "comments", "response", "rater_email", "Rater Email",
        "ShippingAddress.Name", "ShippingAddress.AddressLine1", "ShippingAddress.City", "ShippingAddress.PostalCode",
        "ShippingAddress.Phone", "ShippingAddress.ExtendedFields.StreetName", "BuyerInfo.BuyerEmail",
        "BuyerInfo.BuyerName", "BuyerInfo.BuyerTaxInfo.CompanyLegalName", "BuyerInfo.PurchaseOrderNumber",
        "BuyerTaxInformation.BuyerTaxRegistrationId", "DeliveryPreferences.DropOffLocation",
        "DeliveryPreferences.AddressInstructions", "OrderItems.BuyerInfo.GiftMessageText",
        "OrderItems.BuyerInfo.BuyerCustomizedInfo.CustomizedURL", "OrderItems.SerialNumbers",
        "RegulatedInformation.Fields.FieldValue", "PaymentExecutionDetail.AuthorizationCode",
        "buyer.buyerEmail", "buyer.buyerCompanyName", "recipient.deliveryAddress.name",
        "recipient.deliveryAddress.districtOrCounty", "recipient.deliveryPreference.dropOffLocation",
        "orderItems.fulfillment.packing.giftOption.giftMessage", "orderItems.product.customization.customizedUrl",
        "tax.taxRegistrations.legalName", "tax.taxRegistrations.taxRegistrationNumber",
    ),
    "ebay": (
        "buyer.username", "buyer.taxAddress.city", "buyer.taxIdentifier.taxpayerId", "buyerCheckoutNotes",
        "fulfillmentStartInstructions.shippingStep.shipTo.fullName",
        "fulfillmentStartInstructions.shippingStep.shipTo.contactAddress.addressLine1",
        "fulfillmentStartInstructions.shippingStep.shipTo.primaryPhone.phoneNumber",
        "lineItems.giftDetails.message", "lineItems.giftDetails.recipientEmail",
    ),
    "etsy": (
        "name", "first_line", "second_line", "city", "zip", "formatted_address", "buyer_email", "buyer_user_id",
        "message_from_buyer", "gift_message", "gift_sender",
    ),
    "mercadolibre": (
        "buyer.nickname", "buyer.first_name", "buyer.billing_info.doc_number", "buyer.phone.number",
        "receiver_address.street_name", "receiver_address.receiver_name", "receiver_address.receiver_phone",
        "receiver_address.comment", "payments.payer.email", "shipping.receiver_address.zip_code",
    ),
    "mirakl": (
        "customer.firstname", "customer.lastname", "customer.billing_address.street_1", "customer.customer_id",
        "customer.shipping_address.phone", "customer_notification_email", "order_additional_fields.buyer_note",
    ),
    "shopify": (
        "email", "phone", "contact_email", "browser_ip", "client_details.browser_ip", "client_details.user_agent",
        "customer.first_name", "customer.default_address.address1", "billing_address.name", "shipping_address.zip",
        "note", "note_attributes.value", "token", "cart_token", "checkout_token", "payment_details.credit_card_name",
        "fulfillments.destination.address1", "landing_site", "order_status_url",
    ),
    "woocommerce": (
        "billing.first_name", "billing.phone", "billing.company", "shipping.address_1", "shipping.postcode",
        "customer_ip_address", "customer_user_agent", "customer_note", "meta_data.value",
    ),
    "zendesk": (
        "subject", "raw_subject", "description", "requester.name", "requester_id", "submitter_id", "recipient",
        "comments.body", "comments.html_body", "via.source.from.address", "custom_fields.value", "Requester email",
        "collaborator_ids", "satisfaction_rating.comment",
    ),
    "survey": ("email", "comment", "remark", "Respondent name", "verbatim", "customer name", "phone"),
    "reviews": ("author", "Reviewer Email", "title", "body", "review_text", "reviewer.location", "customer_id"),
}  # fmt: skip
"""By format, fields of its documents in which a person stands, as the senders' own documentation names them."""


def parsed(text: str, form: str = "amazon", name: str = "market") -> tuple[Contract, list[str]]:
    """The contract of a source of a format, and its faults."""
    doc = Document(f"sources/{name}.toml", f'name = "{name}"\nformat = "{form}"\n{text}')
    return parse_contract(doc, name), [str(fault) for fault in doc.faults]


def under(form: str) -> Contract:
    """The contract of a source of a format, with as little said as is allowed."""
    own = "" if form in MARKETS else '[contract]\norigin = "first-party"\npurposes = ["service-provision"]\n'
    found, faults = parsed(own, form)
    assert not faults
    return found


def test_every_reader_has_its_card() -> None:
    """A source of any reader's format is under a card; those of marketplaces link the page that holds today."""
    assert set(CARDS) == set(READERS) == set(FIELDS)
    for name in MARKETS:
        assert CARDS[name].page.startswith("https://")
        assert {"no-marketing", "no-training", "no-combining", "no-linking", "contact-by-relay"} <= set(
            CARDS[name].clauses
        )


@pytest.mark.parametrize("form", MARKETS)
def test_a_marketplace_without_a_word_is_under_its_card(form: str) -> None:
    """No [contract] is needed: the card that ships says who, what for, how long, and by which relay."""
    found = under(form)
    card = CARDS[form]
    assert found.purposes == set(MARKETPLACE_PURPOSES)
    assert (found.origin, found.keep_personal, found.wait) == (card.origin, card.keep_personal, card.wait or 0)
    assert (found.link, found.train, found.combine) == (False, False, False)
    assert (found.contact, found.channels) == (True, (RELAY,))


def test_amazons_personal_data_lives_thirty_days_from_delivery_and_the_rest_eighteen_months() -> None:
    """As the policy has it; orders that nobody tells to be delivered are not kept for ever."""
    found = under("amazon")
    assert found.keep_personal == 30
    assert found.starts[0] == "Order Delivered"
    assert found.wait == 14
    assert found.keep_rest == 548


@pytest.mark.parametrize("form", OWN)
def test_an_own_shop_says_itself_what_it_allows(form: str) -> None:
    """Its card sets no limit: without a [contract] nothing may be done, with one what it says."""
    _, faults = parsed("", form)
    assert len(faults) == 1
    stated = '[contract]\norigin = "first-party"\npurposes = ["marketing"]\ncontact = true\ntrain = true\n'
    found, faults = parsed(stated, form)
    assert not faults
    assert (found.contact, found.train, found.link, found.keep_personal) == (True, True, True, None)


@pytest.mark.parametrize(
    ("said", "clause"),
    [
        ('purposes = ["marketing"]', "no-marketing"),
        ('purposes = ["service-provision", "targeted-advertising"]', "no-marketing"),
        ('purposes = ["research-and-development"]', "no-training"),
        ('purposes = ["sale-or-sharing"]', "no-sharing"),
        ('purposes = ["fraud-prevention"]', "purposes"),
        ('origin = "first-party"', "origin"),
        ('keep_personal = "31 days"', "personal-life"),
        ('wait = "15 days"', "personal-life"),
        ('from = "Return Opened"', "personal-life"),
        ('from = ["Order Shipped", "Order Delivered"]', "personal-life"),
        ('keep_rest = "549 days"', "rest-life"),
        ("link = true", "no-linking"),
        ("train = true", "no-training"),
        ("combine = true", "no-combining"),
        ('channels = ["email"]', "contact-by-relay"),
        ("channels = []", "contact-by-relay"),
        ('open = ["buyer-name"]', "personal-fields"),
        ('open = ["*"]', "personal-fields"),
        ('open = ["email"]', "personal-fields"),
    ],
)
def test_what_is_looser_than_amazons_card_is_one_fault_that_names_the_clause(said: str, clause: str) -> None:
    """The fault says which clause, what is allowed, and where the official text is; the file and line are right."""
    _, [fault] = parsed(f"[contract]\n{said}\n")
    assert f"'amazon: {clause}'" in fault
    assert "sources/market.toml:4:" in fault
    assert "https://developer-docs.amazon.com/" in fault


TIGHTER = (
        'keep_personal = "10 days"', 'wait = "0 days"', 'from = "Order Shipped"', 'purposes = ["service-provision"]',
        "contact = false", "smallest_group = 20", 'personal = ["country"]', 'open = ["carrier"]', 'keep_rest = "1 day"',
        'origin = "marketplace-sector"', 'from = ["Order Delivered", "Order Completed"]',
)  # fmt: skip


@pytest.mark.parametrize("said", TIGHTER)
def test_a_project_may_tighten_a_card(said: str) -> None:
    """What is stricter than the card holds, and the rest of the card with it."""
    found, faults = parsed(f"[contract]\n{said}\n")
    assert not faults
    assert found.purposes <= set(MARKETPLACE_PURPOSES)
    assert is_personal("buyer-email", found)
    assert editors_accept(said)


@pytest.mark.parametrize(
    "said",
    ["link = true", "train = true", "combine = true", 'channels = ["email"]', 'purposes = ["marketing"]',
     'origin = "first-party"', 'from = "Return Opened"'],
)  # fmt: skip
def test_editors_mark_what_is_looser(said: str) -> None:
    """The schema of a source's file refuses under a marketplace's format what its card refuses, where it can say so."""
    assert not editors_accept(said)
    assert editors_accept("")


def editors_accept(said: str) -> bool:
    """Whether the schema has nothing against an Amazon source with this in its contract."""
    text = f'name = "market"\nformat = "amazon"\n{"[contract]" if said else ""}\n{said}\n'
    return bool(Draft202012Validator(schema("sources")).is_valid(tomllib.loads(text)))


days = st.integers(0, 700).map(lambda number: f"{number} days")
said = st.fixed_dictionaries(
    {},
    optional={
        "origin": st.sampled_from(ORIGINS),
        "purposes": st.lists(st.sampled_from(sorted(PURPOSES)), unique=True),
        "keep_personal": days,
        "keep_rest": days,
        "wait": days,
        "from": st.lists(st.sampled_from([*STARTS, "Return Opened"]), unique=True),
        "link": st.booleans(),
        "contact": st.booleans(),
        "train": st.booleans(),
        "combine": st.booleans(),
        "channels": st.lists(st.sampled_from(CHANNELS), unique=True),
        "smallest_group": st.integers(1, 50),
        "open": st.lists(st.sampled_from(["country", "buyer-name", "*", "email", "sku"]), unique=True),
    },
)


@settings(deadline=None)
@given(st.sampled_from(MARKETS), said)
def test_no_project_can_loosen_a_card(form: str, stated: dict[str, object]) -> None:
    """Whatever a [contract] says: it has a fault, or it allows nothing that the card does not."""
    card = CARDS[form]
    lines = "".join(f"{key} = {json.dumps(value)}\n" for key, value in stated.items())
    found, faults = parsed(f"[contract]\n{lines}", form)
    if faults:
        assert all(f"'{form}: " in fault for fault in faults)
        return
    assert found.origin in TIERS
    assert found.purposes <= set(card.purposes)
    assert (found.link, found.train, found.combine) == (False, False, False)
    assert set(found.channels) <= set(card.channels)
    assert found.channels
    assert card.keep_personal is None or (found.keep_personal or 0) <= card.keep_personal
    assert card.keep_rest is None or (found.keep_rest or 0) <= card.keep_rest
    assert all(is_personal(field, found) for field in FIELDS[form])


written = st.sampled_from(
    [str, str.upper, str.casefold, lambda name: name.replace("_", "-"), lambda n: n.replace("-", "_")]
)


@given(st.sampled_from([(form, field) for form, fields in FIELDS.items() for field in fields]), written, st.data())
def test_no_field_in_which_a_person_stands_escapes_its_card(
    pair: tuple[str, str], write: object, data: st.DataObject
) -> None:
    """However it is written, and however deep it lies, it goes to the vault."""
    form, field = pair
    outer = data.draw(st.lists(st.sampled_from(["rows", "lines", "Order", "orderItems"]), max_size=2))
    assert callable(write)
    path = ".".join(["properties", *outer, write(field)])
    if field in TOLD and outer:  # a name of an item is no person's: such names count where readers tell them
        return
    assert is_personal(path, under(form))


@pytest.mark.parametrize("form", sorted(CARDS))
def test_what_readers_tell_is_open_but_for_persons(form: str) -> None:
    """Of the canonical words, those of persons go to the vault, and all others stay in the log, for analyses."""
    found = under(form)
    assert TOLD == TOLD_BY_READERS
    assert [name for name in TOLD if not is_personal(f"properties.{name}", found)] == []
    assert [name for name in PROPERTIES if is_personal(f"properties.{name}", found)] == []
    products = [f"properties.products.{name}" for name in ("product_id", "sku", "name", "price", "quantity")]
    assert [path for path in products if is_personal(path, found)] == []


def test_a_permit_that_is_refused_names_the_clause() -> None:
    """Whoever would read Amazon's orders for marketing is told which clause forbids it, and nothing is read."""
    with pytest.raises(Refused, match="'market' does not allow 'marketing', by 'amazon: no-marketing'"):
        permit([under("amazon")], "marketing")
    assert permit([under("amazon")], "service-optimisation").sources == {"market"}


def test_a_marketplace_that_no_reader_knows_is_under_the_general_card() -> None:
    """By its origin alone: no marketing, no linking, no training, no combining, contact by its relay."""
    head = '[contract]\norigin = "marketplace-regional"\n'
    found, faults = parsed(f'{head}purposes = ["service-provision"]\n', "csv")
    assert not faults
    assert found.card is ANY
    assert found.contact is False
    _, [fault] = parsed(f'{head}purposes = ["marketing"]\n', "csv")
    assert "'marketplace: no-marketing'" in fault
