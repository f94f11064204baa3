"""Order of claims: what stands behind an older one of its key is not looked at each time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_UNFINISHED = sa.text("state in ('pending', 'claimed', 'unclear')")
_MARK = (
    "update work set behind = true"
    " where order_key is not null and state in ('pending', 'claimed', 'unclear')"
    " and id > (select min(older.id) from work older where older.order_key = work.order_key"
    " and older.state in ('pending', 'claimed', 'unclear'))"
)


def upgrade() -> None:
    """Adds the mark, sets it for what waits by now, and takes it into the index of claims."""
    if op.get_bind().dialect.name == "postgresql":
        # By bytes, as on SQLite: so its index also finds what begins with a text.
        op.execute('alter table work alter column order_key type varchar collate "C"')
    op.add_column(
        "work", sa.Column("behind", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.execute(_MARK)
    op.drop_index("ix_work_due", table_name="work")
    op.create_index(
        "ix_work_due",
        "work",
        ["kind", "behind", "priority", "due", "id"],
        sqlite_where=_UNFINISHED,
        postgresql_where=_UNFINISHED,
    )
