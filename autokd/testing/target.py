"""The contract of a target, see `autokd.measure.plugin_target`."""

import tempfile
from pathlib import Path

import numpy as np

from autokd.core.device import DeviceProfile, load_profile
from autokd.errors import DeviceError
from autokd.export.verify import run_onnx
from autokd.measure.parity import compare_output
from autokd.measure.protocol import BenchJob
from autokd.measure.target import Target, measure_on, open_target, require_board
from autokd.pipeline.untrained import write_untrained
from autokd.space.program import ProgramBuilder
from autokd.testing.contract import broken

PX, CLASSES = 16, 5
_SECONDS = 0.2


def check_target(address: str, *, device: str = "host") -> None:
    """Hold a target against its contract, with a machine that is there.

    It says what it is; it times the very file that it is sent, on the image that it is sent, with
    enough samples, and in turns with another; the file computes there what it computes here; it
    refuses what is no model in words, and is still there afterwards; and it may be closed twice.

    Args:
        address: As a run is given it, such as ``NAME://place``.
        device: Which of `autokd devices list` the machine is.

    Raises:
        ContractBrokenError: It does not keep a rule.
        ConfigError: It is no address.
        PluginError: It is not installed, cannot be imported, or fails when it is opened.
        DeviceError: The machine cannot be reached, or the plug-in fails.
        MeasurementError: It did not end in time.
    """
    what = f"target {address!r}"
    profile = load_profile(device)
    target = open_target(address, profile)
    with target, tempfile.TemporaryDirectory(prefix="autokd-") as folder:
        if not target.name:
            broken(what, "it has a name for people", f"it is {target.name!r}")
        require_board(target, target.probe(), profile)
        if target.probe() != target.probe():
            broken(what, "a probe is asked once and remembered", "two answers differ")
        _check_timing(what, target, profile, Path(folder))
        _check_refusal(what, target, profile, Path(folder))
        _check_timing(f"{what} after a refusal", target, profile, Path(folder))
        target.close()


def _check_timing(what: str, target: Target, profile: DeviceProfile, folder: Path) -> None:
    model, sample = _model(folder, profile), folder / "sample.npz"
    image = np.random.default_rng(0).integers(0, 256, (1, PX, PX, 1), dtype=np.uint8)
    planes = image.transpose(0, 3, 1, 2)
    np.savez(
        sample, image=planes if profile.export.input == "uint8" else np.float32(planes / 255.0)
    )
    found = measure_on(target, model, profile, seconds=_SECONDS, sample=sample, threads=1)
    if found.samples < 64:
        broken(what, "a timing has 64 samples or more", f"it has {found.samples}")
    beside = measure_on(target, model, profile, seconds=_SECONDS, threads=1, reference=model)
    if not 0.5 < (beside.reference_ratio or 0.0) < 2.0:
        broken(what, "a file beside itself takes as long", f"{beside.reference_ratio} times")
    job = BenchJob(
        model=str(model), sample=str(sample), threads=1, seconds=_SECONDS, max_seconds=60.0
    )
    answer = target.bench(job, model=model, sample=sample)
    if answer.job is None or not answer.job.sample:
        broken(what, "the image that is sent is the input", "noise was")
    parity = compare_output(answer, run_onnx(model, image)[0].tolist())
    if not parity.agrees:
        found_text = f"a logit differs by {parity.max_error:g}"
        broken(what, "the file computes there what it computes here", found_text)


def _check_refusal(what: str, target: Target, profile: DeviceProfile, folder: Path) -> None:
    model = folder / "no-model.onnx"
    model.write_bytes(b"this is no model")
    try:
        measure_on(target, model, profile, seconds=_SECONDS, threads=1)
    except DeviceError:
        return
    broken(what, "a file that is no model ends in a DeviceError", "it gave an answer")


def _model(folder: Path, profile: DeviceProfile) -> Path:
    build = ProgramBuilder(1, PX)
    place = build.relu("relu", build.conv("stem", 0, 8))
    build.classify(build.conv("conv", place, 16), CLASSES)
    return write_untrained(folder / "student.onnx", build.build(), profile.export)
