"""Probes of versions, and their variables."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def _text(name: str, *constraints: Any) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), *constraints, nullable=False)


def _count(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Integer(), nullable=False)


def upgrade() -> None:
    op.create_table(
        "probes",
        _text("version_id", sa.ForeignKey("versions.version_id")),
        sa.Column("probe", sa.Integer(), autoincrement=False, nullable=False),
        _text("report"),
        _count("files"),
        _count("opened"),
        sa.Column("box", sa.JSON(), nullable=True),
        sa.Column("period", sa.JSON(), nullable=True),
        _text("probed_at"),
        sa.PrimaryKeyConstraint("version_id", "probe"),
    )
    op.create_table(
        "variables",
        _text("version_id", sa.ForeignKey("versions.version_id")),
        sa.Column("probe", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        _text("name"),
        sa.Column("title", sa.JSON(), nullable=False),
        _text("kind"),
        _text("unit"),
        _text("base_unit"),
        _text("standard_name"),
        sa.Column("minimum", sa.Float(), nullable=True),
        sa.Column("maximum", sa.Float(), nullable=True),
        _count("files"),
        _text("file"),
        sa.PrimaryKeyConstraint("version_id", "probe", "number"),
    )


def downgrade() -> None:
    op.drop_table("variables")
    op.drop_table("probes")
