"""What a report says of the machine and the tools that made it."""

import platform
from importlib import metadata
from typing import Any

from autokd.pipeline.plan import RunPlan

_PACKAGES = ("torch", "torchvision", "botorch", "onnx", "onnxruntime", "networkx", "numpy")


def tool_versions() -> dict[str, str]:
    """Give the version of Python and of each package that has a say in the result."""
    found = {name: metadata.version(name) for name in _PACKAGES}
    return {"python": platform.python_version(), **found}


def machine_facts(plan: RunPlan) -> dict[str, Any]:
    """Give the machine, and how much of it the run uses."""
    return {
        "system": platform.system(),
        "machine": platform.machine(),
        "workers": plan.workers,
        "threads": plan.threads,
    }
