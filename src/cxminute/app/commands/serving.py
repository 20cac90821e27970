"""The command that opens the door."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def serve(
    *,
    project: Annotated[tuple[Path, ...], Parameter(negative="")] = (),
    host: str = "127.0.0.1",
    port: int = 8717,
    worker: bool = True,
    behind_proxy: Annotated[bool, Parameter(negative="")] = False,
    json_logs: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Take events in over HTTP, until it is stopped: what it answered 200 to is on disk.

    Parameters
    ----------
    project
        A project folder, or one inside it; may be repeated, since one server can serve several.
    host
        The address to listen on; 0.0.0.0 for all of the machine's.
    port
        The port to listen on; 0 for a free one, which the first line then names.
    worker
        Bring what comes in into the log, in a process beside the server.
    behind_proxy
        Believe X-Forwarded-For and X-Forwarded-Proto: only where a proxy of yours sets them.
    json_logs
        Logs as JSON lines on a terminal, too.

    Returns
    -------
    int
        0 after SIGTERM or SIGINT, 3 when the server ended by itself.

    """
    from cxminute.app.door.listening import listen  # noqa: PLC0415 -- only for this command
    from cxminute.app.warming import load  # noqa: PLC0415 -- likewise

    with listen(host, port) as listening:
        load("cxminute.collect.calls.envelope")
        from cxminute.app.door.serving import serve as serve_projects  # noqa: PLC0415 -- brings the server: heavy

        roots = project or (Path(),)
        return serve_projects(roots, listening, worker=worker, json_logs=json_logs, behind_proxy=behind_proxy)
