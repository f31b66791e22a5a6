"""Records, and how they reach a file and come back. No torch in here."""
