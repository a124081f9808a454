"""What budgets count by (the unit of a price, tags), and whether a submit carried our callback address."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("genmedia_job", sa.Column("unit", sa.String(16), nullable=False, server_default="quota"))
    op.execute("UPDATE genmedia_job SET unit = 'USD' WHERE operation LIKE 'novita.%'")
    op.add_column("genmedia_job", sa.Column("labelled", sa.Boolean, nullable=False, server_default=sa.false()))
    op.create_table(
        "genmedia_tag",
        sa.Column("job", sa.String(32), sa.ForeignKey("genmedia_job.id"), primary_key=True),
        sa.Column("tag", sa.Text, primary_key=True),
    )
    op.create_index("ix_genmedia_tag_tag", "genmedia_tag", ["tag"])
    op.create_index("ix_genmedia_job_owner", "genmedia_job", ["owner"])
    op.create_index("ix_genmedia_job_run", "genmedia_job", ["run"])


def downgrade() -> None:
    op.drop_index("ix_genmedia_job_run", "genmedia_job")
    op.drop_index("ix_genmedia_job_owner", "genmedia_job")
    op.drop_table("genmedia_tag")
    op.drop_column("genmedia_job", "labelled")
    op.drop_column("genmedia_job", "unit")
