"""CX Minute: what your customers went through, which promises were kept, and what to do next.

>>> import cxminute as cx
>>> visits = {"person": ["ada", "ada", "bob"], "event": ["Viewed", "Bought", "Viewed"], "at": [0, 60_000, 0]}
>>> cx.funnel(cx.journey('Viewed -> Bought', window="1 day"), visits).column("reached").to_pylist()
[2, 1]
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # the names are loaded when they are used: importing the package stays light
    from cxminute.app.api import Journey, chart, flows, funnel, journey, passages, retention

__all__ = ["Journey", "chart", "flows", "funnel", "journey", "passages", "retention"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'cxminute' has no attribute '{name}'")
    if "cxminute.app.api" not in sys.modules:
        from cxminute.app.warming import warm  # noqa: PLC0415 -- see above

        warm()  # before the kernels are loaded: some are compiled as they are
    from cxminute.app import api  # noqa: PLC0415 -- see above

    return getattr(api, name)


def __dir__() -> list[str]:
    return __all__
