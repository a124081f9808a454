"""What people decided of files, and how many stars they gave them."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "genmedia_decision",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("run", sa.Text, nullable=False),
        sa.Column("position", sa.Integer),
        sa.Column("picture", sa.Integer),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("source", sa.String(64)),
        sa.Column("file", sa.JSON),
        sa.Column("decision", sa.String(16)),
        sa.Column("rating", sa.Integer),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("asked_at", sa.Float, nullable=False),
        sa.Column("decided_at", sa.Float),
        sa.UniqueConstraint("run", "position", name="uq_genmedia_decision_run"),
    )
    op.create_index("ix_genmedia_decision_sha256", "genmedia_decision", ["sha256", "decided_at"])
    op.create_index("ix_genmedia_decision_source", "genmedia_decision", ["source", "decided_at"])


def downgrade() -> None:
    op.drop_table("genmedia_decision")
