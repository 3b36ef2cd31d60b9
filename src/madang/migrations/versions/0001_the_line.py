"""The tables of the line: from organizations to scores, and the ledger.

Longer than other files and functions here: one flat statement a table, written once and never edited.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "ledger_entries",
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("leaf", sa.Text(), nullable=False),
        sa.Column("changes", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("position"),
    )
    op.create_index(op.f("ix_ledger_entries_kind"), "ledger_entries", ["kind"], unique=False)
    op.create_index(op.f("ix_ledger_entries_subject"), "ledger_entries", ["subject"], unique=False)
    op.create_table(
        "ledger_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "ledger_nodes",
        sa.Column("level", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("level", "position"),
    )
    op.create_table(
        "organizations",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("title_en", sa.Text(), nullable=False),
        sa.Column("title_ko", sa.Text(), nullable=False),
        sa.Column("registered_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "postings",
        sa.Column("posting_id", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("resource_seconds", sa.BigInteger(), nullable=False),
        sa.Column("posted_at", sa.Text(), nullable=False),
        sa.CheckConstraint("resource_seconds > 0", name="postings_positive"),
        sa.PrimaryKeyConstraint("posting_id"),
    )
    op.create_index(op.f("ix_postings_source"), "postings", ["source"], unique=False)
    op.create_index(op.f("ix_postings_target"), "postings", ["target"], unique=False)
    op.create_table(
        "agreements",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("mission", sa.Text(), nullable=False),
        sa.Column("title_en", sa.Text(), nullable=False),
        sa.Column("title_ko", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("ends_at", sa.Text(), nullable=False),
        sa.Column("drafted_by", sa.Text(), nullable=False),
        sa.Column("drafted_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["drafted_by"],
            ["organizations.name"],
        ),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "members",
        sa.Column("member_id", sa.Text(), nullable=False),
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("roles", sa.Text(), nullable=False),
        sa.Column("joined_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization"],
            ["organizations.name"],
        ),
        sa.PrimaryKeyConstraint("member_id"),
        sa.UniqueConstraint("organization", "name", name="members_organization_name_key"),
    )
    op.create_table(
        "sites",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("operator", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["operator"],
            ["organizations.name"],
        ),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "agreement_clauses",
        sa.Column("agreement", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["agreement"],
            ["agreements.name"],
        ),
        sa.PrimaryKeyConstraint("agreement", "number"),
    )
    op.create_table(
        "agreement_parties",
        sa.Column("agreement", sa.Text(), nullable=False),
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("signed_at", sa.Text(), nullable=True),
        sa.Column("signed_by", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["agreement"],
            ["agreements.name"],
        ),
        sa.ForeignKeyConstraint(
            ["organization"],
            ["organizations.name"],
        ),
        sa.ForeignKeyConstraint(
            ["signed_by"],
            ["members.member_id"],
        ),
        sa.PrimaryKeyConstraint("agreement", "organization"),
    )
    op.create_table(
        "agreement_scopes",
        sa.Column("agreement", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("mission", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["agreement"],
            ["agreements.name"],
        ),
        sa.PrimaryKeyConstraint("agreement", "number", "owner"),
    )
    op.create_index("agreement_scopes_lookup", "agreement_scopes", ["owner", "mission", "kind"], unique=False)
    op.create_table(
        "capacities",
        sa.Column("capacity_id", sa.Text(), nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("starts_at", sa.Text(), nullable=False),
        sa.Column("ends_at", sa.Text(), nullable=False),
        sa.Column("split_at", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["site"],
            ["sites.name"],
        ),
        sa.PrimaryKeyConstraint("capacity_id"),
    )
    op.create_table(
        "missions",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("lead", sa.Text(), nullable=False),
        sa.Column("evaluator", sa.Text(), nullable=False),
        sa.Column("agreement", sa.Text(), nullable=False),
        sa.Column("visibility", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["agreement"],
            ["agreements.name"],
        ),
        sa.ForeignKeyConstraint(
            ["evaluator"],
            ["organizations.name"],
        ),
        sa.ForeignKeyConstraint(
            ["lead"],
            ["organizations.name"],
        ),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "tokens",
        sa.Column("token_id", sa.Text(), nullable=False),
        sa.Column("member_id", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("issued_at", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.Text(), nullable=False),
        sa.Column("revoked_at", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["member_id"],
            ["members.member_id"],
        ),
        sa.PrimaryKeyConstraint("token_id"),
        sa.UniqueConstraint("digest"),
    )
    op.create_table(
        "versions",
        sa.Column("version_id", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("asset", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("mission", sa.Text(), nullable=False),
        sa.Column("agreement", sa.Text(), nullable=True),
        sa.Column("format", sa.Text(), nullable=True),
        sa.Column("manifest", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("files", sa.Integer(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=True),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["agreement"],
            ["agreements.name"],
        ),
        sa.ForeignKeyConstraint(
            ["owner"],
            ["organizations.name"],
        ),
        sa.PrimaryKeyConstraint("version_id"),
        sa.UniqueConstraint("owner", "asset", "number", name="versions_owner_asset_number_key"),
    )
    op.create_index(op.f("ix_versions_mission"), "versions", ["mission"], unique=False)
    op.create_table(
        "awards",
        sa.Column("award_id", sa.Text(), nullable=False),
        sa.Column("capacity_id", sa.Text(), nullable=False),
        sa.Column("share", sa.Text(), nullable=False),
        sa.Column("mission", sa.Text(), nullable=False),
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("resource_seconds", sa.BigInteger(), nullable=False),
        sa.Column("awarded_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["capacity_id"],
            ["capacities.capacity_id"],
        ),
        sa.ForeignKeyConstraint(
            ["mission"],
            ["missions.name"],
        ),
        sa.ForeignKeyConstraint(
            ["organization"],
            ["organizations.name"],
        ),
        sa.PrimaryKeyConstraint("award_id"),
    )
    op.create_index(op.f("ix_awards_mission"), "awards", ["mission"], unique=False)
    op.create_table(
        "benchmarks",
        sa.Column("mission", sa.Text(), nullable=False),
        sa.Column("scorer", sa.Text(), nullable=False),
        sa.Column("scorer_digest", sa.Text(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("commitment", sa.Text(), nullable=False),
        sa.Column("evaluator_key", sa.Text(), nullable=False),
        sa.Column("sealed_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["mission"],
            ["missions.name"],
        ),
        sa.PrimaryKeyConstraint("mission"),
    )
    op.create_table(
        "findings",
        sa.Column("version_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("check", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["version_id"],
            ["versions.version_id"],
        ),
        sa.PrimaryKeyConstraint("version_id", "number"),
    )
    op.create_table(
        "mission_participants",
        sa.Column("mission", sa.Text(), nullable=False),
        sa.Column("organization", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["mission"],
            ["missions.name"],
        ),
        sa.ForeignKeyConstraint(
            ["organization"],
            ["organizations.name"],
        ),
        sa.PrimaryKeyConstraint("mission", "organization"),
    )
    op.create_table(
        "profiles",
        sa.Column("version_id", sa.Text(), nullable=False),
        sa.Column("checker", sa.Text(), nullable=False),
        sa.Column("profile", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["version_id"],
            ["versions.version_id"],
        ),
        sa.PrimaryKeyConstraint("version_id"),
    )
    op.create_table(
        "submissions",
        sa.Column("submission_id", sa.Text(), nullable=False),
        sa.Column("mission", sa.Text(), nullable=False),
        sa.Column("version_id", sa.Text(), nullable=False),
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("submitted_at", sa.Text(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["mission"],
            ["missions.name"],
        ),
        sa.ForeignKeyConstraint(
            ["organization"],
            ["organizations.name"],
        ),
        sa.ForeignKeyConstraint(
            ["version_id"],
            ["versions.version_id"],
        ),
        sa.PrimaryKeyConstraint("submission_id"),
    )
    op.create_index(op.f("ix_submissions_mission"), "submissions", ["mission"], unique=False)
    op.create_table(
        "version_parents",
        sa.Column("version_id", sa.Text(), nullable=False),
        sa.Column("parent_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["parent_id"],
            ["versions.version_id"],
        ),
        sa.ForeignKeyConstraint(
            ["version_id"],
            ["versions.version_id"],
        ),
        sa.PrimaryKeyConstraint("version_id", "parent_id"),
    )
    op.create_index(op.f("ix_version_parents_parent_id"), "version_parents", ["parent_id"], unique=False)
    op.create_table(
        "runs",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("mission", sa.Text(), nullable=False),
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("submitted_by", sa.Text(), nullable=False),
        sa.Column("recipe", sa.Text(), nullable=False),
        sa.Column("parameters", sa.JSON(), nullable=False),
        sa.Column("award_id", sa.Text(), nullable=False),
        sa.Column("cores", sa.Integer(), nullable=False),
        sa.Column("wall_seconds", sa.Integer(), nullable=False),
        sa.Column("output_asset", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("cancel_asked", sa.Boolean(), nullable=False),
        sa.Column("queued_at", sa.Text(), nullable=False),
        sa.Column("started_at", sa.Text(), nullable=True),
        sa.Column("ended_at", sa.Text(), nullable=True),
        sa.Column("engine", sa.Text(), nullable=False),
        sa.Column("isolation", sa.Text(), nullable=True),
        sa.Column("exit_code", sa.Integer(), nullable=True),
        sa.Column("used_resource_seconds", sa.BigInteger(), nullable=True),
        sa.Column("log", sa.Text(), nullable=True),
        sa.Column("metrics", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["award_id"],
            ["awards.award_id"],
        ),
        sa.ForeignKeyConstraint(
            ["mission"],
            ["missions.name"],
        ),
        sa.ForeignKeyConstraint(
            ["organization"],
            ["organizations.name"],
        ),
        sa.ForeignKeyConstraint(
            ["submitted_by"],
            ["members.member_id"],
        ),
        sa.PrimaryKeyConstraint("run_id"),
    )
    op.create_index(op.f("ix_runs_mission"), "runs", ["mission"], unique=False)
    op.create_index(op.f("ix_runs_state"), "runs", ["state"], unique=False)
    op.create_table(
        "scores",
        sa.Column("submission_id", sa.Text(), nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        sa.Column("lower", sa.Float(), nullable=False),
        sa.Column("upper", sa.Float(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("groups", sa.JSON(), nullable=False),
        sa.Column("statement", sa.JSON(), nullable=False),
        sa.Column("signature", sa.Text(), nullable=False),
        sa.Column("scored_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["submission_id"],
            ["submissions.submission_id"],
        ),
        sa.PrimaryKeyConstraint("submission_id"),
    )
    op.create_table(
        "run_inputs",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("version_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"],
            ["runs.run_id"],
        ),
        sa.ForeignKeyConstraint(
            ["version_id"],
            ["versions.version_id"],
        ),
        sa.PrimaryKeyConstraint("run_id", "version_id"),
    )


def downgrade() -> None:
    op.drop_table("run_inputs")
    op.drop_table("scores")
    op.drop_index(op.f("ix_runs_state"), table_name="runs")
    op.drop_index(op.f("ix_runs_mission"), table_name="runs")
    op.drop_table("runs")
    op.drop_index(op.f("ix_version_parents_parent_id"), table_name="version_parents")
    op.drop_table("version_parents")
    op.drop_index(op.f("ix_submissions_mission"), table_name="submissions")
    op.drop_table("submissions")
    op.drop_table("profiles")
    op.drop_table("mission_participants")
    op.drop_table("findings")
    op.drop_table("benchmarks")
    op.drop_index(op.f("ix_awards_mission"), table_name="awards")
    op.drop_table("awards")
    op.drop_index(op.f("ix_versions_mission"), table_name="versions")
    op.drop_table("versions")
    op.drop_table("tokens")
    op.drop_table("missions")
    op.drop_table("capacities")
    op.drop_index("agreement_scopes_lookup", table_name="agreement_scopes")
    op.drop_table("agreement_scopes")
    op.drop_table("agreement_parties")
    op.drop_table("agreement_clauses")
    op.drop_table("sites")
    op.drop_table("members")
    op.drop_table("agreements")
    op.drop_index(op.f("ix_postings_target"), table_name="postings")
    op.drop_index(op.f("ix_postings_source"), table_name="postings")
    op.drop_table("postings")
    op.drop_table("organizations")
    op.drop_table("ledger_nodes")
    op.drop_table("ledger_head")
    op.drop_index(op.f("ix_ledger_entries_subject"), table_name="ledger_entries")
    op.drop_index(op.f("ix_ledger_entries_kind"), table_name="ledger_entries")
    op.drop_table("ledger_entries")
