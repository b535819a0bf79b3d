"""Calls: the pinned form, the rubric, the stages, the dates."""
