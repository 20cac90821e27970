"""What the door takes at most. The same figures stand in docs/reference/door.md and in every refusal."""

from __future__ import annotations

from typing import Final

LARGEST_BODY: Final = 5 << 20
"""Bytes of a body, inflated: the largest batch of a real client (5 MiB, posthog-python)."""
LARGEST_EVENT: Final = 64 << 10
"""Bytes of one item as it was sent, and of what its batch adds to it (`context`, `integrations`)."""
MOST_EVENTS: Final = 2_500
"""Items of one body."""
DEEPEST: Final = 32
"""Objects and lists within one another that an item may have: deeper ones cost databases seconds a row."""
MOST_KEYS: Final = 1_000
"""Keys of one item, those of its inner objects among them."""
LONGEST_MESSAGE_ID: Final = 99
"""Characters of a message id."""
LONGEST_ID: Final = 512
"""Characters of any other identifier: PostgreSQL indexes no text beyond 2,704 bytes."""
LONGEST_NAME: Final = 256
"""Characters of an event's name, for the same reason."""
MOST_EXTREME: Final = 16
"""Numbers of one item from 1e289 on, or below 1e-289: a decoder takes hundreds of times longer for each of them."""
DEEPEST_BODY: Final = 10_000
"""Objects and lists within one another in a body, beyond which it is not looked through."""
