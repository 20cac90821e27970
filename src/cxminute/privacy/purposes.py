"""What data may be used for: the words, after the W3C Data Privacy Vocabulary (https://w3id.org/dpv), in kebab case."""

from __future__ import annotations

from typing import Final

PURPOSES: Final = {
    "service-provision": "do what the customer asked for: deliver, answer, invoice",
    "service-optimisation": "understand and improve the service: analyses and briefs about groups, not persons",
    "service-personalisation": "fit the service to the person it is given to",
    "communication-management": "answer and inform people about what they started",
    "marketing": "win, keep or win back customers with messages they did not ask for",
    "targeted-advertising": "choose advertisements by what is known of a person",
    "sale-or-sharing": "give data to others for their own ends",
    "research-and-development": "train or test models, develop the product",
    "fraud-prevention": "detect and prevent misuse",
    "legal-compliance": "do what the law demands",
}

READING: Final = "service-optimisation"
"""The purpose of a reading command that names no other."""
