"""Sources that ended."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.add_column("sources", sa.Column("ended_at", sa.Text()))


def downgrade() -> None:
    op.drop_column(
        "sources", "ended_at"
    )  # as a batch, SQLite would make the table anew, to which records refer
