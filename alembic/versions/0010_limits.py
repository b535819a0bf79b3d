"""Limit what one source may ask."""

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Change nothing yet."""


def downgrade() -> None:
    """Change nothing yet."""
