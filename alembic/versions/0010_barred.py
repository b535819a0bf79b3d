"""Keep with each turn whom the handling is kept from."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"

# 194: the bits CONFLICT, TEAM and EMPLOYER of `Right`.
FILL = """
update turns t set barred = x.barred
from (
  select proposal_id, array_agg(principal order by principal) as barred
  from access where rights & 194 <> 0 group by proposal_id) x
where x.proposal_id = t.proposal_id
"""


def upgrade() -> None:
    """Add the column and fill it in from the rows of access."""
    op.add_column(
        "turns",
        sa.Column("barred", postgresql.ARRAY(sa.Uuid()), server_default="{}", nullable=False),
    )
    op.execute(FILL)


def downgrade() -> None:
    """Take it away."""
    op.drop_column("turns", "barred")
