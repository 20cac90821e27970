"""Sources that others run: when their records changed, how far they were pulled, and what they ask in people's name."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "versions",
        sa.Column("source", sa.Text, primary_key=True),
        sa.Column("record", sa.Text, primary_key=True),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.Column("collect", sa.Integer, sa.ForeignKey("collects.id"), nullable=False),
    )
    op.create_index("versions_by_collect", "versions", ["collect"])
    op.create_table(
        "cursors",
        sa.Column("source", sa.Text, primary_key=True),
        sa.Column("stream", sa.Text, primary_key=True),
        sa.Column("cursor", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "requests",
        sa.Column("id", sa.Integer, primary_key=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("source", "kind", "message", "about")),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("received_at", "due_at")),
        sa.Column("done_at", sa.BigInteger),
        sa.Column("proof", sa.Text),
        sa.UniqueConstraint("source", "kind", "message"),
    )


def downgrade() -> None:
    for table in ("requests", "cursors", "versions"):
        op.drop_table(table)
