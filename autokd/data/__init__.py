"""Images and labels: read once, kept as uint8, cut into splits and augmented in batches."""
