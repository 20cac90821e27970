"""Where records are compared: a DuckDB in memory that Splink works in, without network, extensions or files."""

from __future__ import annotations

import logging
from typing import Any

from cxminute.store.segments import connect


def linking_api(threads: int = 0) -> Any:
    """Splink's way to a DuckDB of its own; what it computes is gone with it.

    threads: of DuckDB; 0 for one per core
    """
    from splink.backends.duckdb import DuckDBAPI  # noqa: PLC0415 -- brings sqlglot: only linkage needs it

    duck = connect()
    duck.execute("SET lambda_syntax = 'ENABLE_SINGLE_ARROW'")  # Splink writes `x ->`, which DuckDB 2 refuses
    if threads:
        duck.execute(f"SET threads = {int(threads)}")
    duck.execute("SET temp_directory = ''")  # what people said of themselves is never spilled to a disk in the clear
    duck.execute("SET enable_external_access = false")
    duck.execute("SET lock_configuration = true")
    _quiet()
    return DuckDBAPI(duck)


def _quiet() -> None:
    """What Splink remarks on its way is said again by whoever trains, in our words; else it would land on stderr."""
    said = logging.getLogger("splink")
    if not said.handlers:
        said.addHandler(logging.NullHandler())
        said.propagate = False
