"""The heads of columns as files have them, and how many files were looked into in part."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.add_column("variables", sa.Column("head", sa.Text()))
    op.add_column("probes", sa.Column("parts", sa.Integer()))


def downgrade() -> None:
    op.drop_column("probes", "parts")
    op.drop_column("variables", "head")
