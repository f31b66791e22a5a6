"""From a program of layers to a torch module."""
