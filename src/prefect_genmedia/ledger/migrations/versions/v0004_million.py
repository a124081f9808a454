"""A million rows: budgets, lists and sweeps by index; a tag's rows say themselves what their jobs count."""

# ruff: noqa: S608 - every word in these statements is one of ours

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_COUNTED = ("unit", "state", "refunded", "quota", "expected_cost")
_COPY = ", ".join(f"{name} = NEW.{name}" for name in _COUNTED)
_FROM_JOB = ", ".join(f"{name} = (SELECT {name} FROM genmedia_job WHERE id = genmedia_tag.job)" for name in _COUNTED)
_CHANGED = f"AFTER UPDATE OF {', '.join(_COUNTED)} ON genmedia_job"
# SQLite loses the triggers of a table that a later migration builds anew: it has to make them again.
_SQLITE = (
    f"""CREATE TRIGGER genmedia_job_counts {_CHANGED}
    BEGIN UPDATE genmedia_tag SET {_COPY} WHERE job = NEW.id; END""",
    f"""CREATE TRIGGER genmedia_tag_counts AFTER INSERT ON genmedia_tag
    BEGIN UPDATE genmedia_tag SET {_FROM_JOB} WHERE job = NEW.job AND tag = NEW.tag; END""",
)
_POSTGRES = (
    f"""CREATE FUNCTION genmedia_job_counts() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN UPDATE genmedia_tag SET {_COPY} WHERE job = NEW.id; RETURN NULL; END $$""",
    f"""CREATE TRIGGER genmedia_job_counts {_CHANGED}
    FOR EACH ROW EXECUTE FUNCTION genmedia_job_counts()""",
    f"""CREATE FUNCTION genmedia_tag_counts() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN UPDATE genmedia_tag SET {_FROM_JOB} WHERE job = NEW.job AND tag = NEW.tag; RETURN NULL; END $$""",
    """CREATE TRIGGER genmedia_tag_counts AFTER INSERT ON genmedia_tag
    FOR EACH ROW EXECUTE FUNCTION genmedia_tag_counts()""",
)


def upgrade() -> None:
    op.add_column("genmedia_tag", sa.Column("unit", sa.String(16)))
    op.add_column("genmedia_tag", sa.Column("state", sa.String(16)))
    op.add_column("genmedia_tag", sa.Column("refunded", sa.Boolean))
    op.add_column("genmedia_tag", sa.Column("quota", sa.Float))
    op.add_column("genmedia_tag", sa.Column("expected_cost", sa.Float))
    op.execute(f"UPDATE genmedia_tag SET {_FROM_JOB}")
    for statement in _SQLITE if op.get_bind().dialect.name == "sqlite" else _POSTGRES:
        op.execute(statement)
    for table, name in (("tag", "tag"), ("job", "run"), ("job", "state")):
        op.drop_index(f"ix_genmedia_{table}_{name}", f"genmedia_{table}")
    op.create_index("ix_genmedia_tag_tag", "genmedia_tag", ["tag", *_COUNTED, "job"])
    op.create_index("ix_genmedia_job_run", "genmedia_job", ["run", *_COUNTED, "id"])
    op.create_index("ix_genmedia_job_sent", "genmedia_job", ["unit", "sent_at", *_COUNTED[1:], "id"])
    unsent = sa.text("sent_at IS NULL")
    columns = ["unit", "submitted_at", "state"]
    op.create_index("ix_genmedia_job_unsent", "genmedia_job", columns, sqlite_where=unsent, postgresql_where=unsent)
    op.create_index("ix_genmedia_job_state", "genmedia_job", ["state", "created_at"])
    op.create_index("ix_genmedia_job_created", "genmedia_job", ["created_at"])


def downgrade() -> None:
    for name in ("created", "state", "unsent", "sent", "run"):
        op.drop_index(f"ix_genmedia_job_{name}", "genmedia_job")
    op.drop_index("ix_genmedia_tag_tag", "genmedia_tag")
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER genmedia_tag_counts")
        op.execute("DROP TRIGGER genmedia_job_counts")
    else:
        op.execute("DROP FUNCTION genmedia_tag_counts() CASCADE")
        op.execute("DROP FUNCTION genmedia_job_counts() CASCADE")
    for name in _COUNTED:
        op.drop_column("genmedia_tag", name)
    op.create_index("ix_genmedia_tag_tag", "genmedia_tag", ["tag"])
    op.create_index("ix_genmedia_job_run", "genmedia_job", ["run"])
    op.create_index("ix_genmedia_job_state", "genmedia_job", ["state"])
