"""Reads of the proposals slice."""
