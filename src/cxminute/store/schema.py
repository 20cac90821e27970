"""The tables of the state: declared once for SQLite and PostgreSQL. Migrations in `migrations/` lead here."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

HEAD: Final = "0005"
"""The newest migration: a state at another version is migrated when it is opened, one beyond it is refused."""

metadata: Final = MetaData()

IDENTIFIERS: Final = Table(
    "identifiers",
    metadata,
    Column("space", Text, primary_key=True, comment="'person', or a kind of identifier that is a space of its own"),
    Column("number", BigInteger, primary_key=True, autoincrement=False, comment="dense in its space, from 0"),
    Column("kind", Text, nullable=False, comment="user_id, anonymous_id, order_id ...; '@email' where a value links"),
    Column("value", Text, nullable=False, comment="keyed hash of what the source calls it, by which it is found again"),
    Column("apart", Text, nullable=False, server_default="", comment="the one source that knows it; '' for all"),
    Column("sealed", LargeBinary, comment="what it says, under its own key; empty once it is erased"),
    UniqueConstraint("space", "kind", "value"),
)

COLLECTS: Final = Table(
    "collects",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("source", Text, nullable=False),
    Column(
        "file",
        Text,
        nullable=False,
        comment="keyed digest of the file's name, or 'query', 'door ...', 'quarantine of N'",
    ),
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
    Column("name", Text, nullable=False, comment="keyed digest of it; what it says stands beside the segments"),
    UniqueConstraint("source", "name"),
)

PERSONAL: Final = Table(
    "personal",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("collect", Integer, ForeignKey("collects.id"), nullable=False),
    Column("part", Integer, nullable=False),
    Column("event", Text, nullable=False, comment="keyed digest of source and id of the event that carried it"),
    Column("profile", BigInteger, comment="whose it is: a number in the space 'person'"),
    Column("document", Text, nullable=False, comment="'' since 0004; before, JSON: path -> value"),
    Column("sealed", LargeBinary, comment="JSON: path -> value, under the key of the profile, else of its own row"),
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
    Column("row", Text, nullable=False, comment="'' since 0004; before, the whole row"),
    Column("sealed", LargeBinary, comment="the whole row, under a key of its own"),
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
    Column(
        "kind",
        Text,
        nullable=False,
        comment="access, rectification, erasure, restriction, portability, objection; closing (the whole shop)",
    ),
    Column("message", Text, nullable=False, comment="the sender's number of it: the same again is no new request"),
    Column("about", Text, nullable=False, comment="'' since 0004; before, JSON"),
    Column("sealed", LargeBinary, comment="JSON: identifiers of whom it is about, under a key of its own, until done"),
    Column("received_at", BigInteger, nullable=False, comment="UTC ms"),
    Column("due_at", BigInteger, nullable=False, comment="UTC ms"),
    Column("checked_at", BigInteger, comment="when whoever asked proved who they are, UTC ms"),
    Column("extended_at", BigInteger, comment="when they were told that it takes two months more, UTC ms"),
    Column("said", Text, comment="JSON: how it was checked, why it was extended or refused; in words of ours"),
    Column("done_at", BigInteger, comment="UTC ms; empty while it is open"),
    Column("proof", Text, comment="file below .cxm/proofs that says what was done"),
    UniqueConstraint("source", "kind", "message"),
)

BONDS: Final = Table(
    "bonds",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("a", BigInteger, nullable=False, comment="number in the space 'person'; the smaller of the two"),
    Column("b", BigInteger, nullable=False),
    Column("said", Text, nullable=False, comment="linked, apart, or nothing: takes back what was said before"),
    Column("how", Text, nullable=False, comment="hand, or linkage"),
    Column("why", Text, nullable=False, comment="of linkage, its model and weight; else ''"),
    Column("known_at", BigInteger, nullable=False, comment="when it was said, UTC ms"),
    Column("sealed", LargeBinary, comment="why, in the words of whoever said it, under a key made of those of a and b"),
    Index("bonds_by_pair", "a", "b"),
    Index("bonds_by_b", "b"),
)
"""What people, and linkage that people accepted, say of two identifiers; the newest of a pair holds."""

MERGES: Final = Table(
    "merges",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", Text, nullable=False, comment="merge or unmerge"),
    Column("person", BigInteger, nullable=False, comment="who goes on: the older, by number in the space 'person'"),
    Column("other", BigInteger, nullable=False, comment="who became part of it, or parted from it"),
    Column("a", BigInteger, comment="one end of the link that decided; empty where several did"),
    Column("b", BigInteger),
    Column("how", Text, nullable=False, comment="what kind of link decided"),
    Column("source", Text, nullable=False, comment="that told of it; '' of people"),
    Column("at", BigInteger, nullable=False, comment="when that happened, UTC ms"),
    Column("known_at", BigInteger, nullable=False, comment="when it was noticed, UTC ms"),
    Index("merges_by_person", "person"),
    Index("merges_by_other", "other"),
    Index("merges_by_a", "a"),
    Index("merges_by_b", "b"),
)
"""Every merge and unmerge of people, in the order in which they were noticed."""

PROPOSALS: Final = Table(
    "proposals",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("model", Text, nullable=False, comment="name of the linkage model"),
    Column("digest", Text, nullable=False, comment="SHA-256 of its file"),
    Column("a", BigInteger, nullable=False, comment="number in the space 'person'; the smaller of the two"),
    Column("b", BigInteger, nullable=False),
    Column("weight", Float, nullable=False, comment="match weight: log2 of the Bayes factor"),
    Column("probability", Float, nullable=False),
    Column("explained", Text, nullable=False, comment="JSON: comparison -> level and weight; no value"),
    Column("state", Text, nullable=False, comment="proposed, accepted or declined"),
    Column("made_at", BigInteger, nullable=False, comment="UTC ms"),
    Column("decided_at", BigInteger, comment="UTC ms"),
    UniqueConstraint("model", "a", "b"),
    Index("proposals_by_a", "a"),
    Index("proposals_by_b", "b"),
)
"""Pairs that a linkage model holds for one person."""

DESTROYING: Final = Table(
    "destroying",
    metadata,
    Column("space", Text, primary_key=True, comment="of the keys: 'person', 'order_id', 'rejects' ..."),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
)
"""Keys whose rows are gone: destroyed at once after the commit, or, where a kill came between, by whoever is next."""

CONSENTS: Final = Table(
    "consents",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("profile", BigInteger, nullable=False, comment="whose identifier told it: number in the space 'person'"),
    Column("purpose", Text, nullable=False, comment="a purpose of the project; '*' for all of them"),
    Column("said", Text, nullable=False, comment="granted, denied, withdrawn, objected, restricted or lifted"),
    Column("how", Text, nullable=False, comment="consent object, preference event, gpc, gpp, import or hand"),
    Column("source", Text, nullable=False, comment="that told of it; '' of people"),
    Column("at", BigInteger, nullable=False, comment="when it was said, UTC ms"),
    Column("known_at", BigInteger, nullable=False, comment="UTC ms"),
    Column("collect", Integer, ForeignKey("collects.id"), comment="that brought it; empty where none did"),
    Column("why", Text, nullable=False, server_default="", comment="'' since 0005"),
    Column("sealed", LargeBinary, comment="why, in the words of who recorded it by hand, under the profile's key"),
    Index("consents_by_profile", "profile"),
    Index("consents_by_collect", "collect"),
)

SUPPRESSED: Final = Table(
    "suppressed",
    metadata,
    Column("digest", Text, primary_key=True, comment="keyed hash of an identifier that was forgotten"),
    Column("kind", Text, nullable=False),
    Column("since", BigInteger, nullable=False, comment="UTC ms"),
    Column("met", BigInteger, nullable=False, server_default="0", comment="events that were refused since"),
)

ERASURES: Final = Table(
    "erasures",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", BigInteger, nullable=False, comment="UTC ms"),
    Column("people", Integer, nullable=False),
    Column("events", BigInteger, nullable=False, comment="removed from the log"),
    Column("first_at", BigInteger, comment="when the first of these events happened, UTC ms"),
    Column("last_at", BigInteger, comment="when the last did"),
    Column("proof", Text, nullable=False, comment="file below .cxm/proofs"),
)

DISCLOSURES: Final = Table(
    "disclosures",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("profile", BigInteger, nullable=False, comment="whose data: number in the space 'person'"),
    Column("recipient", Text, nullable=False, comment="who received it; 'the person' for their own export"),
    Column("purpose", Text, nullable=False),
    Column("what", Text, nullable=False, comment="in a few words, without any value"),
    Column("at", BigInteger, nullable=False, comment="UTC ms"),
    Index("disclosures_by_profile", "profile"),
)
"""Who received what of whom."""
