"""The [pull] of a source's file: what it may say, and that no secret stands in it."""

from __future__ import annotations

import pytest

from cxminute.collect.pulls.catalogue import APIS, api_of
from cxminute.collect.pulls.settings import Pull, parse_pull
from cxminute.collect.source import READERS
from cxminute.model.definitions import Document
from cxminute.model.times import DAY, MINUTE

SHOP = 'url = "https://shop.example/"\ntoken = "env:SHOP_TOKEN"\n'


def read(form: str, text: str) -> tuple[Pull | None, list[str]]:
    """What the section says, and its faults."""
    doc = Document("sources/shop.toml", f"[pull]\n{text}")
    return parse_pull(doc.section("pull"), form, "Europe/Berlin"), [str(fault) for fault in doc.faults]


def test_little_is_enough() -> None:
    """Where the shop is and which variable holds its token is all that Shopify needs; the rest is usual."""
    pull, faults = read("shopify", SHOP)
    assert faults == []
    assert pull is not None
    assert (pull.api, pull.streams, pull.since) == ("rest", ("orders",), None)
    assert (pull.way.url, pull.way.size, pull.overlap) == ("https://shop.example", 100, 10 * MINUTE)
    assert dict(pull.secrets) == {"token": "SHOP_TOKEN"}
    assert pull.way.name("version") == "2026-10"


def test_times_are_of_the_source_s_zone() -> None:
    """A date without a zone is one of the source's; durations are written as everywhere."""
    pull, faults = read("shopify", SHOP + 'since = "2026-02-16"\noverlap = "1 hour"\nevery = "2 seconds"\n')
    assert faults == []
    assert pull is not None
    assert (pull.since, pull.overlap, pull.every) == (20_500 * DAY - 60 * MINUTE, 60 * MINUTE, 2_000)


@pytest.mark.parametrize(
    ("form", "text", "said"),
    [
        ("shopify", 'url = "https://shop.example"\ntoken = "shpat_12345"\n', "may not stand in the file"),
        ("shopify", 'token = "env:A"\n', "Each shop has a url of its own"),
        ("shopify", 'url = "http://shop.example"\ntoken = "env:A"\n', "must be https"),
        ("shopify", 'url = "https://me:word@shop.example"\ntoken = "env:A"\n', "no url, or more"),
        ("shopify", 'url = "https://shop example"\ntoken = "env:A"\n', "no url, or more"),
        ("shopify", 'url = "https://["\ntoken = "env:A"\n', "no url, or more"),
        ("shopify", SHOP + 'what = ["ordres"]\n', "Did you mean 'orders'?"),
        ("shopify", SHOP + "what = []\n", "Nothing is pulled"),
        ("shopify", SHOP + "size = 900\n", "out of bounds"),
        ("shopify", SHOP + 'overlp = "1 hour"\n', "Did you mean 'overlap'?"),
        ("shopify", SHOP + 'since = "yesterday"\n', "is not a time"),
        ("amazon", 'api = "orders-v1"\n', "Did you mean 'orders-v0'?"),
        ("mercadolibre", 'token = "env:A"\n', "'seller' is missing: the seller's number"),
        ("etsy", 'key = "env:A"\ntoken = "env:B"\nshop = ""\n', "'shop' is empty"),
        ("reviews", "", "no API of reviews"),
    ],
)
def test_faults_say_what_would_be_right(form: str, text: str, said: str) -> None:
    """Each fault has its file and says what is allowed; a secret is not repeated."""
    pull, faults = read(form, text)
    assert pull is None
    assert len(faults) == 1
    assert faults[0].startswith("sources/shop.toml")
    assert said in faults[0]
    assert "Allowed" in faults[0]
    assert "12345" not in faults[0]
    assert "word" not in faults[0]


def test_token_urls_are_held_to_the_same() -> None:
    """Where refresh tokens are exchanged must be https, too."""
    secrets = "".join(f'{key} = "env:A"\n' for key in ("client_id", "client_secret", "refresh_token"))
    _, faults = read("amazon", f'{secrets}marketplaces = ["A1"]\ntoken_url = "http://api.example/token"\n')
    assert len(faults) == 1
    assert "must be https" in faults[0]


@pytest.mark.parametrize("form", APIS)
def test_every_api_is_a_reader_s(form: str) -> None:
    """What is pulled has a reader; official endpoints are https; pages are no larger than the API gives them."""
    assert form in READERS
    for name in APIS[form]:
        api = api_of(form, name)
        assert api.url == "" or api.url.startswith("https://")
        assert api.page.startswith("https://")
        assert 0 < api.size <= api.most
        assert set(api.usual) <= set(api.may)
