"""What happens in a run, told to the tools that people watch experiments with."""
