"""Capacity plans; calls for compute: applications, reviews, decisions; what an award was applied for."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def _text(name: str, *constraints: Any, empty: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), *constraints, nullable=empty)


def upgrade() -> None:
    op.create_table(
        "plans",
        _text("name"),
        sa.Column("number", sa.Integer(), nullable=False),
        _text("digest"),
        sa.Column("document", sa.JSON(), nullable=False),
        _text("adopted_at"),
        sa.PrimaryKeyConstraint("name", "number"),
    )
    op.create_index("plans_by_time", "plans", ["adopted_at", "name", "number"])
    op.create_table(
        "calls",
        _text("name"),
        _text("share"),
        _text("digest"),
        sa.Column("document", sa.JSON(), nullable=False),
        _text("opened_at"),
        _text("closes_at"),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_index("calls_by_time", "calls", ["opened_at", "name"])
    _applications()
    op.create_table(
        "call_decisions",
        _text("call", sa.ForeignKey("calls.name")),
        _text("inputs_digest"),
        sa.Column("inputs", sa.JSON(), nullable=False),
        sa.Column("outcome", sa.JSON(), nullable=False),
        _text("decided_at"),
        sa.PrimaryKeyConstraint("call"),
    )
    with op.batch_alter_table("awards") as awards:
        awards.add_column(sa.Column("application_id", sa.Text()))
        awards.create_index("ix_awards_application_id", ["application_id"])


def _applications() -> None:
    op.create_table(
        "applications",
        _text("application_id"),
        _text("call", sa.ForeignKey("calls.name")),
        _text("organization", sa.ForeignKey("organizations.name")),
        _text("mission", sa.ForeignKey("missions.name")),
        sa.Column("document", sa.JSON(), nullable=False),
        _text("applied_by", sa.ForeignKey("members.member_id")),
        _text("applied_at"),
        _text("withdrawn_at", empty=True),
        sa.PrimaryKeyConstraint("application_id"),
    )
    op.create_index("applications_of_call", "applications", ["call", "applied_at", "application_id"])
    op.create_table(
        "reviews",
        _text("application_id", sa.ForeignKey("applications.application_id")),
        _text("reviewer", sa.ForeignKey("members.member_id")),
        sa.Column("score", sa.Integer()),
        _text("comment"),
        _text("reviewed_at"),
        sa.PrimaryKeyConstraint("application_id", "reviewer"),
    )


def downgrade() -> None:
    with op.batch_alter_table("awards") as awards:
        awards.drop_index("ix_awards_application_id")
        awards.drop_column("application_id")
    for table in ("call_decisions", "reviews", "applications", "calls", "plans"):
        op.drop_table(table)
