"""The socket that the server listens on: taken before all else is loaded, so that clients wait and are not turned away.

Light on purpose: what serves takes seconds to load, and while a server starts again its clients are at the door.
"""

from __future__ import annotations

import socket
from typing import Final

from cxminute.model.errors import WrongUse

BACKLOG: Final = 4_096
"""Connections that wait to be taken."""


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; nobody else can listen on its port at the same time.

    port:   0 takes a free one
    raises: WrongUse where host and port cannot be listened on
    """
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(BACKLOG)
    except (OSError, OverflowError) as fault:
        listening.close()
        said = fault.strerror if isinstance(fault, OSError) else "no such port"
        raise WrongUse(
            f"Nothing can listen on {host} port {port}: {said}.", then="Nothing was started; choose another --port."
        ) from None
    listening.setblocking(False)
    return listening


def address_of(listening: socket.socket) -> str:
    """Where it is reached, as a URL."""
    host, port = listening.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
