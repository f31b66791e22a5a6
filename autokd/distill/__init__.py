"""How a student learns from cached teacher logits, and what it scores."""
