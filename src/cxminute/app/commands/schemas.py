"""The command that prints the JSON Schema of a definition file, for editors."""

from __future__ import annotations

from pathlib import Path

from cxminute.app import output


def schema(name: str | None = None, *, project: Path | None = None) -> None:
    """Print the JSON Schema of a kind of definition file; without a name, list them.

    Parameters
    ----------
    name
        As the list shows it: journeys, promises, sources, project (cxm.toml) and so on.
    project
        A project folder, or one inside it: then its own purposes are words, too.

    """
    from cxminute.app.schema import files, schema  # noqa: PLC0415 -- the definitions' languages take a while

    if name is None:
        rows = [(kind, *told) for kind, told in files().items()]
        output.table("Schemas", ("name", "of", "what such a file says"), rows)
        return
    if project is None:
        output.document(schema(name))
        return
    from cxminute.app.project import read_definitions  # noqa: PLC0415 -- as above
    from cxminute.app.settings import find_root  # noqa: PLC0415 -- as above

    output.document(schema(name, read_definitions(find_root(project.absolute())).settings.purposes))
