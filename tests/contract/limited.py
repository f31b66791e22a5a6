"""Runs a program under a real limit of memory: limited.py LIMIT VALUE PROGRAM [ARGUMENT...].

LIMIT is ``RLIMIT_DATA`` or ``RLIMIT_AS`` with a VALUE in bytes, or ``cgroup`` with a folder. It is
started in a process of its own, so that the limit holds for that program alone.
"""

import os
import resource
import runpy
import sys
from pathlib import Path

limit, value, program, *arguments = sys.argv[1:]
if limit == "cgroup":
    Path(value, "cgroup.procs").write_text(str(os.getpid()))
else:
    resource.setrlimit(getattr(resource, limit), (int(value), int(value)))
sys.argv = [program, *arguments]
runpy.run_path(program, run_name="__main__")
