"""Timing of an exported student: the agent's protocol, and the agent as a process of this host."""
