"""An ASGI application that does nothing, on a port: `python -m benchmarks.noop PORT`. What the door is measured beside.

It reads the whole body and answers 200 with as many bytes as the door does, under the same server with the same
settings; so what the door takes longer is the door's own work.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Awaitable, Callable
from typing import Any, Final

_BODY: Final = b'{"success":true,"accepted":1,"duplicate":0,"rejected":0}'
_START: Final = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(_BODY))],
}
_END: Final = {"type": "http.response.body", "body": _BODY}


async def application(
    scope: dict[str, Any], receive: Callable[[], Awaitable[dict[str, Any]]], send: Callable[[Any], Awaitable[None]]
) -> None:
    """Reads, answers, forgets."""
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    await send(_START)
    await send(_END)


async def _serve(port: int) -> None:
    from granian.constants import Interfaces  # noqa: PLC0415 -- only where it serves
    from granian.server.embed import Server  # noqa: PLC0415 -- only where it serves

    from cxminute.app.door.serving import settings  # noqa: PLC0415 -- only where it serves

    server = Server(application, address="127.0.0.1", port=port, interface=Interfaces.ASGINL, **settings())
    await server.serve()


def main() -> None:
    """Serves until it is stopped."""
    import uvloop  # noqa: PLC0415 -- only where it serves

    gc.freeze()
    uvloop.run(_serve(int(sys.argv[1])))


if __name__ == "__main__":
    main()
