"""Commands that put a project away in one file, and bring it back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from cxminute.app import output
from cxminute.model.times import from_ms


def backup(
    file: Path,
    *,
    without_keys: Annotated[bool, Parameter(negative="")] = False,
    project: Path = Path(),
    json: bool = False,
) -> None:
    """Write a backup of a project to one file, while server and worker go on.

    Parameters
    ----------
    file
        The file to write: a tar, compressed by Zstandard, or by gzip where its name ends in .gz. It may not be there.
    without_keys
        Leave the project's own key out; what is restored needs it from elsewhere.
    project
        The project folder, or one inside it.
    json
        One JSON document instead of text.

    """
    from cxminute.app.backing import back_up  # noqa: PLC0415 -- opens the state: heavy
    from cxminute.app.project import Project  # noqa: PLC0415 -- likewise

    taken = back_up(Project(project), file.absolute(), keys=not without_keys)
    size = file.stat().st_size
    if json:
        output.document(
            {"file": str(file), "bytes": size, "files": taken.files, "events": taken.events, "waiting": taken.waiting}
        )
        return
    calls = f", {taken.waiting:,} calls that wait in the inbox" if taken.waiting else ""
    output.say(f"{file}: {taken.events:,} events in {taken.files:,} files{calls}; {size:,} bytes.")
    if without_keys:
        output.say("The project's own key is not in it: keep .cxm/keys elsewhere, a restored project needs it.")


def restore(file: Path, folder: Path, *, json: bool = False) -> None:
    """Bring a backup back into a new folder, and check all of it.

    Parameters
    ----------
    file
        What `cxm backup` wrote.
    folder
        Where the project goes; it may not be there, or must be empty.
    json
        One JSON document instead of text.

    """
    from cxminute.app.backing import bring_back  # noqa: PLC0415 -- opens the state: heavy

    done = bring_back(file, folder)
    told = {"project": done.header.project, "taken_at": from_ms(done.header.taken_at), "keys": done.header.keys}
    if json:
        output.document(
            {"folder": str(folder), **told, "files": done.files, "events": done.events, "waiting": done.waiting}
        )
        return
    calls = f", {done.waiting:,} calls that wait for the worker" if done.waiting else ""
    output.say(
        f"{folder}: '{done.header.project}' of {told['taken_at']:%Y-%m-%d %H:%M:%S} UTC, {done.events:,} events{calls}."
    )
    if not done.header.keys:
        output.say("The backup holds no keys: put the project's .cxm/keys there before it is used.")
