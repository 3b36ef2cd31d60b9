"""Sources, their records and harvests."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def _text(name: str, *constraints: Any, empty: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), *constraints, nullable=empty)


def _count(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Integer(), nullable=False)


def upgrade() -> None:
    op.create_table(
        "sources",
        _text("name"),
        _text("owner", sa.ForeignKey("organizations.name")),
        _text("kind"),
        _text("url"),
        sa.Column("options", sa.JSON(), nullable=False),
        _text("mission", empty=True),
        _text("since", empty=True),
        _text("created_at"),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "records",
        _text("record_id"),
        _text("source", sa.ForeignKey("sources.name")),
        _text("remote_id"),
        sa.Column("document", sa.JSON(), nullable=False),
        _text("format"),
        _text("digest"),
        _text("original"),
        sa.Column("original_offset", sa.BigInteger(), nullable=False),
        sa.Column("original_bytes", sa.BigInteger(), nullable=False),
        _text("state"),
        _text("harvest"),
        _text("changed_at"),
        sa.PrimaryKeyConstraint("record_id"),
        sa.UniqueConstraint("source", "remote_id", name="records_source_remote_id_key"),
    )
    op.create_index("ix_records_harvest", "records", ["harvest"])
    op.create_index("records_of_source", "records", ["source", "record_id"])
    op.create_table(
        "harvests",
        _text("harvest_id"),
        _text("source", sa.ForeignKey("sources.name")),
        sa.Column("whole", sa.Boolean(), nullable=False),
        _text("state"),
        *(_count(name) for name in ("seen", "made", "changed", "gone", "problems")),
        _text("begun_at"),
        _text("ended_at", empty=True),
        sa.PrimaryKeyConstraint("harvest_id"),
    )
    op.create_index("ix_harvests_source", "harvests", ["source"])
    op.create_table(
        "harvest_problems",
        _text("harvest_id", sa.ForeignKey("harvests.harvest_id")),
        _count("number"),
        _text("remote_id"),
        sa.Column("what", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("harvest_id", "number"),
    )


def downgrade() -> None:
    for table in ("harvest_problems", "harvests", "records", "sources"):
        op.drop_table(table)
