"""Notifications: what each event tells whom, the inbox, and my tasks."""
