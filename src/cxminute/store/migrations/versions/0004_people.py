"""One person, under consent: sealed values, bonds, merges, proposals, consents, suppressions, erasures, disclosures."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

NEW = ("bonds", "merges", "proposals", "consents", "suppressed", "erasures", "disclosures", "destroying")


def upgrade() -> None:
    op.add_column("identifiers", sa.Column("apart", sa.Text, nullable=False, server_default=""))
    for table in ("identifiers", "personal", "rejects", "requests"):
        op.add_column(table, sa.Column("sealed", sa.LargeBinary))
    for column in ("checked_at", "extended_at"):
        op.add_column("requests", sa.Column(column, sa.BigInteger))
    op.add_column("requests", sa.Column("said", sa.Text))
    op.create_table(
        "bonds",
        sa.Column("id", sa.Integer, primary_key=True),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("a", "b")),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("said", "how", "why")),
        sa.Column("known_at", sa.BigInteger, nullable=False),
    )
    op.create_index("bonds_by_pair", "bonds", ["a", "b"])
    op.create_index("bonds_by_b", "bonds", ["b"])
    op.create_table(
        "merges",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("person", "other")),
        *(sa.Column(name, sa.BigInteger) for name in ("a", "b")),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("how", "source")),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("at", "known_at")),
    )
    op.create_index("merges_by_person", "merges", ["person"])
    op.create_index("merges_by_other", "merges", ["other"])
    for column in ("a", "b"):
        op.create_index(f"merges_by_{column}", "merges", [column])
    op.create_table(
        "proposals",
        sa.Column("id", sa.Integer, primary_key=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("model", "digest")),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("a", "b")),
        *(sa.Column(name, sa.Float, nullable=False) for name in ("weight", "probability")),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("explained", "state")),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.Column("decided_at", sa.BigInteger),
        sa.UniqueConstraint("model", "a", "b"),
    )
    for column in ("a", "b"):
        op.create_index(f"proposals_by_{column}", "proposals", [column])
    op.create_table(
        "consents",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("profile", sa.BigInteger, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("purpose", "said", "how", "source")),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("at", "known_at")),
        sa.Column("collect", sa.Integer, sa.ForeignKey("collects.id")),
        sa.Column("why", sa.Text, nullable=False, server_default=""),
    )
    op.create_index("consents_by_profile", "consents", ["profile"])
    op.create_index("consents_by_collect", "consents", ["collect"])
    op.create_table(
        "suppressed",
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("met", sa.BigInteger, nullable=False, server_default="0"),
    )
    op.create_table(
        "erasures",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("people", sa.Integer, nullable=False),
        sa.Column("events", sa.BigInteger, nullable=False),
        *(sa.Column(name, sa.BigInteger) for name in ("first_at", "last_at")),
        sa.Column("proof", sa.Text, nullable=False),
    )
    op.create_table(
        "disclosures",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("profile", sa.BigInteger, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("recipient", "purpose", "what")),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    op.create_index("disclosures_by_profile", "disclosures", ["profile"])
    op.create_table(
        "destroying",
        sa.Column("space", sa.Text, primary_key=True),
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    )
    for table in ("identifiers", "personal", "rejects", "requests"):  # what stands in the clear is sealed at opening
        unmarked = f"EXISTS (SELECT 1 FROM {table}) AND NOT EXISTS (SELECT 1 FROM identifiers WHERE space = 'clear')"  # noqa: S608 -- our own names
        op.execute(
            f"INSERT INTO identifiers (space, number, kind, value) SELECT 'clear', 0, 'clear', '0003' WHERE {unmarked}"
        )


def downgrade() -> None:
    op.execute("DELETE FROM identifiers WHERE space = 'clear'")
    for table in reversed(NEW):
        op.drop_table(table)
    for column in ("checked_at", "extended_at", "said"):
        op.drop_column("requests", column)
    for table in ("identifiers", "personal", "rejects", "requests"):
        op.drop_column(table, "sealed")
    op.drop_column("identifiers", "apart")
