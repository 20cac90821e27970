"""What programs and people write for want of an identifier: taken for a person, it would be the busiest of all.

One list, for what collecting leaves out and for what recognition leaves out.
"""

from __future__ import annotations

import re
from typing import Final

WORDS: Final = (
    "guest", "anonymous", "anonym", "anon", "unknown", "unidentified", "nobody", "none", "null", "nil", "nan", "na",
    "n/a", "#n/a", "undefined", "void", "missing", "empty", "blank", "not_authenticated", "not authenticated",
    "not set", "not_set", "no_id", "id", "distinctid", "distinct_id", "userid", "user_id", "anonymousid",
    "anonymous_id", "deviceid", "device_id", "email", "e-mail", "phone", "true", "false", "test", "placeholder",
    "object object", "object", "todo", "xxx",
)  # fmt: skip
"""In any case, and in quotes or brackets as well: PostHog's and Segment's lists, what languages print for nothing, and
names of fields that stand where their value should."""

PATTERN: Final = (
    r"""(?i)^[ \t\r\n"'`(<\[{]*(?:"""
    + "|".join(re.escape(word) for word in WORDS)
    + r""")[ \t\r\n"'`)>\]}]*$|^[ \t\r\n0._:;,/?{}-]*$"""
)
"""A whole value that is such a word, or of zeros and signs only (nil UUIDs among them); read alike by re and RE2."""

_PLACEHOLDER: Final = re.compile(PATTERN)


def is_nobodys(value: str) -> bool:
    """Whether a value stands for want of an identifier, of whatever kind."""
    return _PLACEHOLDER.match(value) is not None
