"""A PostgreSQL server of the tests' own, and databases of it for who wants an empty one."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg


def initdb() -> Path | None:
    """Where PostgreSQL's own programs lie: on the path, or where Debian puts them."""
    found = shutil.which("initdb")
    if found:
        return Path(found)
    return next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)), None)


@contextmanager
def postgres_server(folder: Path) -> Iterator[str]:
    """A server on a socket in a folder, and its url; it stops when left.

    The folder is not to lie below pytest's own: those are for their owner alone, and every run makes them so again.
    """
    programs = initdb()
    assert programs is not None
    user = "nobody" if os.geteuid() == 0 else None  # it refuses to run as root
    if user:
        shutil.chown(folder, user)
    data = folder / "data"
    tools = programs.parent
    subprocess.run([programs, "-D", data, "-U", "cxm", "-A", "trust"], check=True, capture_output=True, user=user)
    options = f"-c listen_addresses='' -k {folder} -c fsync=off -c autovacuum=off"  # databases live a second
    start: list[str | Path] = [tools / "pg_ctl", "-D", data, "-o", options, "-l", folder / "log", "-w", "start"]
    subprocess.run(start, check=True, capture_output=True, user=user)
    try:
        yield f"postgresql://cxm@/postgres?host={folder}"
    finally:
        stop: list[str | Path] = [tools / "pg_ctl", "-D", data, "-m", "immediate", "stop"]
        subprocess.run(stop, check=False, capture_output=True, user=user)  # a server that is gone has stopped


def empty_database(server: str) -> str:
    """The url, as a project's state has it, of a database that nobody has used."""
    name = f"state_{uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return server.replace("postgresql://cxm@/postgres", f"postgresql+psycopg://cxm@/{name}")


def drop_database(server: str, url: str) -> None:
    """Drops a database, whoever is still connected: hundreds of them are gigabytes, to be written and removed."""
    name = url.partition("@/")[2].partition("?")[0]
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
