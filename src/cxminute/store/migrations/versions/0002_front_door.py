"""The front door: write keys, marks, minutes, receipts, what compaction replaced, and PostgreSQL's inbox."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "write_keys",
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("prefix", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger),
        sa.Column("revoked_at", sa.BigInteger),
    )
    op.create_table(
        "marks",
        sa.Column("inbox", sa.Text, primary_key=True),
        sa.Column("source", sa.Text, primary_key=True),
        sa.Column("number", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "minutes",
        sa.Column("collect", sa.Integer, sa.ForeignKey("collects.id"), primary_key=True),
        sa.Column("minute", sa.BigInteger, primary_key=True, autoincrement=False),
        *(
            sa.Column(count, sa.BigInteger, nullable=False)
            for count in ("received", "stored", "duplicate", "quarantined")
        ),
    )
    op.create_index("minutes_by_minute", "minutes", ["minute"])
    op.create_table(
        "receipts",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("file", sa.Text, nullable=False),
        sa.Column("rows", sa.BigInteger, nullable=False),
        sa.Column("first_day", sa.Integer, nullable=False),
        sa.Column("last_day", sa.Integer, nullable=False),
    )
    op.create_table(
        "forgotten",
        sa.Column("collect", sa.Integer, sa.ForeignKey("collects.id"), primary_key=True),
    )
    op.create_table(
        "retired",
        sa.Column("segment", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("file", sa.Text, nullable=False),
        sa.Column("rows", sa.BigInteger, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("merged", sa.Integer, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("swept", sa.Boolean, nullable=False),
    )
    op.create_index("retired_by_merged", "retired", ["merged"])
    op.create_table(
        "inboxes",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("identity", sa.Text, nullable=False),
        sa.Column("last", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "packs",
        sa.Column("first", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("source", sa.Text, nullable=False),
        *(sa.Column(number, sa.BigInteger, nullable=False) for number in ("calls", "events", "bytes", "received_at")),
        sa.Column("pack", sa.LargeBinary, nullable=False),
    )


def downgrade() -> None:
    later = ("packs", "inboxes", "retired", "forgotten", "receipts", "minutes", "marks", "write_keys")
    for table in later:
        op.drop_table(table)
