"""Tell the administrators apart, and let there be auditors."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

ROLES = "'coordinator', 'stand_in', 'reviewer', 'approver', 'administrator'"
MORE = "'auditor', 'security_administrator', 'audit_administrator'"
ADMINISTRATORS = "'administrator', 'security_administrator', 'audit_administrator'"


def upgrade() -> None:
    """Know three more roles; nobody is two of the three administrators."""
    # A table of some dozen rows, whatever the portal's size: to read it whole takes no time.
    op.execute(
        "-- squawk-ignore-file ban-drop-constraint, constraint-missing-not-valid, "
        "require-concurrent-index-creation\n"
        "lock table platform_roles in access exclusive mode"
    )
    op.drop_constraint(op.f("ck_platform_roles_role"), "platform_roles")
    op.create_check_constraint(
        op.f("ck_platform_roles_role"), "platform_roles", f"role in ({ROLES}, {MORE})"
    )
    op.create_index(
        "uq_platform_roles_one_administrator",
        "platform_roles",
        ["person_id"],
        unique=True,
        postgresql_where=sa.text(f"ended_at is null and role in ({ADMINISTRATORS})"),
    )


def downgrade() -> None:
    """Forget them, and who holds them."""
    op.drop_index("uq_platform_roles_one_administrator", table_name="platform_roles")
    op.execute(f"delete from platform_roles where role in ({MORE})")
    op.drop_constraint(op.f("ck_platform_roles_role"), "platform_roles")
    op.create_check_constraint(
        op.f("ck_platform_roles_role"), "platform_roles", f"role in ({ROLES})"
    )
