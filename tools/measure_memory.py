"""Holds the memory that is computed for students against the peak that the agent measures here.

    python tools/measure_memory.py [--device host] [--students 12] [--seed 0]

Students of the device's space are drawn from small to large, exported with random weights, and run
by the agent, each in a process of its own with one thread. A line a student says what was computed
and what was measured; the last lines say which ``base_memory_mib`` and ``weight_memory_factor``
would have fitted best, and what onnxruntime's memory options do to the largest student.
"""

import argparse
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from autokd.core.cost import Cost, Limits
from autokd.core.device import DeviceProfile, load_profile
from autokd.core.trial import Candidate
from autokd.measure.local import LocalTarget
from autokd.measure.protocol import BenchJob
from autokd.pipeline.untrained import write_untrained
from autokd.space.counts import FLOAT_BYTES, folded_numbers
from autokd.space.program import Program
from autokd.space.students import StudentSpace

IMAGE_PX = 64
SMALLEST_PARAMS, LARGEST_PARAMS = 20e3, 10e6
MIB = 2.0**20


@dataclass(frozen=True, slots=True)
class Row:
    """One student: its file, what was computed of it, and the agent's peak."""

    model: Path
    cost: Cost
    weight_bytes: int
    peak_bytes: int

    @property
    def ratio(self) -> float:
        """Measured over computed."""
        return self.peak_bytes / self.cost.memory_bytes


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", default="host")
    parser.add_argument("--students", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    profile = load_profile(given.device)
    with tempfile.TemporaryDirectory() as folder:
        rows = []
        print("   params  weights  activations  computed  measured  ratio (MiB)")
        for number, params in enumerate(
            np.geomspace(SMALLEST_PARAMS, LARGEST_PARAMS, given.students)
        ):
            program, cost = draw(profile, int(params), seed=given.seed + number)
            model = Path(folder, f"{number}.onnx")
            rows.append(measure(write_untrained(model, program, profile.export), program, cost))
            print(_line(rows[-1]))
        print(_summary(rows))
        for line in _options(rows[-1].model):
            print(line)


def draw(profile: DeviceProfile, params: int, *, seed: int) -> tuple[Program, Cost]:
    """Give a member that fills a limit on parameters, whatever else it costs."""
    space = StudentSpace(
        preset="edge",
        profile=profile,
        limits=Limits(max_params=params),
        image_px=IMAGE_PX,
        image_channels=3,
        class_names=tuple(f"class {n}" for n in range(10)),
    )
    rng = np.random.default_rng(seed)
    member: Candidate | None = None
    while member is None:
        family, distill = space.decode(rng.random(space.dimension))
        full = family.model_copy(update={"fill": 1.0})
        member = space.member(full, distill, member_seed=seed, origin="random")
    return space.program(member), member.cost


def measure(model: Path, program: Program, cost: Cost) -> Row:
    """Run the agent on a student."""
    weights = FLOAT_BYTES * sum(folded_numbers(program, layer) for layer in program.layers)
    return Row(model, cost, weights, peak_bytes(model))


def peak_bytes(model: Path, **options: bool) -> int:
    """Give the highest resident memory of the agent with a model."""
    job = BenchJob(
        model=str(model), threads=1, seconds=0.1, max_seconds=60, max_warmup_seconds=1, **options
    )
    with LocalTarget(is_device=True) as target:
        answer = target.bench(job, model=model)
    if answer.memory_kb is None or answer.memory_kb.peak is None:
        msg = f"the agent says no peak: {answer.error}"
        raise SystemExit(msg)
    return answer.memory_kb.peak * 1024


def fit(rows: list[Row]) -> tuple[float, float]:
    """Give base_memory_mib and weight_memory_factor of least relative error."""
    peak = np.array([row.peak_bytes for row in rows]) / MIB
    known = np.array([row.cost.activation_bytes for row in rows]) / MIB
    terms = np.stack([np.ones(len(rows)), [row.weight_bytes / MIB for row in rows]], axis=1)
    base, factor = np.linalg.lstsq(terms / peak[:, None], (peak - known) / peak, rcond=None)[0]
    return float(base), float(factor)


def _line(row: Row) -> str:
    cost = row.cost
    sizes = (row.weight_bytes, cost.activation_bytes, cost.memory_bytes, row.peak_bytes)
    weights, activations, computed, measured = (size / MIB for size in sizes)
    return (
        f"{cost.params:>9,}  {weights:7.1f}  {activations:11.1f}  {computed:8.1f}  "
        f"{measured:8.1f}  {row.ratio:5.2f}"
    )


def _summary(rows: list[Row]) -> str:
    ratios = [row.ratio for row in rows]
    base, factor = fit(rows)
    left = [
        row.peak_bytes / (MIB * base + factor * row.weight_bytes + row.cost.activation_bytes)
        for row in rows
    ]
    return (
        f"measured over computed: {min(ratios):.2f} to {max(ratios):.2f}\n"
        f"fitted: base_memory_mib = {base:.1f}, weight_memory_factor = {factor:.2f}; "
        f"with these {min(left):.2f} to {max(left):.2f}"
    )


def _options(model: Path) -> list[str]:
    return [
        f"arena {arena!s:5}  memory_pattern {pattern!s:5}  "
        f"{peak_bytes(model, arena=arena, memory_pattern=pattern) / MIB:.1f} MiB"
        for arena in (True, False)
        for pattern in (True, False)
    ]


if __name__ == "__main__":
    main()
