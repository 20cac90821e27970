"""Laws of the readers of marketplaces, each over the samples of its market."""

from __future__ import annotations

import json

import pytest

from cxminute.collect.readers.catalogue import reader_of
from cxminute.model.errors import BadData
from tests.collect.readers.goldens import golden, told_of
from tests.collect.readers.market_samples import hides_people, keeps_to_its_word, names, received, sample

PEOPLE = {
    "ebay": (
        "Ada Beispiel", "Hafenweg 3", "ada@example.org", "a1b2c3", "+49 431", "24103", "Please ring",
        "friend@example.org",
    ),
    "etsy": ("Noa", "4 Sample Street", "BS1 0AA", "Could you wrap", "Happy birthday", "arrived late"),
    "mercadolibre": ("Rui", "Exemplo 5", "01000000", "11 00000000"),
    "mirakl": ("Zoe", "Exemple", "2 rue du Modele", "+33 000000000", "59000", "x1y2@"),
}  # fmt: skip
"""Market -> words about people in its samples."""
PAGES = {
    "ebay": "orders_page",
    "etsy": "receipts_page",
    "mercadolibre": "orders_search",
    "mirakl": "orders_page",
}
"""Market -> a page of its orders."""


@pytest.mark.parametrize(("market", "name"), [(market, name) for market in PAGES for name in names(market)])
def test_every_document_is_told_as_it_was_read_once(market: str, name: str) -> None:
    """What comes of each kind of a marketplace's documents is what a person has read and found right."""
    golden(f"{market}/{name}", told_of(sample(market, name), reader_of(market)))


@pytest.mark.parametrize("market", PAGES)
def test_it_tells_what_it_says(market: str) -> None:
    """No event carries a property, and no record an identifier, that the reader's page does not name."""
    keeps_to_its_word(reader_of(market), market)


@pytest.mark.parametrize(("market", "words"), PEOPLE.items(), ids=PEOPLE)
def test_people_stand_under_names_that_contracts_hide(market: str, words: tuple[str, ...]) -> None:
    """Names, addresses, numbers and what people wrote are told under the names of personal data, and nowhere else."""
    hides_people(reader_of(market), market, *words)


@pytest.mark.parametrize(("market", "page"), PAGES.items(), ids=PAGES)
def test_half_a_page_is_refused_whole(market: str, page: str) -> None:
    """A document that was cut off tells nothing, and says so."""
    body = json.dumps(sample(market, page)).encode()
    with pytest.raises(BadData, match="not JSON"):
        received(body[: len(body) // 2], reader_of(market))
