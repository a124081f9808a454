"""Files by their bytes: why a file exists is asked with the sha256 of any copy."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_genmedia_media_sha256", "genmedia_media", ["sha256"])


def downgrade() -> None:
    op.drop_index("ix_genmedia_media_sha256", "genmedia_media")
