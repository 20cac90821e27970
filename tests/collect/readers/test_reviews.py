"""Laws of reviews: stars on their scale, words apart, and a review told again is the same review."""

from __future__ import annotations

import json

import pytest

from cxminute.model.errors import BadData, UnknownName
from tests.collect.readers.asked import asked, sample, story


def test_a_report_of_reviews_tells_each_once() -> None:
    """Stars of five; words without stars are a review without a rating."""
    records, refused = asked("reviews", sample("reviews/reviews.csv"))
    assert refused == []
    told = [record.facts[0].properties for record in records]
    assert [(one.get("rating"), one.get("scale")) for one in told] == [(5.0, 5.0), (2.0, 5.0), (None, None)]
    assert [one.get("verified") for one in told] == [True, False, None]
    assert records[0].identifiers == {"user_id": "C-17", "order_id": "902-1"}
    assert records[0].rest == {"Helpful votes": "3"}


def test_reviews_of_an_api_tell_the_same_words() -> None:
    """A page of reviews and the list of a shop's own reviews are read by their fields."""
    page, _ = asked("reviews", sample("reviews/reviews_page.json"))
    assert [record.key for record in page] == ["review 55", "review 56"]
    assert page[0].identifiers == {"user_id": "4411"}
    assert page[0].facts[0].properties["product_id"] == "771"
    shop, _ = asked("reviews", sample("reviews/shop_reviews.json"), zone="Europe/Brussels")
    assert story(shop) == [("Product Reviewed", "2026-02-10T08:00:00.000Z")]


def test_what_the_writer_said_and_is_called_stands_under_personal_names() -> None:
    """Title, text, name and address go to the vault; none of them stays among what the reader does not know."""
    page, _ = asked("reviews", sample("reviews/reviews_page.json"))
    properties = page[0].facts[0].properties
    assert [properties[name] for name in ("subject", "comment", "name", "email")] == [
        "Good", "Works", "Ada", "ada@customer.example",
    ]  # fmt: skip
    assert dict(page[0].rest) == {"hidden": False}


@pytest.mark.parametrize(("rating", "scale"), [(6, None), (0, None), (11, 10), (-1, 100), (3, 0)])
def test_a_rating_off_its_scale_is_set_apart(rating: float, scale: float | None) -> None:
    """Six stars of five are a mistake: the review goes to quarantine."""
    review = {"review_id": "1", "rating": rating, "scale": scale, "created_at": "2026-02-10T08:00:00Z"}
    records, refused = asked("reviews", review)
    assert records == []
    assert [reason for reason, _ in refused] == ["bad_score"]


def test_a_review_that_says_nothing_or_has_no_name_or_time_is_set_apart() -> None:
    """Nothing is made up for it."""
    whole = {"review_id": "1", "rating": 3, "created_at": "2026-02-10T08:00:00Z"}
    broken = [{**whole, "rating": None}, {**whole, "review_id": ""}, {**whole, "created_at": None}]
    _, refused = asked("reviews", broken)
    assert [reason for reason, _ in refused] == ["no_event", "no_key", "no_time"]


def test_a_review_that_was_edited_is_a_correction() -> None:
    """The same review keeps its name, and says when it was changed."""
    before, _ = asked("reviews", sample("reviews/reviews_page.json"))
    edited = json.loads(sample("reviews/reviews_page.json"))
    edited["reviews"][0] |= {"rating": 2, "updated_at": "2026-03-01T08:00:00+00:00"}
    after, _ = asked("reviews", edited)
    assert [record.key for record in after] == [record.key for record in before]
    assert [record.changed_at for record in before[:1] + after[:1]] == [1_770_883_200_000, 1_772_352_000_000]


def test_half_a_document_is_refused_and_a_changed_header_named() -> None:
    """Nothing is read of JSON that breaks off, nor of a report whose column of stars is called otherwise."""
    with pytest.raises(BadData, match="not JSON"):
        asked("reviews", sample("reviews/reviews_page.json")[:200])
    changed = sample("reviews/reviews.csv").replace(b"rating", b"note")
    with pytest.raises(UnknownName, match=r'\[columns\] "rating"'):
        asked("reviews", changed)
    records, _ = asked("reviews", changed, called={"rating": "note"})
    assert records[0].facts[0].properties["rating"] == 5.0
