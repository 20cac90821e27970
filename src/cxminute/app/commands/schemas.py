"""The command that prints the JSON Schema of a definition file, for editors."""

from __future__ import annotations

from cxminute.app import output


def schema(name: str | None = None) -> None:
    """Print the JSON Schema of a kind of definition file; without a name, list them.

    Parameters
    ----------
    name
        journeys, promises, sources, plans or project (cxm.toml).

    """
    from cxminute.app.schema import files, schema  # noqa: PLC0415 -- the definitions' languages take a while

    if name is None:
        rows = [(kind, *told) for kind, told in files().items()]
        output.table("Schemas", ("name", "of", "what such a file says"), rows)
        return
    output.document(schema(name))
