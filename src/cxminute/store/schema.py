"""The tables of the state: declared once for SQLite and PostgreSQL. Migrations in `migrations/` lead here."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

HEAD: Final = "0003"
"""The newest migration: a state at another version is migrated when it is opened, one beyond it is refused."""

metadata: Final = MetaData()

IDENTIFIERS: Final = Table(
    "identifiers",
    metadata,
    Column("space", Text, primary_key=True, comment="'person', or a kind of identifier that is a space of its own"),
    Column("number", BigInteger, primary_key=True, autoincrement=False, comment="dense in its space, from 0"),
    Column("kind", Text, nullable=False, comment="user_id, anonymous_id, order_id ..."),
    Column("value", Text, nullable=False, comment="what the source calls it; stands nowhere but here"),
    UniqueConstraint("space", "kind", "value"),
)

COLLECTS: Final = Table(
    "collects",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("source", Text, nullable=False),
    Column("file", Text, nullable=False, comment="name of the file, or 'query', or 'replay of N'"),
    Column("digest", Text, nullable=False, comment="SHA-256 of the file; '' where there is no file"),
    Column("mapping", Text, nullable=False, comment="SHA-256 of the source's definition and of how the file is cut"),
    Column("known_at", BigInteger, nullable=False, comment="when it began, UTC ms: corrections are known from here on"),
    Column("finished_at", BigInteger, comment="UTC ms; empty while it runs, and after it was killed"),
    Column("undone_at", BigInteger, comment="UTC ms; empty while it stands"),
)

CHUNKS: Final = Table(
    "chunks",
    metadata,
    Column("collect", Integer, ForeignKey("collects.id"), primary_key=True),
    Column("part", Integer, primary_key=True, autoincrement=False, comment="from 0"),
    Column("rows", BigInteger, nullable=False, comment="rows of the source"),
    Column("rejected", BigInteger, nullable=False, comment="rows in quarantine"),
    Column("added", BigInteger, nullable=False, comment="events new to the log"),
    Column("repeated", BigInteger, nullable=False, comment="events that the log already had"),
    Column("corrected", BigInteger, nullable=False, comment="events that replace an older version"),
    Column("removed", BigInteger, nullable=False, comment="events that a changed row no longer tells of"),
)

SEGMENTS: Final = Table(
    "segments",
    metadata,
    Column("id", Integer, primary_key=True, comment="in order of arrival: seq of its rows is (id, row)"),
    Column("collect", Integer, ForeignKey("collects.id"), nullable=False),
    Column("part", Integer, nullable=False),
    Column("source", Text, nullable=False),
    Column("file", Text, nullable=False, comment="path below the log's folder; named by content"),
    Column("sha256", Text, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("first_at", BigInteger, nullable=False, comment="UTC ms"),
    Column("last_at", BigInteger, nullable=False, comment="UTC ms"),
    Column(
        "correction", Boolean, nullable=False, comment="its events replace older ones, from the collect's known_at on"
    ),
    Column("version", Integer, nullable=False, comment="version of the event schema"),
    Column("columns", Text, nullable=False, comment="JSON list of the typed columns"),
)

SUPERSEDED: Final = Table(
    "superseded",
    metadata,
    Column("segment", Integer, ForeignKey("segments.id"), primary_key=True),
    Column("row", BigInteger, primary_key=True, autoincrement=False, comment="row of the segment, from 0"),
    Column("collect", Integer, ForeignKey("collects.id"), primary_key=True, comment="who replaced or removed it"),
)

SIDES: Final = Table(
    "sides",
    metadata,
    Column("segment", Integer, ForeignKey("segments.id"), primary_key=True),
    Column("path", Text, primary_key=True, comment="the path that was named after the segment was written"),
    Column("file", Text, comment="side file below the log's folder; empty where the segment has no such path"),
)

NAMES: Final = Table(
    "names",
    metadata,
    Column("code", Integer, primary_key=True, autoincrement=False, comment="what the journey index holds, from 0"),
    Column("source", Text, nullable=False),
    Column("name", Text, nullable=False),
    UniqueConstraint("source", "name"),
)

PERSONAL: Final = Table(
    "personal",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("collect", Integer, ForeignKey("collects.id"), nullable=False),
    Column("part", Integer, nullable=False),
    Column("event", Text, nullable=False, comment="id of the event that carried it"),
    Column("profile", BigInteger, comment="whose it is: a number in the space 'person'"),
    Column("document", Text, nullable=False, comment="JSON: path -> value"),
    Index("personal_by_profile", "profile"),
    Index("personal_by_collect", "collect", "part"),
)

REJECTS: Final = Table(
    "rejects",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("collect", Integer, ForeignKey("collects.id"), nullable=False),
    Column("part", Integer, nullable=False),
    Column("source", Text, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("row", Text, nullable=False, comment="the whole row"),
    Column("replayed_by", Integer, ForeignKey("collects.id"), comment="the collect that took it in after all"),
    Index("rejects_by_source", "source", "reason"),
)

WRITE_KEYS: Final = Table(
    "write_keys",
    metadata,
    Column("digest", Text, primary_key=True, comment="SHA-256 of the key, hexadecimal; the key itself stands nowhere"),
    Column("prefix", Text, nullable=False, comment="first 12 characters of the key, by which people know it"),
    Column("source", Text, nullable=False, comment="the one source that it writes as"),
    Column("created_at", BigInteger, nullable=False, comment="UTC ms"),
    Column("expires_at", BigInteger, comment="UTC ms; empty for a key that was not rotated"),
    Column("revoked_at", BigInteger, comment="UTC ms; empty while it holds"),
)

MARKS: Final = Table(
    "marks",
    metadata,
    Column("inbox", Text, primary_key=True, comment="identity of the inbox"),
    Column("source", Text, primary_key=True),
    Column("number", BigInteger, nullable=False, comment="the source's calls up to this number are in the log"),
)

MINUTES: Final = Table(
    "minutes",
    metadata,
    Column("collect", Integer, ForeignKey("collects.id"), primary_key=True),
    Column("minute", BigInteger, primary_key=True, autoincrement=False, comment="of receipt: its beginning, UTC ms"),
    Column("received", BigInteger, nullable=False, comment="items; 0 for what was replayed: it was received before"),
    Column("stored", BigInteger, nullable=False, comment="events new to the log"),
    Column("duplicate", BigInteger, nullable=False, comment="items that were received before"),
    Column("quarantined", BigInteger, nullable=False, comment="items set apart, less those replayed"),
    Index("minutes_by_minute", "minute"),
)

RECEIPTS: Final = Table(
    "receipts",
    metadata,
    Column("id", Integer, primary_key=True, comment="in order of making"),
    Column("file", Text, nullable=False, comment="a sorted run below the folder of receipts"),
    Column("rows", BigInteger, nullable=False, comment="16 bytes each"),
    Column("first_day", Integer, nullable=False, comment="of receipt, days since 1970"),
    Column("last_day", Integer, nullable=False),
)

FORGOTTEN: Final = Table(
    "forgotten",
    metadata,
    Column("collect", Integer, ForeignKey("collects.id"), primary_key=True, comment="taken back, and so its receipts"),
)

RETIRED: Final = Table(
    "retired",
    metadata,
    Column("segment", Integer, primary_key=True, autoincrement=False, comment="number that it had as a segment"),
    Column("file", Text, nullable=False, comment="path below the log's folder"),
    Column("rows", BigInteger, nullable=False),
    Column("source", Text, nullable=False),
    Column("merged", Integer, nullable=False, comment="the segment that holds its events now"),
    Column("at", BigInteger, nullable=False, comment="when it was replaced, UTC ms"),
    Column("swept", Boolean, nullable=False, comment="whether its file was removed"),
    Index("retired_by_merged", "merged"),
)

INBOXES: Final = Table(
    "inboxes",
    metadata,
    Column("name", Text, primary_key=True, comment="'inbox': there is one"),
    Column("identity", Text, nullable=False, comment="random"),
    Column("last", BigInteger, nullable=False, comment="number of the newest call"),
)
"""PostgreSQL only: an embedded inbox is a file of its own. Its one row is what puts commits in order."""

PACKS: Final = Table(
    "packs",
    metadata,
    Column("first", BigInteger, primary_key=True, autoincrement=False, comment="number of its first call"),
    Column("source", Text, nullable=False),
    Column("calls", BigInteger, nullable=False),
    Column("events", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False, comment="of all bodies"),
    Column("received_at", BigInteger, nullable=False, comment="of the first call, UTC ms"),
    Column("pack", LargeBinary, nullable=False, comment="the calls of one source that were committed together"),
)
"""PostgreSQL only: the calls that wait."""

VERSIONS: Final = Table(
    "versions",
    metadata,
    Column("source", Text, primary_key=True),
    Column("record", Text, primary_key=True, comment="what a reader calls it: 'order 450789469'"),
    Column("changed_at", BigInteger, nullable=False, comment="by its sender, as the newest known telling says, UTC ms"),
    Column("collect", Integer, ForeignKey("collects.id"), nullable=False, comment="that told of it"),
    Index("versions_by_collect", "collect"),
)

CURSORS: Final = Table(
    "cursors",
    metadata,
    Column("source", Text, primary_key=True),
    Column("stream", Text, primary_key=True, comment="what is pulled: 'orders'"),
    Column("cursor", Text, nullable=False, comment="JSON: from where the next pull goes on"),
    Column("at", BigInteger, nullable=False, comment="when it was moved on, UTC ms"),
)

REQUESTS: Final = Table(
    "requests",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("source", Text, nullable=False, comment="that sent it on"),
    Column("kind", Text, nullable=False, comment="access, erasure, or closing (the whole shop or account)"),
    Column("message", Text, nullable=False, comment="the sender's number of it: the same again is no new request"),
    Column("about", Text, nullable=False, comment="JSON: identifiers of whom it is about, until it is done"),
    Column("received_at", BigInteger, nullable=False, comment="UTC ms"),
    Column("due_at", BigInteger, nullable=False, comment="UTC ms"),
    Column("done_at", BigInteger, comment="UTC ms; empty while it is open"),
    Column("proof", Text, comment="file below .cxm/proofs that says what was done"),
    UniqueConstraint("source", "kind", "message"),
)
