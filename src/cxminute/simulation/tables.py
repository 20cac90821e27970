"""What the three sources would have exported: one table each, only of what had happened when the log closed.

Instants are UTC here; `writing` gives each file its own way of saying them. Personal data are invented: addresses of
the net are from the ranges kept for documentation, mail addresses end in example.org.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cxminute.model.tables import MOMENT
from cxminute.model.times import DAY
from cxminute.simulation.carriers import NEVER, Parcels
from cxminute.simulation.ground import (
    BROWSERS,
    CAMPAIGNS,
    CARRIERS,
    CHANNELS,
    COUNTRIES,
    DEVICES,
    REFUNDED,
    TOPICS,
    Chance,
    Days,
    Flags,
    Floats,
    Ints,
    choose,
)
from cxminute.simulation.people import country_of, device_of
from cxminute.simulation.support import Tickets
from cxminute.simulation.visits import PRODUCTS, Visits

EVENTS: Final = (
    "Product Viewed",
    "Product Added",
    "Product Removed",
    "Checkout Started",
    "Order Completed",
    "Order Cancelled",
    "Order Delivered",
    "Order Refunded",
)
"""Names of the Segment e-commerce specification, and `Order Delivered`, which it lacks."""
CATEGORIES: Final = ("kitchen", "living", "garden", "office", "bath")
COMMISSION: Final = 0.12
"""What the marketplace keeps of each order."""
RETURNED: Final = 0.05
"""Share of the marketplace's parcels that are sent back."""
RATED: Final = 0.30
"""Share of them whose buyer gives stars, fewer where they came late."""
SUBJECTS: Final = {
    "delivery": "Where is my parcel?",
    "returns": "How do I send this back?",
    "product": "A question about the size",
    "payment": "My payment did not go through",
    "account": "I cannot log in",
}
FIRST_NAMES: Final = (
    "Anna",
    "Bram",
    "Chaima",
    "Daan",
    "Emma",
    "Fleur",
    "Giel",
    "Hanna",
    "Ilse",
    "Joris",
    "Kees",
    "Lotte",
)
_NETS: Final = ("192.0.2", "198.51.100", "203.0.113")


def order_numbers(visits: Visits) -> Ints:
    """The number of each visit's order, in order of ordering; -1 for a visit that ended in none."""
    rows = np.flatnonzero(visits.ordered)
    numbers = np.full(len(visits.day), -1)
    numbers[rows[np.argsort(visits.ordered_at[rows], kind="stable")]] = 100_001 + np.arange(len(rows))
    return numbers


