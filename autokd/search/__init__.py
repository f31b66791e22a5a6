"""What to try next, for how long, and a record of it that survives a kill. Sees no data."""
