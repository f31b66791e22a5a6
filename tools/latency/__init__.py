"""How far the latency prediction can be trusted: against published tables, and against a host."""
