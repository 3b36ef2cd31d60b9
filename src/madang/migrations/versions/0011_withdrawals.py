"""Versions that were taken back, and who was told."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.create_table(
        "withdrawals",
        sa.Column("withdrawal_id", sa.Text(), nullable=False),
        sa.Column("version_id", sa.Text(), sa.ForeignKey("versions.version_id"), nullable=False, unique=True),
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("member", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("withdrawn_at", sa.Text(), nullable=False),
        sa.Column("destroyed_at", sa.Text()),
        sa.PrimaryKeyConstraint("withdrawal_id"),
    )
    op.create_table(
        "withdrawal_notices",
        sa.Column("withdrawal_id", sa.Text(), sa.ForeignKey("withdrawals.withdrawal_id"), nullable=False),
        sa.Column("organization", sa.Text(), sa.ForeignKey("organizations.name"), nullable=False),
        sa.PrimaryKeyConstraint("withdrawal_id", "organization"),
    )
    op.create_index("ix_withdrawal_notices_organization", "withdrawal_notices", ["organization"])


def downgrade() -> None:
    op.drop_table("withdrawal_notices")
    op.drop_table("withdrawals")