def site(chance: Chance, days: Days, visits: Visits, parcels: Parcels, campaigns: Sequence[str]) -> pa.Table:
    """Segment-like track events of the own site, by time. campaigns: their names, those of the troubles included."""
    ordered, numbers = visits.ordered, order_numbers(visits)
    refunded = chance.unit("refunded", visits.number) < REFUNDED
    wait = ((2 + 8 * chance.unit("refunded at", visits.number)) * DAY).astype(np.int64)
    refunded_at = np.where(refunded & (parcels.delivered_at != NEVER), parcels.delivered_at + wait * refunded, NEVER)
    views = np.repeat(np.arange(len(visits.day)), visits.views)
    turn = np.arange(len(views)) - np.repeat(np.cumsum(visits.views) - visits.views, visits.views)
    carted = np.flatnonzero(visits.stops >= 1)
    removed = np.flatnonzero((visits.stops == 1) & visits.removes)
    checked_out, bought = np.flatnonzero(visits.stops == 2), np.flatnonzero(ordered)
    lots = [
        (views, visits.at[views] + turn * visits.gap[views]),
        (carted, visits.carted_at[carted]),
        (removed, visits.removed_at[removed]),
        (checked_out, visits.checkout_at[checked_out]),
        (bought, visits.ordered_at[bought]),
        (bought, parcels.cancelled_at[bought]),
        (bought, parcels.delivered_at[bought]),
        (bought, refunded_at[bought]),
    ]
    row = np.concatenate([rows for rows, _ in lots])
    at = np.concatenate([moments for _, moments in lots])
    event = np.repeat(np.arange(len(lots)), [len(rows) for rows, _ in lots])
    product = visits.product[row]
    # Looking around before the last page means other products than the one that is carted.
    product[: len(views)] = (product[: len(views)] + (visits.views[views] - 1 - turn) * 7) % PRODUCTS
    happened = np.flatnonzero(at < days.until)
    happened = happened[np.lexsort((event[happened], at[happened]))]
    row, at, event, product = row[happened], at[happened], event[happened], product[happened]

    person = visits.person[row]
    on_page, with_order = event <= 4, event >= 4
    goods, paid = event <= 2, np.isin(event, (4, 5, 7))
    is_order = event == 4
    named = visits.logged[row] | (~visits.guest[row] & (event >= 3))
    price = price_of(product)
    host = chance.hashed("host", person).astype(np.int64) % 768
    return pa.table(
        {
            "messageId": [f"m{ordinal:08d}" for ordinal in range(1, len(row) + 1)],
            "userId": _texts("u{:06d}", person, named),
            "anonymousId": _texts("{:016x}", chance.hashed("anonymous", person), on_page | ~named),
            "event": _words(event, EVENTS),
            "timestamp": pa.array(at, MOMENT),
            "properties.order_id": _texts("S{:06d}", numbers[row], with_order),
            "properties.total": _amounts(np.round(price_of(visits.product[row]) * visits.quantity[row], 2), paid),
            "properties.deliver_by": _moments(parcels.due_at[row], is_order),
            "properties.carrier": _words(parcels.carrier[row], tuple(CARRIERS), with_order),
            "properties.campaign": _words(visits.campaign[row], tuple(campaigns), on_page),
            "properties.device": _words(device_of(chance, person), tuple(DEVICES), on_page),
            "properties.browser": _words(visits.browser[row], tuple(BROWSERS), on_page),
            "properties.country": _words(country_of(chance, person), tuple(COUNTRIES), on_page),
            "properties.product_id": _texts("P{:03d}", product, goods),
            "properties.category": _words(product % len(CATEGORIES), CATEGORIES, goods),
            "properties.price": _amounts(price, goods),
            "properties.quantity": _amounts(visits.quantity[row].astype(np.float64), goods & (event > 0)),
            "properties.email": _texts("buyer.{:06d}@example.org", person, is_order),
            "context.ip": _words(host, tuple(f"{_NETS[part % 3]}.{part // 3 % 256}" for part in range(768)), on_page),
        }
    )


def bazaar(chance: Chance, days: Days, ordered_at: Ints, parcels: Parcels) -> pa.Table:
    """The marketplace's export: one row per order, as it stood when the log closed."""
    rows = np.flatnonzero(ordered_at < days.until)
    number = np.arange(len(ordered_at))
    country = choose(chance.unit("bazaar country", number), COUNTRIES)[rows]
    product = (chance.unit("bazaar product", number) ** 2 * PRODUCTS).astype(np.int64)[rows]
    quantity = 1 + (chance.unit("bazaar quantity", number) * 1.3).astype(np.int64)[rows]
    relay = chance.hashed("relay", number)[rows]
    total = np.round(price_of(product) * quantity, 2)
    back, rated = (
        np.where(chance.unit(f"bazaar {what}", number) < share, _later(chance, what, parcels.delivered_at), NEVER)
        for what, share in (("returned", RETURNED), ("rated", RATED))
    )
    grudge = np.where(parcels.delivered_at > parcels.due_at, 3.0, 1.2) * chance.unit("bazaar stars", number) ** 1.5
    stars = np.round(5 - grudge)[rows]

    def seen(moments: Ints) -> pa.Array:
        return _moments(moments[rows], moments[rows] < days.until)

    return pa.table(
        {
            "order_number": [f"BZ-{place:06d}" for place in range(1, len(rows) + 1)],
            "ordered_at": pa.array(ordered_at[rows], MOMENT),
            "latest_delivery": pa.array(parcels.due_at[rows], MOMENT),
            "shipped_at": seen(parcels.shipped_at),
            "delivered_at": seen(parcels.delivered_at),
            "cancelled_at": seen(parcels.cancelled_at),
            "carrier": _words(parcels.carrier[rows], tuple(CARRIERS)),
            "country": _words(country, tuple(COUNTRIES)),
            "quantity": quantity,
            "total": total,
            "commission": np.round(COMMISSION * total, 2),
            "returned_at": seen(back),
            "rated_at": seen(rated),
            "stars": _amounts(stars, rated[rows] < days.until),
            "buyer_relay": [f"{bits:016x}@relay.bazaar.example" for bits in relay.tolist()],
        }
    )


