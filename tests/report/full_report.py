"""A report in which every section has its facts."""

import random
from pathlib import Path

import numpy as np
from PIL import Image

from autokd.core.departures import ClassScore, Disagreement, DisagreementStrip
from autokd.core.effects import ParameterEffect
from autokd.core.measurement import TimedStudent
from autokd.core.results import Report
from autokd.core.trial import Trial
from autokd.report.parameters import WORDS

STRIP_FILE = "winners/1/departures.png"
STRIP_PX = 32


def fill_report(report: Report, folder: Path) -> Report:
    """Add what `tests.report.conftest.build_report` leaves out, and write the strip."""
    rng = random.Random(1)  # noqa: S311 - a sample, no secret
    shares = [0.4 * 0.6**n for n in range(len(WORDS))]
    names = sorted(WORDS, key=lambda name: name != "fill")
    classes = report.data.classes
    scores = tuple(_score(rng, name, classes) for name in classes)
    images = tuple(
        Disagreement(index=7 * n, label=a, student=b, teacher=a if n < 16 else c)
        for n in range(24)
        for a, b, c in [rng.sample(classes, 3)]
    )
    pixels = np.random.default_rng(3).integers(0, 255, (STRIP_PX, STRIP_PX * 24, 3), np.uint8)
    (folder / STRIP_FILE).parent.mkdir(parents=True)
    Image.fromarray(pixels).save(folder / STRIP_FILE)
    strip = DisagreementStrip(
        file=STRIP_FILE, image_px=STRIP_PX, images=images, validation_images=5_000, differing=1_391
    )
    best = report.winners[0].model_copy(update={"classes": scores, "strip": strip})
    return report.model_copy(
        update={
            "effects": tuple(
                ParameterEffect(name=n, share=s, share_low=0.8 * s, share_high=1.2 * s)
                for n, s in zip(names, shares, strict=True)
            ),
            "timed": tuple(_timed(rng, trial) for trial in report.trials),
            "trials": (*report.trials, *_members(report)),
            "winners": (best, *report.winners[1:]),
        }
    )


def _score(rng: random.Random, name: str, classes: tuple[str, ...]) -> ClassScore:
    right = rng.randint(20, 48)
    return ClassScore(
        name=name,
        images=50,
        student_right=right,
        teacher_right=min(50, right + rng.randint(-4, 12)),
        confused_with=rng.choice(classes),
    )


def _timed(rng: random.Random, trial: Trial) -> TimedStudent:
    predicted = trial.candidate.cost.latency_ms
    assert predicted is not None
    measured = predicted * rng.uniform(0.8, 1.3)
    return TimedStudent(trial_id=trial.trial_id, predicted_ms=predicted, measured_ms=measured)


def _members(report: Report) -> list[Trial]:
    """Give another member of the families of the students."""
    of = {trial.trial_id: trial for trial in report.trials}
    made = []
    for number, winner in enumerate(report.winners):
        trial = of[winner.trial_id]
        candidate = trial.candidate.model_copy(update={"member_seed": number, "origin": "member"})
        seen = tuple(
            o.model_copy(update={"accuracy": o.accuracy - 0.01 * number - 0.004})
            for o in trial.observations
        )
        place = {"trial_id": len(report.trials) + number, "candidate": candidate}
        made.append(trial.model_copy(update={**place, "observations": seen}))
    return made
