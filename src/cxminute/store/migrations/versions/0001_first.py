"""The first state: identifiers, collects, segments, names, personal data, quarantine."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "identifiers",
        sa.Column("space", sa.Text, primary_key=True),
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.UniqueConstraint("space", "kind", "value"),
    )
    op.create_table(
        "collects",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("file", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("mapping", sa.Text, nullable=False),
        sa.Column("known_at", sa.BigInteger, nullable=False),
        sa.Column("finished_at", sa.BigInteger),
        sa.Column("undone_at", sa.BigInteger),
    )
    op.create_table(
        "chunks",
        sa.Column("collect", sa.Integer, sa.ForeignKey("collects.id"), primary_key=True),
        sa.Column("part", sa.Integer, primary_key=True, autoincrement=False),
        *(
            sa.Column(count, sa.BigInteger, nullable=False)
            for count in ("rows", "rejected", "added", "repeated", "corrected", "removed")
        ),
    )
    op.create_table(
        "segments",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("collect", sa.Integer, sa.ForeignKey("collects.id"), nullable=False),
        sa.Column("part", sa.Integer, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("file", sa.Text, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        *(sa.Column(number, sa.BigInteger, nullable=False) for number in ("rows", "bytes", "first_at", "last_at")),
        sa.Column("correction", sa.Boolean, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("columns", sa.Text, nullable=False),
    )
    op.create_table(
        "superseded",
        sa.Column("segment", sa.Integer, sa.ForeignKey("segments.id"), primary_key=True),
        sa.Column("row", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("collect", sa.Integer, sa.ForeignKey("collects.id"), primary_key=True),
    )
    op.create_table(
        "sides",
        sa.Column("segment", sa.Integer, sa.ForeignKey("segments.id"), primary_key=True),
        sa.Column("path", sa.Text, primary_key=True),
        sa.Column("file", sa.Text),
    )
    op.create_table(
        "names",
        sa.Column("code", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.UniqueConstraint("source", "name"),
    )
    op.create_table(
        "personal",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("collect", sa.Integer, sa.ForeignKey("collects.id"), nullable=False),
        sa.Column("part", sa.Integer, nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("profile", sa.BigInteger),
        sa.Column("document", sa.Text, nullable=False),
    )
    op.create_index("personal_by_profile", "personal", ["profile"])
    op.create_index("personal_by_collect", "personal", ["collect", "part"])
    op.create_table(
        "rejects",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("collect", sa.Integer, sa.ForeignKey("collects.id"), nullable=False),
        sa.Column("part", sa.Integer, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("row", sa.Text, nullable=False),
        sa.Column("replayed_by", sa.Integer, sa.ForeignKey("collects.id")),
    )
    op.create_index("rejects_by_source", "rejects", ["source", "reason"])


def downgrade() -> None:
    later = ("rejects", "personal", "names", "sides", "superseded", "segments", "chunks")
    for table in (*later, "collects", "identifiers"):
        op.drop_table(table)
