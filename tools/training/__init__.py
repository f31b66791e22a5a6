"""Ways of training one student, timed against each other."""
