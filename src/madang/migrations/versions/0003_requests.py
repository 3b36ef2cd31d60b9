"""Requests with idempotency keys (no rows of the world: the ledger does not cover them), and the indexes that
listings walk."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "requests",
        sa.Column("member", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer()),
        sa.Column("body", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("member", "key"),
    )
    for table, first, time, key in _LISTED:
        op.create_index(f"{table}_by_time", table, [time, key])
        for column in first:
            op.create_index(f"{table}_of_{column}", table, [column, time, key])


_LISTED = (
    ("versions", ("mission", "owner"), "created_at", "version_id"),
    ("runs", ("mission", "organization"), "queued_at", "run_id"),
)


def downgrade() -> None:
    for table, first, _, _ in _LISTED:
        for column in first:
            op.drop_index(f"{table}_of_{column}", table)
        op.drop_index(f"{table}_by_time", table)
    op.drop_table("requests")
