"""Reviews of products: exports and APIs of review tools, a review each (also WooCommerce's product reviews).

Stars are read on the scale that a column `scale` says, else of five. What a person wrote is personal.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from cxminute.collect.readers.facts import Around, Fact, Form, Piece, Reader, Record, Unfit, known_as, said
from cxminute.collect.readers.fields import flag, happened, instant, moment, number, text
from cxminute.collect.readers.headers import cells, over, row_of

_TELLS: Final = {"Product Reviewed": ("rating", "scale", "product_id", "sku", "category", "language", "channel")}
_STARS: Final = 5.0
_SAME: Final = {
    "review_id": ("review_id", "id"),
    "rating": ("rating", "score", "stars"),
    "product_id": ("product_id", "product_external_id", "asin"),
    "user_id": ("customer_id", "user_id"),
    "subject": ("title", "subject"),
    "comment": ("body", "comment", "content", "review", "text"),
    "name": ("author", "name", "reviewer"),
    "email": ("email", "reviewer_email"),
    "language": ("language", "locale"),
}
"""What a reader tells -> the fields in which tools have it, the first that is filled counting."""
_KNOWN: Final = (
    *(name for names in _SAME.values() for name in names),
    "created_at", "date_created", "date_created_gmt", "updated_at", "verified", "order_id", "sku", "category",
    "channel", "scale",
)  # fmt: skip
_WORDS: Final = {"buyer": True, "verified": True, "verified_buyer": True, "unverified": False, "nothing": False}


def _of_row(piece: Piece, around: Around) -> Sequence[Record]:
    row = row_of(piece)
    return _review(cells(row), around, over(row, *_KNOWN))


def _of_object(piece: Piece, around: Around) -> Sequence[Record]:
    reviewer = piece.get("reviewer")
    inside = reviewer if isinstance(reviewer, Mapping) else {}
    plain = {
        **piece,
        "reviewer": inside.get("name") if inside else reviewer,
        "reviewer_email": piece.get("reviewer_email") or inside.get("email"),
        "customer_id": piece.get("customer_id") or inside.get("external_id"),
    }
    return _review(plain, around, over(piece, *_KNOWN))


def _review(found: Piece, around: Around, rest: Piece) -> Sequence[Record]:
    told = {name: _first(found, names) for name, names in _SAME.items()}
    if not told["review_id"]:
        raise Unfit("no_key", "'review_id' is empty.")
    properties = said(
        **_stars(found),
        sku=text(found, "sku"),
        category=text(found, "category"),
        channel=text(found, "channel"),
        **{name: told[name] for name in ("product_id", "subject", "comment", "name", "email", "language")},
    )
    if "rating" not in properties and "comment" not in properties:
        raise Unfit("no_event", "Neither stars nor words: nobody judged anything.")
    if (verified := _verified(found)) is not None:
        properties["verified"] = verified
    identifiers = known_as(user_id=told["user_id"], order_id=text(found, "order_id"))
    fact = Fact("Product Reviewed", _written(found, around), properties)
    return [
        Record(
            f"review {told['review_id']}",
            identifiers,
            [fact],
            changed_at=moment(found, "updated_at", around),
            rest=rest,
        )
    ]


def _first(found: Piece, names: Sequence[str]) -> str:
    return next((value for name in names if (value := text(found, name))), "")


def _stars(found: Piece) -> dict[str, object]:
    """Rating and scale; none where the review has words alone."""
    stars = next((value for name in _SAME["rating"] if (value := number(found, name)) is not None), None)
    if stars is None:
        return {}
    scale = number(found, "scale")
    top = _STARS if scale is None else scale
    if top < 1:
        raise Unfit("bad_score", f"'scale' is {top:g}. Allowed: 1 and above.")
    low = 0.0 if top in (1.0, 100.0) else 1.0
    if not low <= stars <= top:
        way = "If the scale is another, a field 'scale' says so."
        raise Unfit("bad_score", f"The rating lies off its scale, {low:g} to {top:g}. {way}")
    return {"rating": stars, "scale": top}


def _verified(found: Piece) -> bool | None:
    """Whether the writer is known to have bought it; None where the source does not say."""
    word = found.get("verified")
    if isinstance(word, str) and word.strip().casefold() in _WORDS:
        return _WORDS[word.strip().casefold()]
    return flag(found, "verified")


def _written(found: Piece, around: Around) -> int:
    for name in ("created_at", "date_created_gmt", "date_created"):
        if written := text(found, name):
            bare = name.endswith("_gmt") and not re.search(r"(Z|[+-]\d\d:?\d\d)$", written)
            return instant(f"{written}Z" if bare else written, name, around)
    return happened(found, "created_at", around)


def _json(name: str, *has: str, says: str = "") -> Form:
    return Form(name, _of_object, _TELLS, found=("", "reviews[]", "[]", "review"), has=has, says=says)


_SILENT: Final = (
    "A review that was taken down is not told as such; whether it is shown stands in its `status`, as it came."
)

READER: Final = Reader(
    "reviews",
    "Reviews",
    (
        _json("review", "review_id", says=_SILENT),
        _json("review of an API", "id", "rating"),
        _json("review of an API with scores", "id", "score", "content"),
        Form("reviews report", _of_row, _TELLS, has=("review_id", "rating", "created_at"), report=True, says=_SILENT),
    ),
    ("user_id", "order_id"),
    "",
)
