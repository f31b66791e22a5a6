"""The Python interface: the same runs as the command line, with what a program has in memory."""
