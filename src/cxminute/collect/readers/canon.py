"""The words that every reader tells in: names of events, their properties, and the identifiers that tie them together.

Names of the Segment e-commerce specification, version 2, where it has one (https://www.twilio.com/docs/segment/);
what it lacks (shipping, delivery, returns, service, surveys) is named in its manner. Money is a plain number beside
`currency`. A promise is a time by which something is to have happened: `ship_by`, `deliver_by`, `reply_by`.
"""

from __future__ import annotations

from typing import Final, Literal

Kind = Literal["number", "text", "flag", "time"]

EVENTS: Final = {
    "Checkout Started": "the customer began to order; what came of it, the order says",
    "Order Completed": "the customer has ordered; carries what was promised with it",
    "Order Updated": "something about the order changed that none of the other names says; `status` says what",
    "Order Shipped": "a parcel of the order left",
    "Order Delivered": "a parcel of the order, or all of it, reached the customer",
    "Order Cancelled": "the order will not be fulfilled, by whoever's wish; `reason` says why where it is known",
    "Order Refunded": "money went back; `refunded` says how much",
    "Return Opened": "the customer wants to send something back",
    "Return Received": "what was sent back has arrived",
    "Message Received": "the customer wrote",
    "Message Sent": "we wrote to the customer",
    "Ticket Opened": "a request to the desk began",
    "Ticket Updated": "something about the ticket changed: a promise that was given with it",
    "Ticket Replied": "the desk answered; the first answer and each later one",
    "Ticket Solved": "the desk holds it done",
    "Ticket Reopened": "the customer came back on what the desk held done",
    "Product Reviewed": "the customer judged a product",
    "Seller Reviewed": "the customer judged us as a seller",
    "Survey Answered": "the customer answered a question of ours",
}
"""Event -> what it means."""

PROPERTIES: Final[dict[str, tuple[Kind, str]]] = {
    "total": ("number", "what the customer pays for the order, tax, shipping and discounts in it"),
    "revenue": ("number", "of that, what the goods alone bring, without tax and shipping, after discounts"),
    "shipping": ("number", "what the customer pays for shipping"),
    "tax": ("number", "tax in the total"),
    "discount": ("number", "what was taken off"),
    "fee": ("number", "what the marketplace keeps"),
    "cost": ("number", "what the goods cost us, where it is given"),
    "refunded": ("number", "what went back to the customer"),
    "currency": ("text", "of every amount of the event: three letters (ISO 4217)"),
    "quantity": ("number", "pieces"),
    "status": ("text", "in the source's own word"),
    "reason": ("text", "in the source's own word"),
    "channel": ("text", "where it was sold, or on which way somebody wrote: Amazon.de, web, email"),
    "fulfilment": ("text", "who sends the goods: seller or marketplace"),
    "service_level": ("text", "how fast it was to be sent, in the source's own word"),
    "carrier": ("text", "who carries the parcel"),
    "country": ("text", "where it goes: two letters (ISO 3166) where the source has them"),
    "region": ("text", "state or province where it goes"),
    "product_id": ("text", "what the source calls the product"),
    "sku": ("text", "what we call it"),
    "category": ("text", "of the product"),
    "ship_by": ("time", "promised: sent by then"),
    "deliver_from": ("time", "promised: not delivered before"),
    "deliver_by": ("time", "promised: delivered by then"),
    "reply_by": ("time", "promised: answered by then"),
    "solve_by": ("time", "promised: solved by then"),
    "topic": ("text", "what a ticket or message is about"),
    "priority": ("text", "of a ticket, in the source's own word"),
    "group": ("text", "who at the desk has it"),
    "rating": ("number", "stars given, on the scale of `scale`"),
    "survey": ("text", "which survey: its name"),
    "metric": ("text", "what the survey measures: CSAT, NPS or CES"),
    "score": ("number", "the answer, on the scale of `scale`"),
    "scale": ("number", "the highest answer, or number of stars, that was possible"),
    "language": ("text", "in which somebody wrote or read"),
    "first": ("flag", "whether it is the first of its kind: the first reply to a ticket"),
    "business": ("flag", "whether the customer is a company"),
    "replacement": ("flag", "whether it replaces an earlier order"),
}
"""Property -> its type and meaning. Times are UTC milliseconds in a fact."""

IDENTIFIERS: Final = {
    "user_id": "the customer, as the source calls them; of a marketplace a customer of its own, never somebody else's",
    "order_id": "the order",
    "package_id": "the parcel",
    "return_id": "the return",
    "ticket_id": "the ticket, or the thread of messages",
    "case_id": "the case of a process log",
}
"""Kind of identifier -> what it names. An e-mail address or phone number is none: it is personal, and no name."""

PERSONAL: Final = ("email", "phone", "name", "address", "city", "postal_code", "comment", "subject", "buyer")
"""Properties that a reader tells beside those above where the source has them; contracts keep them in the vault."""
