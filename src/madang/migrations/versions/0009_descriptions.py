"""What stewards write of versions."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "descriptions",
        sa.Column("version_id", sa.Text(), sa.ForeignKey("versions.version_id"), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("member", sa.Text(), nullable=False),
        sa.Column("described_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("version_id"),
    )


def downgrade() -> None:
    op.drop_table("descriptions")
