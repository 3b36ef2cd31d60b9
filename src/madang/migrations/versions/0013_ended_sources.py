"""Sources that ended."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    with op.batch_alter_table("sources") as sources:
        sources.add_column(sa.Column("ended_at", sa.Text()))


def downgrade() -> None:
    with op.batch_alter_table("sources") as sources:
        sources.drop_column("ended_at")
