"""Everything that changes a proposal before its review."""
