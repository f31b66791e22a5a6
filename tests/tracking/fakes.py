"""Results of a small run, and a tracker that notes what it is told."""

from pathlib import Path

from autokd.core.config import RunConfig
from autokd.core.cost import Limits
from autokd.core.trial import Failure
from autokd.tracking.tracker import Opening, Told
from tests.search.fakes import candidate, observation

LIMITS = Limits(max_params=100_000)
BEGAN = 1_700_000_000.0  # seconds since 1970


def make_opening(run: Path, *track: str) -> Opening:
    config = RunConfig.model_validate(
        {
            "device": "raspberry-pi-5",
            "track": track,
            "teacher": {"file": "model.pt", "class_names": ["ant", "bee"]},
            "search": {"trials": 4},
        }
    )
    return Opening(run=run, config=config, limits=LIMITS)


def told(number: int, trial_id: int, rung: int, accuracy: float | None, **changes) -> Told:
    """Give result ``number``, a failure where there is no accuracy."""
    failure = Failure(kind="not finite", message="the loss is nan.", rung=rung)
    return Told(
        number=number,
        at_seconds=BEGAN + number,
        trial_id=trial_id,
        candidate=candidate(member_seed=trial_id, **changes),
        result=failure if accuracy is None else observation(rung, accuracy),
    )


def some_results() -> list[Told]:
    """Three students: one fails, one is promoted, and a later one is worse than the first."""
    return [
        told(1, 0, 0, 0.5),
        told(2, 1, 0, None),
        told(3, 2, 0, 0.25),
        told(4, 0, 1, 0.75),
    ]


class NotingTracker:
    """Notes the methods that are called; raises in the one that is named."""

    def __init__(self, fails_in: str = "") -> None:
        self.calls: list[tuple] = []
        self._fails_in = fails_in

    def _note(self, name: str, *words: object) -> None:
        if name == self._fails_in:
            message = "the server is away.\nA second line."
            raise ConnectionError(message)
        self.calls.append((name, *words))

    def open(self, opening: Opening) -> None:
        self._note("open", opening)

    def tell(self, told: Told) -> None:
        self._note("tell", told)

    def finish(self, report: object) -> None:
        self._note("finish", report)

    def stop(self, *, interrupted: bool) -> None:
        self._note("stop", interrupted)
