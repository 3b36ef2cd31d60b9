"""Attempts of runs; runs that may borrow."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def _text(name: str, *constraints: Any, empty: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), *constraints, nullable=empty)


def upgrade() -> None:
    op.create_table(
        "run_attempts",
        _text("run_id", sa.ForeignKey("runs.run_id")),
        sa.Column("number", sa.Integer(), nullable=False),
        _text("engine"),
        _text("supervisor"),
        _text("claimed_at"),
        _text("started_at", empty=True),
        _text("ended_at", empty=True),
        _text("job", empty=True),
        sa.Column("borrowed", sa.Boolean()),
        _text("reason"),
        sa.Column("used_resource_seconds", sa.BigInteger()),
        _text("log", empty=True),
        sa.PrimaryKeyConstraint("run_id", "number"),
    )
    op.create_index("attempts_by_end", "run_attempts", ["ended_at", "run_id", "number"])
    with op.batch_alter_table("runs") as runs:
        runs.add_column(sa.Column("may_borrow", sa.Boolean()))
        runs.add_column(sa.Column("attempt", sa.Integer()))


def downgrade() -> None:
    with op.batch_alter_table("runs") as runs:
        runs.drop_column("attempt")
        runs.drop_column("may_borrow")
    op.drop_table("run_attempts")
