"""Reviews: conflicts of interest, assignments, scores and texts."""
