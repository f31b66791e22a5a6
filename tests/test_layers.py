"""Imports point one way, and each part keeps to the libraries that are its own."""

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "autokd"

# A part imports parts of a lower rank and itself, never another of its own rank.
RANK = {
    "errors": 0,
    "core": 1,
    "space": 2,
    "data": 2,
    "teacher": 3,
    "models": 3,
    "distill": 4,
    "search": 4,
    "export": 4,
    "measure": 4,
    "report": 4,
    "tracking": 4,
    "pipeline": 5,
    "api": 6,
    "cli": 6,
    "testing": 6,
    "__init__": 7,  # names of all parts, imported when first used
    "__main__": 7,
}

# Beside pydantic, which every part may use for its records, and the companions below.
LIBRARIES = {
    "errors": set(),
    "core": set(),
    "space": {"networkx", "numpy", "scipy"},
    "data": {"PIL", "numpy", "torch", "torchvision"},
    "teacher": {
        "numpy",
        "onnx",
        "onnxruntime",
        "safetensors",
        "scipy",
        "timm",
        "torch",
        "torchvision",
    },
    "models": {"torch"},
    "distill": {"numpy", "safetensors", "torch"},
    "search": {"botorch", "gpytorch", "linear_operator", "numpy", "scipy", "torch"},
    "export": {"numpy", "onnx", "onnxruntime", "safetensors"},
    "measure": set(),
    "report": {"jinja2"},
    "tracking": {"mlflow", "tensorboard", "torch"},
    "pipeline": {"numpy", "safetensors", "torch"},
    "api": {"numpy", "safetensors", "torch"},
    "cli": {"click", "rich"},
    "testing": {"numpy", "torch"},
    "__init__": set(),
    "__main__": set(),
}

# Libraries that come with another one and speak for it.
COMPANION = {
    "google": "onnx",  # protobuf, in which onnx is written
    "gpytorch": "botorch",
    "linear_operator": "botorch",
    "markupsafe": "jinja2",
}
PACKAGE_OF = {"PIL": "pillow"}

MODULES = sorted(PACKAGE.rglob("*.py"))


def part_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports_of(source: str) -> set[str]:
    """Give the full names of imported modules, those inside functions included."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            # "from autokd import errors" imports a part, not the package alone.
            whole = module == "autokd"
            names |= {f"autokd.{a.name}" for a in node.names} if whole else {module}
    return names


def faults(part: str, source: str) -> list[str]:
    found = []
    for name in sorted(imports_of(source)):
        top, _, rest = name.partition(".")
        other = rest.partition(".")[0]
        if top != "autokd":
            allowed = sys.stdlib_module_names | {"pydantic"} | LIBRARIES[part]
            if COMPANION.get(top, top) not in allowed:
                found.append(f"{part} must not use the library {top}")
        elif other in RANK and other != part and RANK[other] >= RANK[part]:
            found.append(f"{part} must not import {other}")
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_module_imports_only_lower_parts_and_its_own_libraries(path: Path) -> None:
    assert faults(part_of(path), path.read_text(encoding="utf-8")) == []


def test_every_part_has_a_rank_and_every_rank_a_part() -> None:
    assert {part_of(path) for path in MODULES} == set(RANK) == set(LIBRARIES)


def test_every_library_that_a_part_may_use_is_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    lines = [*project["dependencies"]]
    lines += [line for name in ("mlflow", "tensorboard", "timm") for line in extras[name]]
    declared = {re.split(r"[^\w-]", line)[0] for line in lines}
    used = {
        COMPANION.get(name, PACKAGE_OF.get(name, name)) for p in LIBRARIES.values() for name in p
    }
    assert declared == used | {"pydantic"}


@pytest.mark.parametrize(
    ("part", "source", "fault"),
    [
        ("space", "from autokd.data.images import ImageSet", "space must not import data"),
        ("core", "from autokd.space import cost", "core must not import space"),
        ("search", "import autokd.distill.trainer", "search must not import distill"),
        ("errors", "from autokd import core", "errors must not import core"),
        ("space", "def f():\n    import torch", "space must not use the library torch"),
        ("core", "import numpy.random", "core must not use the library numpy"),
    ],
)
def test_the_rule_finds_what_it_forbids(part: str, source: str, fault: str) -> None:
    assert faults(part, source) == [fault]


def test_the_agent_runs_on_python_3_6_with_numpy_and_onnxruntime_alone() -> None:
    source = (ROOT / "deploy" / "bench.py").read_text(encoding="utf-8")
    ast.parse(source, feature_version=(3, 6))
    used = {name.partition(".")[0] for name in imports_of(source)}
    newer = {"dataclasses", "tomllib", "zoneinfo", "graphlib"}  # came after Python 3.6
    assert used - {"numpy", "onnxruntime"} <= set(sys.stdlib_module_names) - newer
