"""Projects: what an approved proposal becomes, and the public register."""
