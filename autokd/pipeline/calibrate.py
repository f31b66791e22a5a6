"""Calibrates a profile: graphs are chosen, written, timed on a target and fitted."""

import hashlib
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from autokd.core.cache import cache_folder
from autokd.core.codec import write_atomically
from autokd.core.device import DeviceProfile, profile_folders
from autokd.core.latency import LatencyModel
from autokd.core.measurement import LatencyMeasurement
from autokd.core.progress import Progress
from autokd.errors import MeasurementError
from autokd.measure.calibrate import WARMUP_SECONDS, Timing, time_graphs, undisturbed_ms
from autokd.measure.target import Target, measure_on
from autokd.pipeline.untrained import write_untrained
from autokd.space.calibration import Session, belief_before, calibrate_model, machine_before
from autokd.space.latency import predict_latency_ms
from autokd.space.latency_fit import LatencyObservation
from autokd.space.operators import layer_costs
from autokd.space.probe_set import Probe, choose_probes

SEED = 0
FEWEST_GRAPHS = 20


@dataclass(frozen=True, slots=True)
class Calibrated:
    """A calibrated profile.

    Attributes:
        profile: With the new coefficients; not saved yet.
        model: The new coefficients.
        dropped: Graphs that no round measured, with the last reason.
        journal: The file of timings, of no use once the profile is saved.
    """

    profile: DeviceProfile
    model: LatencyModel
    dropped: dict[str, str]
    journal: Path


def calibrate(
    profile: DeviceProfile,
    target: Target,
    *,
    seconds: float,
    threads: int | None = None,
    progress: Progress,
) -> Calibrated:
    """Time the probe set of ``profile`` on ``target`` and fit the coefficients to it.

    What is measured is kept in the user's cache until the profile has been saved, so a call that
    was interrupted is repeated at no loss.

    Args:
        profile: The board; its first runtime is calibrated, in fp32.
        target: Where it is.
        seconds: To time each graph and the reference in each round, after warming up.
        threads: Instead of the profile's.
        progress: Told of writing and timing.

    Raises:
        ProfileError: The profile has no runtime.
        DeviceError: The target cannot be reached, or is another board.
        MeasurementError: Too few graphs were measured validly.
        StorageError: The cache cannot be written.
    """
    probes = choose_probes(profile, machine_before(profile), belief_before(profile), seed=SEED)
    beside = choose_reference(profile, probes)
    journal = journal_path(profile, target, probes, seconds=seconds, threads=threads)
    with tempfile.TemporaryDirectory(prefix="autokd-") as folder:
        files = _write(probes, Path(folder), profile, progress)

        def measure(path: Path, reference: Path) -> LatencyMeasurement:
            return measure_on(
                target,
                path,
                profile,
                seconds=seconds,
                threads=threads,
                max_warmup_seconds=WARMUP_SECONDS,
                reference=reference,
            )

        timings = time_graphs(files, beside.name, measure, journal=journal, progress=progress)
    return fit_timings(profile, probes, timings, target=target.name, journal=journal)


def choose_reference(profile: DeviceProfile, probes: Sequence[Probe]) -> Probe:
    """Give the student of middling latency, which all ``probes`` are timed in turns with."""
    students = [probe for probe in probes if probe.is_student]
    by_time = sorted(students, key=lambda s: predict_latency_ms(layer_costs(s.program), profile))
    return by_time[len(by_time) // 2]


def fit_timings(
    profile: DeviceProfile,
    probes: Sequence[Probe],
    timings: Sequence[Timing],
    *,
    target: str,
    journal: Path,
) -> Calibrated:
    """Give ``profile`` with its first runtime's fp32 coefficients fitted to ``timings``.

    Raises:
        ProfileError: The profile has no runtime.
        MeasurementError: Too few graphs were measured validly.
    """
    measured = undisturbed_ms(timings)
    dropped = {t.graph: t.reason or "" for t in timings if t.graph not in measured}
    if len(measured) < FEWEST_GRAPHS:
        msg = (
            f"{target}: only {len(measured)} of {len(probes)} graphs were measured validly, at "
            f"least {FEWEST_GRAPHS} are needed ({next(iter(dropped.values()))}). End other work "
            "on that machine and call the command again; what was measured is kept."
        )
        raise MeasurementError(msg)
    seen = [probe for probe in probes if probe.name in measured]
    last = [t for t in timings if t.p50_ms is not None][-1]
    session = Session(
        date=datetime.now(UTC).date().isoformat(),
        target=target,
        runtime=last.runtime or "onnxruntime",
        threads=last.threads or 1,
        dropped=len(dropped),
    )
    model = calibrate_model(
        profile,
        [LatencyObservation(layer_costs(p.program), measured[p.name]) for p in seen],
        [probe.is_student for probe in seen],
        session,
    )
    first = profile.required_runtime()
    changed = {"latency": {**first.latency, "fp32": model}, "threads": session.threads}
    runtimes = (first.model_copy(update=changed), *profile.runtimes[1:])
    return Calibrated(profile.model_copy(update={"runtimes": runtimes}), model, dropped, journal)


def save_calibrated(name: str, profile: DeviceProfile) -> Path:
    """Write ``profile`` where the person's own profiles are, and give the path.

    Args:
        name: As it was given: a path ending in .toml is written itself, unless that file is one of
            ours.
        profile: What to write.

    Raises:
        StorageError: The file cannot be written.
    """
    own, shipped = profile_folders()
    given = Path(name)
    is_path = name.endswith(".toml") and given.absolute().parent != shipped.absolute()
    path = given if is_path else own / f"{profile.id}.toml"
    write_atomically(path, profile.to_toml())
    return path


def journal_path(
    profile: DeviceProfile,
    target: Target,
    probes: Sequence[Probe],
    *,
    seconds: float,
    threads: int | None,
) -> Path:
    """Give the file of the cache that holds the timings of one calibration."""
    answer = target.probe()
    version = answer.runtime.version if answer.runtime else None
    names = [probe.name for probe in probes]
    about = [target.name, version, names, seconds, threads, profile.export.model_dump()]
    digest = hashlib.sha256(json.dumps(about).encode()).hexdigest()[:16]
    return cache_folder() / "calibration" / f"{profile.id}-{digest}.jsonl"


def _write(
    probes: Sequence[Probe], folder: Path, profile: DeviceProfile, progress: Progress
) -> dict[str, Path]:
    files = {}
    for done, probe in enumerate(probes):
        progress("writing graphs", done, len(probes))
        path = folder / f"{probe.name}.onnx"
        files[probe.name] = write_untrained(path, probe.program, profile.export)
    progress("writing graphs", len(probes), len(probes))
    return files
