"""Decisions: drafted by one, signed by another, released together."""
