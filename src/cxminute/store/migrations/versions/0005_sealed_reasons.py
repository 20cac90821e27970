"""Reasons sealed; names of events and files, and events, called by keyed digests; older ones when it is opened."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

SEALED = ("bonds", "consents")


def upgrade() -> None:
    for table in SEALED:
        op.add_column(table, sa.Column("sealed", sa.LargeBinary))
    for table in (*SEALED, "names", "personal", "collects"):
        unmarked = f"EXISTS (SELECT 1 FROM {table}) AND NOT EXISTS (SELECT 1 FROM identifiers WHERE space = 'clear')"  # noqa: S608 -- our own names
        op.execute(
            f"INSERT INTO identifiers (space, number, kind, value) SELECT 'clear', 0, 'clear', '0004' WHERE {unmarked}"
        )


def downgrade() -> None:
    op.execute("DELETE FROM identifiers WHERE space = 'clear'")
    for table in SEALED:
        op.drop_column(table, "sealed")
