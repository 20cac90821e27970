"""The contracts that ship with readers, their cards: what a marketplace allows at most, clause by clause.

A card is a default and a limit. A source of a marketplace's format that has no [contract] is under its card; with one,
a project may tighten, never loosen. The texts behind the clauses change: each card links the official page and quotes
nothing, and whoever sells there checks it. Own shops and desks have a card without limits: it only knows which of their
fields are personal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

MARKETPLACE_PURPOSES: Final = (
    "service-provision",
    "service-optimisation",
    "legal-compliance",
    "communication-management",
)
"""What any marketplace allows at most: a project may tighten this, never loosen it."""

CHANNELS: Final = ("email", "sms", "push", "phone", "letter", "marketplace-message", "webhook", "task")
"""On which way something is done."""
CONTACTS: Final = frozenset(CHANNELS) - {"webhook", "task"}
"""Those that reach a person; a webhook reaches a system, a task our own people."""
RELAY: Final = "marketplace-message"
"""The one way on which marketplaces let buyers be written to: their own."""

STARTS: Final = ("Order Delivered", "Order Cancelled", "Order Shipped", "Order Completed")
"""Events that may start the clock of personal data, from the latest to the earliest of an order."""


@dataclass(frozen=True, slots=True)
class Clause:
    """One thing that a card says. name: as faults call it ('amazon: no-marketing'); says: a sentence."""

    name: str
    says: str


@dataclass(frozen=True, slots=True)
class Card:
    """What one kind of source allows at most.

    name:           of the card: the format of its sources, or 'marketplace'
    title:          as people call it
    page:           the official page; '' where there is none
    origin:         the tier where the project names none; '' where the project has to say
    is_market:      whether somebody else sets its limits
    purposes:       what it may be used for at most; () for all
    keep_personal:  how long personal data may be kept, in days, once its clock has started; None without a limit
    starts:         events of an order that start its clock: the first of these that the order has; the last such
    wait:           days after its first event at which an order without any of them is taken for delivered
    keep_rest:      how long the rest may be kept, in days; None without a limit
    contact:        whether its people may be contacted, where the project does not say
    channels:       on which ways at most; () for all
    smallest_group: fewer people than this are not shown
    personal:       patterns of personal paths beside the default ones
    clauses:        by name
    """

    name: str
    title: str
    page: str = ""
    origin: str = ""
    is_market: bool = True
    purposes: tuple[str, ...] = MARKETPLACE_PURPOSES
    keep_personal: float | None = None
    starts: tuple[str, ...] = STARTS[:3]
    wait: float | None = None
    keep_rest: float | None = None
    contact: bool = False
    channels: tuple[str, ...] = (RELAY,)
    smallest_group: int = 1
    personal: tuple[str, ...] = ()
    clauses: Mapping[str, Clause] = field(default_factory=lambda: MappingProxyType({}))

    def clause(self, name: str) -> str:
        """How a fault cites a clause: "'amazon: no-marketing' (Buyers get no marketing, by no route.)"."""
        found = self.clauses.get(name)
        return f"'{self.name}: {name}'" + (f" ({found.says})" if found else "")

    @property
    def more(self) -> str:
        """Where to read on, as a fault says it; '' where there is no page."""
        return f"; what holds today stands on {self.page}" if self.page else ""


def clause_of(purpose: str) -> str:
    """The clause that a purpose breaks which a marketplace does not allow."""
    return _PURPOSE_CLAUSES.get(purpose, "purposes")


_PURPOSE_CLAUSES: Final = {
    "marketing": "no-marketing",
    "targeted-advertising": "no-marketing",
    "sale-or-sharing": "no-sharing",
    "research-and-development": "no-training",
}

TOLD: Final = ("email", "phone", "name", "address", "city", "postal_code", "comment", "subject", "buyer")
"""The properties under which readers tell personal values."""

_TOLD: Final = tuple(pattern for name in TOLD for pattern in (f"properties.{name}", f"properties.{name}.*"))
_PEOPLE: Final = (
    *_TOLD,
    "*address*", "*recipient*", "*receiver*", "*postal*", "*zip_code*", "*zipcode*", "*.city", "*_city", "*.county",
    "*municipality", "*neighborhood", "*district*", "*phone*", "*fax*", "*street*", "*fullname*", "*legal*name*",
    "*company_name*", "*companyname*", "*.company", "*nickname*", "*username*", "*tax_id*", "*taxid*",
    "*tax_registration*", "*taxregistration*", "*vat_id*", "*vat_number*", "*cpf", "*cnpj", "*doc_number*", "*message*",
    "*comment*", "*note*", "*drop_off*", "*dropoff*", "*coordinates*", "*latitude*",
    "*longitude*", "*.ip", "*_ip", "*ip_address*", "*user_agent*", "*purchase_order_number*", "*purchaseordernumber*",
)  # fmt: skip
_BUYERS: Final = (*_PEOPLE, "*buyer*", "*customer*name*", "*customer_id*", "*ship_to*", "*shipto*")

PERSONAL: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "amazon": (
            *_BUYERS, "*customized*url*", "*prescription*", "*regulatedinformation*", "*field_value*", "*fieldvalue*",
            "*taxregistration*", "*authorization*code*", "*acquirer*", "*rater*", "*response", "*cancelreason*",
            "*cancel_reason*", "*serial*number*",
        ),
        "ebay": (*_BUYERS, "*checkoutnotes*", "*gift*details*", "*senderemail*", "*sendername*"),
        "etsy": (*_BUYERS, "*first_line*", "*second_line*", "*.state", "*.zip", "*gift_sender*", "*seller_email*"),
        "mercadolibre": (*_BUYERS, "*billing_info*", "*.payer*", "*feedback*", "*identification*", "*mediations*"),
        "mirakl": (*_BUYERS, "*customer.*", "*civility*", "*additional_info*", "*.body", "*attachment*"),
        "shopify": (
            *_PEOPLE, "*customer.*", "*client_details*", "*payment_details*", "*note_attributes*", "*token*",
            "*default_address*", "*.destination.*", "*landing_site*", "*referring_site*", "*order_status_url*",
            "*credit_card*", "*receipt*", "*authorization",
        ),
        "woocommerce": (*_PEOPLE, "*billing.*", "*.shipping.*", "*customer_*", "*transaction_id*", "*meta_data*"),
        "zendesk": (
            *_PEOPLE, "*subject*", "*description*", "*requester*", "*submitter*", "*collaborator*", "*follower*",
            "*.via.*", "*.body", "*html_body", "*plain_body", "*author*", "*custom_fields*", "*metadata*",
            "*.assignee", "*.assignee.*",
        ),
        "survey": (
            *_PEOPLE, "*respondent*", "*customer*name*", "*remark*", "*answer*text*", "*verbatim*", "*feedback*",
        ),
        "reviews": (
            *_PEOPLE, "*author*", "*reviewer*", "*customer*", "*title*", "*text*", "*content*", "*body*",
        ),
    }
)  # fmt: skip
"""By format, which fields of its documents are personal beside the default ones; `-` and blanks count as `_`."""


def _clauses(*named: tuple[str, str]) -> Mapping[str, Clause]:
    return MappingProxyType({name: Clause(name, says) for name, says in named})


_PURPOSES = ("purposes", "The data serves the order, tax, the law, and analysis without personal data.")
_NO_MARKETING = ("no-marketing", "Buyers get no marketing, by no route.")
_NO_SHARING = ("no-sharing", "The data is not sold or given to others for their own ends.")
_NO_TRAINING = ("no-training", "No model is trained on buyers' data.")
_NO_COMBINING = ("no-combining", "Figures are not combined across sellers.")
_NO_LINKING = ("no-linking", "Buyers are not linked to people known from elsewhere.")
_RELAY = ("contact-by-relay", "Buyers are written to through the marketplace alone, to complete an order or to answer.")
_AS_PERSONAL = ("personal-fields", "What the card calls personal is personal.")
_ORIGIN = ("origin", "The data is a marketplace's.")
_GROUPS = ("smallest-group", "Smaller groups than the card's are not shown.")
_ALL = (
    _PURPOSES, _NO_MARKETING, _NO_SHARING, _NO_TRAINING, _NO_COMBINING, _NO_LINKING, _RELAY, _AS_PERSONAL, _ORIGIN,
    _GROUPS,
)  # fmt: skip
_LIFE = "Personal data is removed 30 days after delivery; longer only for tax or law, elsewhere."

ANY: Final = Card("marketplace", "A marketplace", contact=True, channels=(RELAY,), clauses=_clauses(*_ALL))
"""The card of a marketplace that no reader knows."""

CARDS: Final[Mapping[str, Card]] = MappingProxyType(
    {
        card.name: card
        for card in (
            Card(
                "amazon", "Amazon", "https://developer-docs.amazon.com/sp-api/docs/policies-and-agreements",
                origin="marketplace-global", keep_personal=30, wait=14, keep_rest=548, contact=True,
                personal=PERSONAL["amazon"],
                clauses=_clauses(*_ALL, ("personal-life", _LIFE), ("rest-life", "The rest is kept for 18 months.")),
            ),
            Card(
                "ebay", "eBay", "https://developer.ebay.com/products/license", origin="marketplace-global",
                contact=True, personal=PERSONAL["ebay"],
                clauses=_clauses(
                    *_ALL,
                    ("account-deletion", "A buyer's data is removed when eBay sends the notice that the account is."),
                ),
            ),
            Card(
                "etsy", "Etsy", "https://www.etsy.com/legal/api", origin="marketplace-sector", keep_personal=30,
                wait=14, contact=True, personal=PERSONAL["etsy"], clauses=_clauses(*_ALL, ("personal-life", _LIFE)),
            ),
            Card(
                "mercadolibre", "Mercado Libre", "https://developers.mercadolibre.com.ar", keep_personal=30, wait=14,
                origin="marketplace-regional", contact=True, personal=PERSONAL["mercadolibre"],
                clauses=_clauses(*_ALL, ("personal-life", _LIFE)),
            ),
            Card(
                "mirakl", "A marketplace run on Mirakl", "https://developer.mirakl.com", origin="marketplace-national",
                keep_personal=30, wait=14, contact=True, personal=PERSONAL["mirakl"],
                clauses=_clauses(*_ALL, ("personal-life", _LIFE)),
            ),
            *(
                Card(
                    name, title, is_market=False, purposes=(), channels=(), starts=(),
                    personal=PERSONAL[name], clauses=_clauses(_AS_PERSONAL),
                )
                for name, title in (
                    ("shopify", "Shopify"), ("woocommerce", "WooCommerce"), ("zendesk", "A support desk"),
                    ("survey", "Surveys"), ("reviews", "Reviews"),
                )
            ),
        )
    }
)  # fmt: skip
"""By format of a source, the card that ships with its reader."""


def card_of(form: object, origin: str = "") -> Card | None:
    """The card that a source is under, by its format and its origin; None where nobody but the project sets limits."""
    if isinstance(form, str) and form in CARDS:
        return CARDS[form]
    return ANY if origin.startswith("marketplace") else None