def _later(chance: Chance, what: str, moments: Ints) -> Ints:
    """Some days after each of these instants, where it has come at all."""
    wait = ((1 + 8 * chance.unit(f"bazaar {what} at", np.arange(len(moments)))) * DAY).astype(np.int64)
    return np.where(moments == NEVER, NEVER, np.where(moments == NEVER, 0, moments) + wait)


def desk(chance: Chance, days: Days, visits: Visits, tickets: Tickets) -> pa.Table:
    """The support desk's export: one row per ticket, as it stood when the log closed."""
    rows = np.flatnonzero(tickets.opened_at < days.until)
    about = tickets.visit[rows]
    known = about >= 0
    person = visits.person[about]
    order = order_numbers(visits)[about]
    topics = list(TOPICS)
    who = (chance.unit("first name", person) * len(FIRST_NAMES)).astype(np.int64)
    subjects = [
        f"{SUBJECTS[topics[topic]]} Greetings, {FIRST_NAMES[name]}"
        for topic, name in zip(tickets.topic[rows].tolist(), who.tolist(), strict=True)
    ]

    def seen(moments: Ints) -> pa.Array:
        return _moments(moments[rows], moments[rows] < days.until)

    return pa.table(
        {
            "ticket": [f"T{place:06d}" for place in range(1, len(rows) + 1)],
            "opened_at": pa.array(tickets.opened_at[rows], MOMENT),
            "first_reply_due": pa.array(tickets.due_at[rows], MOMENT),
            "first_reply_at": seen(tickets.replied_at),
            "closed_at": seen(tickets.closed_at),
            "topic": _words(tickets.topic[rows], tuple(TOPICS)),
            "channel": _words(tickets.channel[rows], tuple(CHANNELS)),
            "customer": _texts("u{:06d}", person, known & ~visits.guest[about]),
            "order_number": _texts("S{:06d}", order, known & (order >= 0)),
            "subject": subjects,
        }
    )


def campaigns_of(names: Sequence[str]) -> tuple[str, ...]:
    """The names that campaign numbers stand for: the usual ones, then those of the troubles."""
    return (*CAMPAIGNS, *names)


def price_of(product: Ints) -> Floats:
    """A product's price: most are cheap, some are not."""
    return np.round(6.95 + 1.07 ** ((product * 37) % PRODUCTS) * 3, 2)


def _texts(form: str, numbers: Ints | NDArray[np.uint64], where: Flags) -> pa.Array:
    """Each number as text, empty where the mask says no; a number is spelt once, however often it comes."""
    spelt, place = np.unique(numbers[where], return_inverse=True)
    places = np.zeros(len(where), dtype=np.int32)
    places[where] = place
    texts = pa.array([form.format(number) for number in spelt.tolist()], pa.string())
    return pa.DictionaryArray.from_arrays(pa.array(places, mask=~where), texts)


def _words(places: Ints, names: tuple[str, ...], where: Flags | None = None) -> pa.Array:
    """Names by place; empty where the place is -1, or the mask says so."""
    absent = places < 0 if where is None else (places < 0) | ~where
    return pa.DictionaryArray.from_arrays(pa.array(places.astype(np.int32), mask=absent), pa.array(names, pa.string()))


def _amounts(values: Floats, where: Flags) -> pa.Array:
    return pa.array(values, pa.float64(), mask=~where)


def _moments(values: Ints, where: Flags) -> pa.Array:
    return pa.array(np.where(where, values, 0), MOMENT, mask=~where)
