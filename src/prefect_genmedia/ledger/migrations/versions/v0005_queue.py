"""Which of its account's queues a job stands in: all workers count those in progress."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("genmedia_job", sa.Column("queue", sa.Text))
    sent = sa.text("state IN ('INTENT', 'SUBMITTED')")
    columns = ["account", "queue", "sent_at"]
    op.create_index("ix_genmedia_job_queue", "genmedia_job", columns, sqlite_where=sent, postgresql_where=sent)


def downgrade() -> None:
    op.drop_index("ix_genmedia_job_queue", "genmedia_job")
    op.drop_column("genmedia_job", "queue")
