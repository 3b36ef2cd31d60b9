"""Which holding keeps the bytes of a version, under which key."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.create_table(
        "holdings",
        sa.Column("version_id", sa.Text(), sa.ForeignKey("versions.version_id"), nullable=False),
        sa.Column("holding_id", sa.Text(), nullable=False, unique=True),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("destroyed_at", sa.Text()),
        sa.PrimaryKeyConstraint("version_id"),
    )


def downgrade() -> None:
    op.drop_table("holdings")
