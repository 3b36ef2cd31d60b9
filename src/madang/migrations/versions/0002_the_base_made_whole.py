"""The base made whole: what the line still lacked, domain by domain. Columns added to tables that hold rows
are nullable (see ``kernel.ledger.log.row_commitment``).
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    _columns_added()
    _scoreboard()
    _rights()


def _rights() -> None:
    op.create_table(
        "obligations",
        sa.Column("agreement", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("duty", sa.Text(), nullable=False),
        sa.Column("due_at", sa.Text(), nullable=False),
        sa.Column("met_at", sa.Text()),
        sa.Column("met_by", sa.Text()),
        sa.Column("evidence", sa.JSON()),
        sa.ForeignKeyConstraint(["agreement"], ["agreements.name"]),
        sa.ForeignKeyConstraint(["organization"], ["organizations.name"]),
        sa.ForeignKeyConstraint(["met_by"], ["members.member_id"]),
        sa.PrimaryKeyConstraint("agreement", "number", "organization"),
    )
    op.create_index("ix_obligations_due_at", "obligations", ["due_at"])
    op.create_table(
        "reads",
        sa.Column("read_id", sa.Text(), nullable=False),
        sa.Column("version_id", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("member", sa.Text(), nullable=False),
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("grounds", sa.JSON(), nullable=False),
        sa.Column("read_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["version_id"], ["versions.version_id"]),
        sa.PrimaryKeyConstraint("read_id"),
    )
    op.create_index("ix_reads_version_id", "reads", ["version_id"])


def _columns_added() -> None:
    for table, column in _COLUMNS:
        with op.batch_alter_table(table) as batch:
            batch.add_column(sa.Column(column.name, column.type))


def _scoreboard() -> None:
    op.create_table(
        "feedback",
        sa.Column("submission_id", sa.Text(), nullable=False),
        sa.Column("released", sa.Boolean(), nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        sa.Column("lower", sa.Float(), nullable=False),
        sa.Column("upper", sa.Float(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("statement", sa.JSON(), nullable=False),
        sa.Column("signature", sa.Text(), nullable=False),
        sa.Column("judged_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["submission_id"], ["submissions.submission_id"]),
        sa.PrimaryKeyConstraint("submission_id"),
    )
    op.create_table(
        "openings",
        sa.Column("mission", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("asked_for", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.Text(), nullable=False),
        sa.Column("confirmed_by", sa.Text()),
        sa.Column("confirmed_for", sa.Text()),
        sa.Column("confirmed_at", sa.Text()),
        sa.Column("content", sa.Text()),
        sa.Column("published_at", sa.Text()),
        sa.ForeignKeyConstraint(["mission"], ["missions.name"]),
        sa.ForeignKeyConstraint(["asked_by"], ["members.member_id"]),
        sa.ForeignKeyConstraint(["asked_for"], ["organizations.name"]),
        sa.ForeignKeyConstraint(["confirmed_by"], ["members.member_id"]),
        sa.ForeignKeyConstraint(["confirmed_for"], ["organizations.name"]),
        sa.PrimaryKeyConstraint("mission"),
    )


_COLUMNS = (
    ("runs", sa.Column("supervisor", sa.Text())),
    ("profiles", sa.Column("fingerprints", sa.Text())),
    ("benchmarks", sa.Column("feedback_n", sa.Integer())),
    ("benchmarks", sa.Column("feedback_commitment", sa.Text())),
    ("submissions", sa.Column("lineage", sa.Text())),
)
_TABLES = ("reads", "obligations", "openings", "feedback")


def downgrade() -> None:
    for table in _TABLES:
        op.drop_table(table)
    for table, column in reversed(_COLUMNS):
        with op.batch_alter_table(table) as batch:
            batch.drop_column(column.name)
