"""Jobs, their files, what happened to them, and the ledger's own facts."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "genmedia_job",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("request_hash", sa.String(64), nullable=False),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("copy", sa.Integer, nullable=False),
        sa.Column("operation", sa.Text, nullable=False),
        sa.Column("base_url", sa.Text, nullable=False),
        sa.Column("account", sa.String(16), nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("request", sa.JSON, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("job_id", sa.Text),
        sa.Column("provider_state", sa.Text),
        sa.Column("percent", sa.Float),
        sa.Column("eta_seconds", sa.Float),
        sa.Column("expected_cost", sa.Float),
        sa.Column("quota", sa.Float),
        sa.Column("refunded", sa.Boolean),
        sa.Column("result", sa.JSON),
        sa.Column("hint", sa.Text),
        sa.Column("hint_at", sa.Float),
        sa.Column("owner", sa.String(64)),
        sa.Column("process", sa.Text, nullable=False),
        sa.Column("lease_until", sa.Float, nullable=False),
        sa.Column("run", sa.Text, nullable=False),
        sa.Column("task_run", sa.String(64)),
        sa.Column("successor", sa.String(32)),
        sa.Column("delivered_at", sa.Float),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("updated_at", sa.Float, nullable=False),
        sa.Column("submitted_at", sa.Float),
        sa.Column("finished_at", sa.Float),
        sa.UniqueConstraint("key", "attempt", name="uq_genmedia_job_key"),
    )
    op.create_index("ix_genmedia_job_same", "genmedia_job", ["request_hash", "account"])
    op.create_index("ix_genmedia_job_state", "genmedia_job", ["state"])
    op.create_index("ix_genmedia_job_provider_job", "genmedia_job", ["job_id"])
    op.create_table(
        "genmedia_media",
        sa.Column("job", sa.String(32), sa.ForeignKey("genmedia_job.id"), primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("uri", sa.Text, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("media_type", sa.Text, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("width", sa.Integer),
        sa.Column("height", sa.Integer),
    )
    op.create_table(
        "genmedia_event",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("job", sa.String(32), sa.ForeignKey("genmedia_job.id"), nullable=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("note", sa.Text, nullable=False),
    )
    op.create_index("ix_genmedia_event_job", "genmedia_event", ["job"])
    op.create_table(
        "genmedia_fact",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )


def downgrade() -> None:
    for table in ("genmedia_fact", "genmedia_event", "genmedia_media", "genmedia_job"):
        op.drop_table(table)
