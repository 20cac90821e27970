"""All APIs, by the format of their sources and, where a format has several, by name."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Final

from cxminute.collect.pulls.asking import Api

APIS: Final[Mapping[str, Mapping[str, str]]] = {
    "amazon": {"orders-2026-01-01": "amazon", "orders-v0": "amazon_v0"},
    "shopify": {"rest": "shopify"},
    "woocommerce": {"v3": "woocommerce"},
    "ebay": {"fulfillment": "ebay"},
    "mirakl": {"or11": "mirakl"},
    "mercadolibre": {"orders": "mercadolibre"},
    "etsy": {"v3": "etsy"},
    "zendesk": {"incremental": "zendesk"},
}
"""Format -> API -> the module that has it as the name API; the first is the one where a file names none."""


def api_of(form: str, name: str) -> Api:
    """An API of a format; KeyError where there is none."""
    found: Api = import_module(f"cxminute.collect.pulls.{APIS[form][name]}").API
    return found
