"""Definitions to start from: what most shops know of people, compared by what is known of how people misspell it."""

from __future__ import annotations

from typing import Final

PEOPLE: Final = """\
# People by name, birth, address, e-mail and telephone. A field that no event carries is left out when it is trained.
# What agreement weighs is learnt from your own records; thresholds are odds, as log2: 4 is 16 to 1.
name    = "{name}"
purpose = "service-optimisation"
sources = [{sources}]                 # their contracts must allow the purpose, link and train

[fields.first_name]
form  = "name"
paths = ["traits.first_name", "traits.firstName", "properties.first_name", "properties.firstName"]
rare  = true
swap  = "surname"

[fields.surname]
form  = "name"
paths = ["traits.last_name", "traits.lastName", "traits.surname", "properties.last_name", "properties.lastName"]
rare  = true
swap  = "first_name"

[fields.birth]
form  = "date"
paths = ["traits.birthday", "traits.birth_date", "traits.dob", "properties.birthday"]

[fields.email]
form  = "email"
paths = ["traits.email", "properties.email", "context.traits.email"]
rare  = true

[fields.phone]
form  = "phone"
paths = ["traits.phone", "properties.phone", "context.traits.phone"]
rare  = true

[fields.street]
form  = "text"
paths = ["traits.address.street", "properties.address.street", "properties.street"]

[fields.postcode]
form  = "postcode"
paths = ["traits.address.postalCode", "traits.address.postcode", "properties.postcode", "properties.postal_code"]
rare  = true

[fields.city]
form  = "text"
paths = ["traits.address.city", "traits.city", "properties.city"]
rare  = true

[blocking]
rules = [
  ["first_name", "surname"], ["email"], ["phone"], ["birth"], ["postcode", "surname:3"], ["postcode", "first_name:3"],
  ["city", "surname"], ["city", "first_name"], ["birth:4", "surname:4"], ["birth:4", "first_name:4"], ["street"],
]

[training]
sure   = [
  ["email"], ["phone", "first_name"], ["first_name", "surname", "birth"], ["first_name", "surname", "city"],
  ["first_name", "birth"], ["surname", "birth"], ["first_name", "surname", "postcode"],
]
recall = 0.7
rules  = [["first_name", "surname"], ["birth"], ["email"], ["postcode"]]

[thresholds]
propose = 4                           # 16 to 1
# accept = 12                         # 4,000 to 1: without it nothing is accepted unless somebody looks
"""
"""The preset `people`; `{name}` and `{sources}` are filled in."""


def preset(name: str, sources: tuple[str, ...] = ()) -> str:
    """The text of a definition of this name over these sources."""
    return PEOPLE.replace("{name}", name).replace("{sources}", ", ".join(f'"{source}"' for source in sources))
