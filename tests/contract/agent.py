"""The agent in another Python, under a limit, or both."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from autokd.export.verify import board_input
from autokd.measure.local import agent_file
from autokd.measure.protocol import BenchAnswer, BenchJob, parse_answer


def quick_job(model: Path, images: np.ndarray, **changes) -> BenchJob:
    """A job of few runs on the first of images (n, px, px, c), for a model that takes bytes."""
    sample = model.with_name("sample.npz")
    np.savez(sample, image=board_input(images[:1], "uint8"))
    values = {
        "model": str(model),
        "sample": str(sample),
        "threads": 1,
        "seconds": 0.01,
        "max_seconds": 60,
        "warmup_seconds": 0,
        "max_warmup_seconds": 0.01,
    }
    return BenchJob(**{**values, **changes})


def ask_agent(
    python: Sequence[str], job: BenchJob, *, env: Mapping[str, str] | None = None
) -> BenchAnswer:
    """What the agent answers when ``python`` runs it."""
    done = subprocess.run(
        [*python, str(agent_file())],
        input=job.model_dump_json().encode(),
        stdout=subprocess.PIPE,
        timeout=300,
        env={**os.environ, **(env or {})},
        check=False,
    )
    return parse_answer(done.stdout, where="this host")
