"""Calls `autokd.cli.main.main` with a pipeline that a scenario scripts: driver.py SCENARIO ARGS...

A pipeline that trains would take minutes for each exit code; here the command line, the signals and
the files are real, and what lies behind them does one thing.
"""

import errno
import sys
import time
import types

from autokd import errors
from autokd.core.config import RunConfig
from autokd.core.cost import Cost, Limits
from autokd.core.genotype import Cell, Genotype, Graph
from autokd.core.measurement import LatencyMeasurement
from autokd.core.results import (
    DataResult,
    ExitStatus,
    ExportResult,
    Feasibility,
    LimitFeasibility,
    Report,
    StageSeconds,
    TeacherResult,
    Winner,
)
from autokd.core.run_status import RungStatus, RunStatus
from autokd.core.trial import DistillParams

ONE = Graph(nodes=1, edges=())

FEASIBLE = Feasibility(
    drawn=200,
    fitting=150,
    binding="max_params",
    limits=(LimitFeasibility(limit="max_params", value=150_000, fitting=150, nearest=9_000),),
)

INFEASIBLE = Feasibility(
    drawn=200,
    fitting=0,
    binding="max_size_bytes",
    limits=(
        LimitFeasibility(limit="max_size_bytes", value=10 * 2**10, fitting=0, nearest=30 * 2**10),
        LimitFeasibility(limit="max_params", value=150_000, fitting=200, nearest=9_000),
    ),
)

MEASUREMENT = LatencyMeasurement(
    host="this host (x86_64, Some CPU)",
    is_device=False,
    valid=True,
    reason=None,
    runtime="onnxruntime 1.32.0",
    provider="CPUExecutionProvider",
    threads=2,
    samples=700,
    load_ms=9.0,
    first_ms=2.0,
    p50_ms=1.25,
    p90_ms=1.5,
    p99_ms=2.5,
    min_ms=1.0,
    mean_ms=1.3,
    std_ms=0.1,
    peak_memory_bytes=50 * 2**20,
    runtime_memory_bytes=30 * 2**20,
)


def make_report(config: RunConfig) -> Report:
    """Give a report with one winner, as the pipeline would."""
    cost = Cost(
        params=148_000,
        macs=20_000_000,
        size_bytes=600 * 2**10,
        activation_bytes=2**20,
        memory_bytes=80 * 2**20,
        latency_ms=12.0,
        latency_low_ms=8.0,
        latency_high_ms=18.0,
    )
    genotype = Genotype(
        preset="edge",
        block="conv",
        top=ONE,
        cells=(Cell(stage=0, graph=ONE, operators=(ONE,)),),
        growth=2.0,
        base_width=16,
        input_px=28,
        image_channels=1,
        classes=10,
    )
    export = ExportResult(
        file="student.onnx",
        sha256="0" * 64,
        size_bytes=600 * 2**10,
        opset=13,
        ir=7,
        input="float32",
        export_seconds=0.1,
        parity_images=64,
        parity_max_error=1e-5,
        agreement=1.0,
        validation_accuracy=0.9012,
        test_accuracy=0.8934,
        test_agreement=0.93,
    )
    winner = Winner(
        rank=1,
        trial_id=7,
        genotype=genotype,
        distill=DistillParams(temperature=4, alpha=0.9),
        member_seed=1,
        cost=cost,
        violations={"max_params": -0.01},
        epochs=12.0,
        train_seconds=60.0,
        validation_accuracy=0.9012,
        validation_agreement=0.95,
        export=export,
        measurement=MEASUREMENT,
    )
    return Report(
        autokd_version="0.1.0",
        created_utc="2026-01-01T00:00:00Z",
        versions={},
        machine={},
        exit=ExitStatus(code=0, name="done"),
        verdict="A student of 148 k parameters keeps 97 % of the teacher's accuracy.",
        config=config,
        device="jetson-nano",
        device_name="NVIDIA Jetson Nano",
        limits=Limits(max_params=150_000),
        feasibility=FEASIBLE,
        teacher=TeacherResult(
            file="model.pt",
            sha256="1" * 64,
            kind="state_dict",
            arch="torchvision:resnet18",
            params=11_200_000,
            size_bytes=45 * 2**20,
            macs=None,
            validation_accuracy=0.925,
            test_accuracy=0.92,
        ),
        data=DataResult(
            path="data",
            digest="d",
            classes=("a", "b"),
            image_px=28,
            image_channels=1,
            train_images=6000,
            validation_images=1000,
            test_images=1000,
            labelled=True,
            flip=False,
        ),
        trials=(),
        front=(),
        winners=(winner,),
        kd_gain=None,
        seconds=StageSeconds(),
    )


