"""CX Minute: what your customers went through, which promises were kept, and what to do next.

>>> import cxminute as cx
>>> visits = {"person": ["ada", "ada", "bob"], "event": ["Viewed", "Bought", "Viewed"], "at": [0, 60_000, 0]}
>>> cx.funnel(cx.journey('Viewed -> Bought', window="1 day"), visits).column("reached").to_pylist()
[2, 1]
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # the names are loaded when they are used: importing the package stays light
    from cxminute.app.api import Journey, funnel, journey, passages

__all__ = ["Journey", "funnel", "journey", "passages"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'cxminute' has no attribute '{name}'")
    from cxminute.app import api  # noqa: PLC0415 -- see above

    return getattr(api, name)


def __dir__() -> list[str]:
    return __all__
