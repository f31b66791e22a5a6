"""Parts of ``tools/gate_simulation.py``: slower models, simulated days of CI, and their figures."""