class FakePipeline(types.ModuleType):
    """Stands in for ``autokd.pipeline``; remembers what it was asked."""

    def __init__(self, scenario: str = "done") -> None:
        super().__init__("autokd.pipeline")
        self.scenario = scenario
        self.asked: list[tuple] = []

    def compress(self, config, run, *, progress, say):
        self.asked.append(("compress", config, run))
        run.mkdir(parents=True)
        (run / "config.toml").write_text("")
        say("teacher: 92.5 % on validation images")
        progress("search", 1.0, 2.0)
        self._play(run, say)
        (run / "summary.md").write_text("# summary of the run\n")
        return make_report(config)

    def resume(self, run, *, progress, say):
        self.asked.append(("resume", run))
        self._play(run, say)
        (run / "summary.md").write_text("# summary of the run\n")
        return make_report(RunConfig(device="jetson-nano", teacher={"file": "model.pt"}))

    def dry_run(self, config, *, progress, say):
        self.asked.append(("dry_run", config))
        return INFEASIBLE if self.scenario == "infeasible" else FEASIBLE

    def read_status(self, run):
        self.asked.append(("read_status", run))
        return RunStatus(
            run=str(run),
            state="stopped",
            trials_by_state={"paused": 5, "failed": 1},
            rungs=(RungStatus(rung=0, finished=5, best_accuracy=0.81),),
            best_accuracy=0.81,
            spent_seconds=125.0,
            budget_seconds=1800.0,
        )

    def export_winner_for(self, run, *, winner, device):
        self.asked.append(("export", run, winner, device))
        if self.scenario == "parity":
            raise errors.ParityError("winners/1/student.onnx: logits differ by 0.3.")
        return run / "winners" / str(winner) / device / "student.onnx"

    def export_optuna(self, run, file):
        self.asked.append(("export-optuna", run, str(file)))

    def make_demo(self, folder, *, progress, say):
        self.asked.append(("demo", folder))
        folder.mkdir(parents=True)

    def _play(self, run, say):
        faults = {
            "infeasible": errors.InfeasibleError("no student fits."),
            "gate": errors.GateError("accuracy 0.8 is below 0.9."),
            "device": errors.DeviceError("CUDAExecutionProvider: is not there."),
            "export": errors.ExportError("student.onnx: opset 18 where 13 was asked for."),
            "measure": errors.MeasurementError("too few samples: 12 of 64."),
            "stopped": errors.StoppedError("the budget ended before the first student."),
            "storage": errors.StorageError("ledger.sqlite: cannot be written (disk full)."),
            "nospace": OSError(errno.ENOSPC, "No space left on device", "trials/1/checkpoint.pt"),
            "defect": RuntimeError("boom"),
            "worker": BrokenPipeError(errno.EPIPE, "Broken pipe"),
            "import": ModuleNotFoundError("No module named 'botorch'", name="botorch"),
            "ctrl-c": KeyboardInterrupt(),
        }
        if self.scenario in faults:
            raise faults[self.scenario]
        if self.scenario == "wait":
            say("waiting")
            time.sleep(60)


def install(fake: FakePipeline) -> None:
    """Put the fake where ``from autokd import pipeline`` finds it."""
    sys.modules["autokd.pipeline"] = fake


if __name__ == "__main__":
    install(FakePipeline(sys.argv[1]))
    from autokd.cli.main import main

    sys.exit(main(sys.argv[2:]))
