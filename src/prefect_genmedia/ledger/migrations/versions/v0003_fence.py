"""What a fence needs (how often and when a row was sent, until when it may arrive), and remarks on files and jobs."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("genmedia_job", sa.Column("sends", sa.Integer, nullable=False, server_default="0"))
    op.add_column("genmedia_job", sa.Column("sent_at", sa.Float))
    op.add_column("genmedia_job", sa.Column("arrives_until", sa.Float))
    op.add_column("genmedia_job", sa.Column("lost_at", sa.Float))
    op.add_column("genmedia_job", sa.Column("missing_since", sa.Float))
    op.add_column("genmedia_job", sa.Column("missing_looks", sa.Integer, nullable=False, server_default="0"))
    op.add_column("genmedia_job", sa.Column("remarks", sa.JSON))
    op.add_column("genmedia_job", sa.Column("whole", sa.Boolean, nullable=False, server_default=sa.false()))
    op.execute("UPDATE genmedia_job SET whole = true WHERE state = 'STORED'")
    op.add_column("genmedia_media", sa.Column("remarks", sa.JSON))


def downgrade() -> None:
    op.drop_column("genmedia_media", "remarks")
    for name in ("whole", "remarks", "missing_looks", "missing_since", "lost_at", "arrives_until", "sent_at", "sends"):
        op.drop_column("genmedia_job", name)
