"""The demo: its login service, and the data it starts with."""
