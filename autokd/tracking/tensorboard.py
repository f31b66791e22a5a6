"""Event files for TensorBoard, in the folder ``tensorboard`` of the run.

The curves of the run lie in that folder, against the number of results. Each student has a folder
below it with its parameters, for the HPARAMS page, and its curve against the images it has seen.
"""

from pathlib import Path

from autokd.core.results import Report
from autokd.core.trial import Observation
from autokd.tracking.metrics import (
    Tally,
    report_values,
    run_params,
    student_params,
    student_values,
)
from autokd.tracking.tracker import Opening, Told

FOLDER = "tensorboard"
SETTINGS, VERDICT, SUMMARY = "settings", "verdict", "summary"


class TensorBoardTracker:
    """Writes event files; see `autokd.tracking.tracker.Tracker` for the methods."""

    def open(self, opening: Opening) -> None:
        """Begin a new event file beside those of earlier sessions, and read what they hold."""
        from torch.utils.tensorboard import SummaryWriter

        self._run = opening.run
        self._folder = opening.run / FOLDER
        self._tally = Tally(opening.limits)
        self._held: dict[Path, frozenset[tuple[str, int]]] = {}
        texts, scalars = _tags_of(self._folder)
        self._texts, self._held[self._folder] = texts, scalars
        self._writer = SummaryWriter(str(self._folder))
        table = ["| setting | value |", "|---|---|"]
        table += [f"| {name} | {value} |" for name, value in run_params(opening).items()]
        self._text(SETTINGS, "\n".join(table))

    def tell(self, told: Told) -> None:
        """Write the points of a result, and its student's."""
        self._scalars(self._tally.add(told), step=told.number, at_seconds=told.at_seconds)
        if isinstance(told.result, Observation):
            self._student(told, told.result.fidelity.images)
        self._writer.flush()

    def finish(self, report: Report) -> None:
        """Write what the winner reached, and the summary of the report as text."""
        self._scalars(report_values(report), step=0)
        self._text(VERDICT, report.verdict)
        summary = self._run / "summary.md"
        self._text(SUMMARY, summary.read_text(encoding="utf-8"))
        self._writer.close()

    def stop(self, *, interrupted: bool) -> None:  # noqa: ARG002 - a file says no more than it holds
        """Close the file."""
        self._writer.close()

    def _scalars(
        self, values: dict[str, float], *, step: int, at_seconds: float | None = None
    ) -> None:
        for name, value in values.items():
            if (name, step) not in self._held[self._folder]:
                self._writer.add_scalar(name, value, step, walltime=at_seconds)

    def _text(self, name: str, text: str) -> None:
        # The plug-in of TensorBoard for texts puts its own word behind the name.
        if f"{name}/text_summary" not in self._texts:
            self._writer.add_text(name, text)

    def _student(self, told: Told, images: int) -> None:
        name = f"students/{told.trial_id:04d}"
        folder = self._folder / name
        if folder not in self._held:
            self._held[folder] = _tags_of(folder)[1]
        if ("student/accuracy", images) in self._held[folder]:
            return
        values = {f"student/{name}": value for name, value in student_values(told).items()}
        params = student_params(told.candidate)
        self._writer.add_hparams(params, values, run_name=name, global_step=images)


def _tags_of(folder: Path) -> tuple[frozenset[str], frozenset[tuple[str, int]]]:
    """Give the names of the texts, and name and step of each scalar, of the files in a folder.

    A file that ends in the middle of a record, as a kill leaves it, is read up to there.
    """
    if not folder.is_dir():
        return frozenset(), frozenset()
    from tensorboard.backend.event_processing.event_accumulator import (
        SCALARS,
        TENSORS,
        EventAccumulator,
    )

    # 0 is all of them; otherwise it keeps a sample.
    held = EventAccumulator(str(folder), size_guidance={SCALARS: 0, TENSORS: 0})
    held.Reload()
    tags = held.Tags()
    scalars = {(name, point.step) for name in tags[SCALARS] for point in held.Scalars(name)}
    return frozenset(tags[TENSORS]), frozenset(scalars)
