"""The base made whole: what issue by issue the line still lacked. New columns are nullable (see
``kernel.ledger.log.row_commitment``).
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    with op.batch_alter_table("runs") as runs:
        runs.add_column(sa.Column("supervisor", sa.Text()))


def downgrade() -> None:
    with op.batch_alter_table("runs") as runs:
        runs.drop_column("supervisor")
