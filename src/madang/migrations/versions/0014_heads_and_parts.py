"""The heads of columns as files have them, and how many files were looked into in part."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    with op.batch_alter_table("variables") as variables:
        variables.add_column(sa.Column("head", sa.Text()))
    with op.batch_alter_table("probes") as probes:
        probes.add_column(sa.Column("parts", sa.Integer()))


def downgrade() -> None:
    with op.batch_alter_table("probes") as probes:
        probes.drop_column("parts")
    with op.batch_alter_table("variables") as variables:
        variables.drop_column("head")
