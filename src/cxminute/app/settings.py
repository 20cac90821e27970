"""cxm.toml: what a project says of itself."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from cxminute.app.people.account_rules import AccountRules, parse_accounts
from cxminute.model.definitions import Document
from cxminute.model.errors import BadDefinition, WrongUse
from cxminute.model.times import zone_of
from cxminute.privacy.purposes import READING, Purposes, parse_purposes
from cxminute.resolve.kinds import Kind, parse_kinds
from cxminute.store.state import state_url

SEGMENT_ROWS: Final = 100_000
"""Source rows of one segment: about a second of work, which is what a killed collect loses at most."""

ENGINES: Final = ("local", "spark")
"""Where analyses run: threads of this machine, or a Spark cluster."""

MASTERS: Final = r"spark://[^\s/,@]+:\d+(,[^\s/,@]+:\d+)*|local(\[(\d+|\*)\])?|yarn|k8s://\S+"
"""What a Spark master's URL looks like."""


@dataclass(frozen=True, slots=True)
class Settings:
    """A project's own settings.

    name, currency: as shown
    zone:           in which its days and weeks are counted
    purpose:        of reading commands that name none
    purposes:       what data may be used for: the default ones, and the project's own
    dimensions:     paths that the brief splits by
    segment_rows:   source rows of one segment; changing it changes how later files are cut
    state:          database URL; empty for SQLite in the project's own folder
    engine:         one of ENGINES
    master:         URL of the Spark engine's master; empty for the local engine
    threads:        of the local engine; 0 for one per core
    accounts:       where events tell of groups, roles and money
    kinds:          of identifiers by which people are recognised: by name, in the order of priority
    """

    name: str
    zone: ZoneInfo
    currency: str
    purpose: str
    dimensions: tuple[str, ...]
    segment_rows: int
    state: str
    engine: str
    master: str
    threads: int
    purposes: Purposes
    kinds: Mapping[str, Kind]
    accounts: AccountRules

    def state_url(self, folder: Path) -> str:
        """The database URL; `env:NAME` is read from the environment, so that no secret stands in the file."""
        if not self.state:
            return state_url(folder)
        if self.state.startswith("env:"):
            name = self.state.removeprefix("env:")
            if name not in os.environ:
                raise WrongUse(f"The environment has no {name}, where cxm.toml says that the state's URL is.")
            return os.environ[name]
        return self.state


def parse_settings(doc: Document) -> Settings:
    """The settings of a project; faults are noted in the document, and defaults stand in for what is wrong."""
    zone = doc.parsed("timezone", zone_of, "UTC")
    purposes = parse_purposes(doc)
    purpose = doc.text("purpose", READING)
    if purpose not in purposes:
        doc.unknown("purpose", purpose, purposes, key="purpose")
    minute, log = doc.section("minute"), doc.section("log")
    plain = isinstance(doc.raw("engine"), str)  # `engine = "spark"` with `master` beside it, in place of a table
    engine = doc if plain else doc.section("engine")
    name = engine.text("engine" if plain else "name", ENGINES[0], allowed=ENGINES)
    state = doc.text("state", "")
    if "@" in state:
        doc.fault("A password may stand in the state's URL.", key="state", allowed='state = "env:NAME"')
    settings = Settings(
        name=doc.text("name"),
        zone=zone or ZoneInfo("UTC"),
        currency=doc.text("currency", ""),
        purpose=purpose,
        dimensions=tuple(path_of(name) for name in minute.texts("dimensions", ())),
        segment_rows=int(log.number("segment_rows", SEGMENT_ROWS, low=1)),
        state=state,
        engine=name,
        master=_master(engine, name),
        threads=0 if plain else int(engine.number("threads", 0, high=1024)),
        purposes=purposes,
        kinds=parse_kinds(doc),
        accounts=parse_accounts(doc.section("accounts")),
    )
    doc.text("week_start", "monday", allowed=("monday",))  # weeks are ISO weeks; the key says so for readers
    for part in (minute, log, *(() if plain else (engine,)), doc):
        part.done()
    return settings


def _master(engine: Document, name: str) -> str:
    """The master's URL, which the Spark engine needs and no other has."""
    master = engine.text("master", "")
    if name == "spark" and not re.fullmatch(MASTERS, master):
        what = f"'{master}' is not the URL of a Spark master." if master else "The Spark engine needs a master."
        engine.fault(what, key="master", allowed='master = "spark://HOST:7077"')
    if name == "local" and master:
        engine.fault("Only the Spark engine has a master.", key="master", allowed='"spark" as the engine, or no master')
    return master


def path_of(name: str) -> str:
    """A path as people type it: a bare name means `properties.NAME`; 'source' and 'name' are themselves."""
    return name if "." in name or name in ("source", "name") else f"properties.{name}"


def find_root(start: Path) -> Path:
    """The project folder that `start` is or lies in; BadDefinition where `start` is not there, or in none."""
    start = start.resolve()  # shop/../site lies beside shop, not in it
    if not start.exists():  # else a project above it would be taken for the one that was meant
        raise BadDefinition(
            f"There is no folder {start}, so no cxm.toml in it.",
            allowed="a project folder, or one inside it; cxm init DIR makes one",
        )
    for folder in (start, *start.parents):
        if (folder / "cxm.toml").is_file():
            return folder
    raise BadDefinition(
        f"No project here: neither {start} nor a folder above it has a cxm.toml.",
        allowed="cxm init DIR makes one; --project DIR names one",
    )
