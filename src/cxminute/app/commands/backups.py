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
    identifier_keys: Path | None = None,
    project: Path = Path(),
    json: bool = False,
) -> None:
    """Write a backup of a project to one file, while server and worker go on.

    Parameters
    ----------
    file
        The file to write: a tar, compressed by Zstandard, or by gzip where its name ends in .gz. It may not be there.
    without_keys
        Leave the project's own key out, by which guessed identifiers can be tried; it goes into the file of the keys
        of identifiers where there is one, else what is restored needs it from elsewhere.
    identifier_keys
        A file of their own for the keys of identifiers, which no backup holds, and the project's own; older keys in it
        are replaced.
    project
        The project folder, or one inside it.
    json
        One JSON document instead of text.

    """
    from cxminute.app.backing import back_up  # noqa: PLC0415 -- opens the state: heavy
    from cxminute.app.project import Project  # noqa: PLC0415 -- likewise

    apart = None if identifier_keys is None else identifier_keys.absolute()
    taken = back_up(Project(project), file.absolute(), keys=not without_keys, identifier_keys=apart)
    size = file.stat().st_size
    if json:
        output.document(
            {
                "file": str(file), "bytes": size, "files": taken.files, "events": taken.events,
                "waiting": taken.waiting, "identifier_keys": None if identifier_keys is None else str(identifier_keys),
            }
        )  # fmt: skip
        return
    calls = f", {taken.waiting:,} calls that wait in the inbox" if taken.waiting else ""
    output.say(f"{file}: {taken.events:,} events in {taken.files:,} files{calls}; {size:,} bytes.")
    if without_keys and identifier_keys is None:
        output.say("The project's own key is not in it: keep .cxm/keys elsewhere, a restored project needs it.")
    if identifier_keys is None:
        output.say(
            "The keys of identifiers are in no backup: cxm backup FILE --identifier-keys KEYFILE keeps them apart."
        )
    else:
        output.say(f"{identifier_keys}: the keys of identifiers. Keep this newest one alone, and not beside backups.")


def restore(file: Path, folder: Path, *, identifier_keys: Path | None = None, json: bool = False) -> None:
    """Bring a backup back into a new folder, and check all of it.

    Parameters
    ----------
    file
        What `cxm backup` wrote.
    folder
        Where the project goes; it may not be there, or must be empty.
    identifier_keys
        The newest file of the keys of identifiers that `cxm backup` wrote, of this backup or of a later one.
    json
        One JSON document instead of text.

    """
    from cxminute.app.backing import bring_back  # noqa: PLC0415 -- opens the state: heavy

    done = bring_back(file, folder, identifier_keys)
    told = {"project": done.header.project, "taken_at": from_ms(done.header.taken_at), "keys": done.header.keys}
    if json:
        output.document(
            {
                "folder": str(folder), **told, "identifier_keys": identifier_keys is not None, "files": done.files,
                "events": done.events, "waiting": done.waiting, "lost": done.lost,
            }
        )  # fmt: skip
        return
    calls = f", {done.waiting:,} calls that wait for the worker" if done.waiting else ""
    output.say(
        f"{folder}: '{done.header.project}' of {told['taken_at']:%Y-%m-%d %H:%M:%S} UTC, {done.events:,} events{calls}."
    )
    if identifier_keys is None:
        output.say("Without the keys of identifiers nobody can read who is who, nor what is personal.")
    if done.lost:
        output.say(f"{output.count(done.lost, 'calls')} that waited cannot be read without the key, and went.")
    if not (folder / ".cxm" / "keys" / "digest.key").exists() and not done.header.keys:
        output.say("The backup holds no keys: put the project's .cxm/keys there before it is used.")
