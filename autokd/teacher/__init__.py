"""Any trained classifier as a source of logits, loaded without running code from its file."""
