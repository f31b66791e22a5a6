import dataclasses
import gzip
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from autokd.core.codec import save_record
from autokd.core.cost import Cost
from autokd.core.family import FamilyParams
from autokd.core.progress import silent
from autokd.core.trial import Candidate, DistillParams, Fidelity, Observation, Origin
from autokd.data.images import ImageSet
from autokd.errors import DataError
from autokd.space.coding import decode_point, dimensions
from autokd.space.pace import Pace
from autokd.teacher.card import TeacherCard
from tools.race.own import load_own
from tools.table import setup as preparation
from tools.table import training
from tools.table.figures import (
    describe_table,
    family_variance,
    member_groups,
    share_of_best_that_are_fast,
    twin_gain,
    twin_pairs,
)
from tools.table.journal import Journal, journal_path, pack, read_journal, read_table
from tools.table.points import Design, Point, digest_of, draw_points
from tools.table.rows import Row, TableSetup
from tools.table.setup import Build, prepare
from tools.table.source import Source, load_source

DEVICE = "raspberry-pi-zero-2w"
DESIGN = Design()


class FakeSpace:
    """Families of the real space; members that take no time to size, one in five does not fit."""

    dimension = len(dimensions("edge", 32))

    def decode(self, point: np.ndarray) -> tuple[FamilyParams, DistillParams]:
        return decode_point("edge", 32, point)

    def member(
        self, family: FamilyParams, distill: DistillParams, *, member_seed: int, origin: Origin
    ) -> Candidate | None:
        if (member_seed + family.top_nodes) % 5 == 0 or family.bottom_nodes == 4:
            return None
        return Candidate(
            family=family,
            distill=distill,
            member_seed=member_seed,
            base_width=8,
            cost=make_cost(),
            origin=origin,
        )


def make_cost() -> Cost:
    return Cost(
        params=50_000,
        macs=4_000_000,
        size_bytes=200_000,
        activation_bytes=100_000,
        memory_bytes=90_000_000,
        runtime_bytes=80_000_000,
        latency_ms=9.0,
        latency_low_ms=5.0,
        latency_high_ms=16.0,
    )


@pytest.fixture(scope="module")
def points() -> tuple[Point, ...]:
    return draw_points(FakeSpace(), DESIGN)


def make_setup(points: tuple[Point, ...], design: Design = DESIGN) -> TableSetup:
    return TableSetup(
        design=design,
        pace=Pace(seconds=(1e-9,) * 5, relative_error=0.1),
        points_digest=digest_of(points),
        images_digest="a",
        teacher_sha256="b",
        teacher_validation_accuracy=0.9,
        teacher_test_accuracy=0.8,
        class_names=("a", "b", "c"),
        image_px=32,
        image_channels=3,
        views=2,
        mean=(0.5,) * 3,
        std=(0.2,) * 3,
    )


def make_row(point: Point, *, first: float = 0.1, step: float = 0.05) -> Row:
    observations = tuple(
        Observation(
            fidelity=Fidelity(rung=rung, images=64 * (rung + 1), seconds=share * 30),
            accuracy=first + step * rung,
            loss=1.0,
            agreement=0.5,
            train_seconds=1.0,
            images_per_second=64.0,
        )
        for rung, share in enumerate(DESIGN.lengths)
    )
    costs = {DEVICE: point.candidate.cost}
    return Row.of(point, costs, observations, test_accuracy=0.3, failure=None, seed=0)


def test_280_families_give_400_students_and_40_twins(points: tuple[Point, ...]) -> None:
    assert [point.point_id for point in points] == list(range(440))
    assert {point.family_number for point in points} == set(range(280))
    assert sum(point.candidate.origin == "twin" for point in points) == 40
    sizes = [sum(p.family_number == n for p in points) for n in range(280)]
    assert sizes == [5 if number % 7 == 0 else 1 for number in range(280)]


def test_families_stand_together_with_their_twin_last(points: tuple[Point, ...]) -> None:
    assert [p.family_number for p in points] == sorted(p.family_number for p in points)
    family = [point for point in points if point.family_number == 7]
    assert [point.member for point in family] == [0, 1, 2, 3, 0]
    assert [point.candidate.origin for point in family] == ["prior"] * 4 + ["twin"]
    assert len({point.candidate.member_seed for point in family}) == 4
    assert len({point.candidate.family.model_dump_json() for point in family}) == 1


def test_a_twin_is_its_students_first_member_without_a_teacher(points: tuple[Point, ...]) -> None:
    first, twin = points[0].candidate, points[4].candidate
    assert first.distill.alpha > 0
    assert twin.distill == DistillParams(temperature=first.distill.temperature, alpha=0)
    same = {"distill": first.distill, "origin": first.origin}
    assert twin.model_copy(update=same) == first


def test_fewer_families_are_a_prefix_of_more(points: tuple[Point, ...]) -> None:
    fewer = draw_points(FakeSpace(), Design(families=23))
    assert fewer == points[: len(fewer)]


def test_a_prefix_is_spread_evenly(points: tuple[Point, ...]) -> None:
    firsts = [p.candidate for p in points if p.member == 0 and p.candidate.origin != "twin"][:64]
    alphas = np.sort([candidate.distill.alpha for candidate in firsts])
    assert np.abs(alphas - (np.arange(64) + 0.5) / 64).max() < 0.08


def test_families_whose_first_member_fits_no_limit_are_not_there(points: tuple[Point, ...]) -> None:
    assert all(point.candidate.family.bottom_nodes < 4 for point in points)


def test_lengths_rise_to_a_full_one() -> None:
    assert DESIGN.lengths[0] == pytest.approx(1.5**-7)
    assert DESIGN.lengths[-1] == 1.0
    assert np.diff(np.log(DESIGN.lengths)) == pytest.approx(math.log(1.5))


def test_a_half_line_is_cut_off_and_its_student_trained_again(
    points: tuple[Point, ...], tmp_path: Path
) -> None:
    path = journal_path(tmp_path, 0)
    with Journal(path) as journal:
        journal.append(make_row(points[0]))
        journal.append(make_row(points[1]))
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    assert [row.point_id for row in read_journal(path)] == [0]
    with Journal(path) as journal:
        assert journal.done == {0}
        journal.append(make_row(points[1]))
    assert path.read_bytes() == whole


def test_a_journal_that_is_one_half_line_is_empty(tmp_path: Path) -> None:
    path = journal_path(tmp_path, 0)
    path.write_bytes(b'{"point_id": 0, "fam')
    with Journal(path) as journal:
        assert journal.done == set()
    assert path.read_bytes() == b""


def test_a_damaged_line_is_told_by_its_number(points: tuple[Point, ...], tmp_path: Path) -> None:
    path = journal_path(tmp_path, 0)
    path.write_bytes(make_row(points[0]).model_dump_json().encode() + b"\nrubbish\n")
    with pytest.raises(DataError, match="line 2"):
        read_journal(path)


def test_two_processes_do_not_write_one_journal(tmp_path: Path) -> None:
    path = journal_path(tmp_path, 0)
    with Journal(path), pytest.raises(DataError, match="another process"):
        Journal(path)


def test_packing_twice_gives_the_same_bytes_sorted_by_id(
    points: tuple[Point, ...], tmp_path: Path
) -> None:
    save_record(make_setup(points), tmp_path / "setup.json")
    for worker in (0, 1):
        with Journal(journal_path(tmp_path, worker)) as journal:
            for point in reversed(points[worker:20:2]):
                journal.append(make_row(point))
    table, again = tmp_path / "table.jsonl.gz", tmp_path / "again.jsonl.gz"
    assert pack(tmp_path, table) == 20
    first = table.read_bytes()
    assert pack(tmp_path, table) == 20
    assert pack(tmp_path, again) == 20
    assert table.read_bytes() == again.read_bytes() == first
    setup, rows = read_table(table)
    assert setup == make_setup(points)
    assert rows == [make_row(point) for point in points[:20]]
    assert rows[3].candidate(DEVICE) == points[3].candidate


def test_a_packed_row_is_never_replaced(points: tuple[Point, ...], tmp_path: Path) -> None:
    save_record(make_setup(points), tmp_path / "setup.json")
    table = tmp_path / "table.jsonl.gz"
    with Journal(journal_path(tmp_path, 0)) as journal:
        journal.append(make_row(points[0], first=0.2))
    pack(tmp_path, table)
    journal_path(tmp_path, 0).unlink()
    with Journal(journal_path(tmp_path, 0)) as journal:
        journal.append(make_row(points[0], first=0.3))
        journal.append(make_row(points[1]))
    assert pack(tmp_path, table) == 2
    assert read_table(table)[1][0].rungs[0].accuracy == 0.2


def test_a_table_of_another_build_is_not_added_to(
    points: tuple[Point, ...], tmp_path: Path
) -> None:
    table = tmp_path / "table.jsonl.gz"
    save_record(make_setup(points), tmp_path / "setup.json")
    pack(tmp_path, table)
    save_record(make_setup(points, Design(full_seconds=2)), tmp_path / "setup.json")
    with pytest.raises(DataError, match="another setup"):
        pack(tmp_path, table)


def test_what_is_no_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="--pack"):
        read_table(tmp_path / "none.jsonl.gz")
    (tmp_path / "text.jsonl.gz").write_bytes(gzip.compress(b"text\n"))
    with pytest.raises(DataError, match="no JSON object"):
        read_table(tmp_path / "text.jsonl.gz")


def test_missing_data_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"load\.py: is missing"):
        load_source(tmp_path, seed=0)


def test_variances_are_those_of_the_closed_form() -> None:
    found = family_variance(np.array([[1.0, 3.0], [5.0, 7.0]]))
    # Mean squares 2 within and 16 between; (16 - 2) / 2 members.
    assert (found.within, found.between) == pytest.approx((2.0, 7.0))
    assert found.intraclass == pytest.approx(7 / 9)


def test_variances_are_found_again() -> None:
    rng = np.random.default_rng(0)
    groups = rng.normal(0, 3, (4000, 1)) + rng.normal(0, 2, (4000, 4))
    found = family_variance(groups)
    assert (found.between, found.within) == pytest.approx((9, 4), rel=0.1)


def test_the_gain_is_the_mean_difference_with_its_error() -> None:
    gain = twin_gain(np.array([[0.5, 0.4], [0.6, 0.3], [0.4, 0.2]]))
    assert (gain.pairs, gain.mean) == (3, pytest.approx(0.2))
    assert gain.standard_error == pytest.approx(0.1 / math.sqrt(3))


def test_members_and_twins_are_told_apart(points: tuple[Point, ...]) -> None:
    rows = [make_row(p, first=0.01 * p.point_id) for p in points[:16]]  # two families of four
    assert member_groups(rows, 4)[:, :, 0] == pytest.approx(
        0.01 * np.array([[0, 1, 2, 3], [11, 12, 13, 14]])
    )
    assert twin_pairs(rows)[:, :, 0] == pytest.approx(0.01 * np.array([[0, 4], [11, 15]]))
    failed = rows[2].model_copy(update={"failure": "a loss", "rungs": ()})
    assert member_groups([*rows[:2], failed, *rows[3:]], 4).shape == (1, 4, 8)


def test_the_faster_half_holds_the_best_when_speed_is_all() -> None:
    images = np.arange(100.0)
    assert share_of_best_that_are_fast(images, images) == 1.0
    assert share_of_best_that_are_fast(-images, images) == 0.0


def test_figures_are_given_of_any_number_of_rows(points: tuple[Point, ...]) -> None:
    setup = make_setup(points)
    rows = [make_row(p, first=0.001 * p.point_id) for p in points]
    assert "too few" in list(describe_table(setup, rows[:2]))[-1]
    assert any("intraclass" in line for line in describe_table(setup, rows))
    assert len(list(describe_table(setup, rows[:4]))) > 5


def test_searches_see_families_without_twins_and_test_images(
    points: tuple[Point, ...], tmp_path: Path
) -> None:
    save_record(make_setup(points), tmp_path / "setup.json")
    failed = make_row(points[3])
    failed = failed.model_copy(
        update={"failure": "a loss", "rungs": failed.rungs[:2], "test_accuracy": None}
    )
    with Journal(journal_path(tmp_path, 0)) as journal:
        for point in points[:7]:  # a family of four with its twin, and two of one
            journal.append(failed if point.point_id == 3 else make_row(point))
    pack(tmp_path, tmp_path / "table.jsonl.gz")
    table = load_own(tmp_path / "table.jsonl.gz")
    assert table.points.shape == (3, FakeSpace.dimension)
    assert table.choices[:4] == (5, 2, 0, 3)
    assert table.lengths == DESIGN.lengths
    assert [table.members(place) for place in range(3)] == [4, 1, 1]
    assert table.score(0, 1, 2) == pytest.approx(0.2)
    assert [table.score(0, 3, rung) for rung in range(3)] == pytest.approx([0.1, 0.15, 0.0])
    assert table.true_score(0) == pytest.approx(3 * 0.45 / 4)
    assert table.seconds.tolist() == [30.0] * 3
    assert table.descriptors.shape == (3, 15)
    assert table.feasible().all()
    fewer = load_own(tmp_path / "table.jsonl.gz", rungs=(3, 5, 7))
    assert fewer.lengths == (1.5**-4, 1.5**-2, 1.0)
    assert fewer.score(1, 0, 0) == pytest.approx(0.25)


class FakeTeacher:
    """Knows the class by the brightest channel."""

    def __init__(self) -> None:
        self.card = TeacherCard(
            file="teacher",
            sha256="c",
            kind="module",
            arch=None,
            input_px=16,
            image_channels=3,
            mean=(0.0,) * 3,
            std=(1.0,) * 3,
            class_names=("red", "green", "blue"),
            classes=3,
            params=None,
            size_bytes=0,
            macs=None,
        )

    def logits(self, images: Tensor) -> Tensor:
        return images.float().mean(dim=(1, 2)) / 10


def make_images(count: int) -> ImageSet:
    """Stripes, brightest in the channel of the class."""
    labels = torch.arange(count) % 3
    rows = (torch.arange(16)[:, None] * torch.arange(1, 17)) % 64
    pixels = (
        rows[None, :, :, None].repeat(count, 1, 1, 3)
        + (torch.arange(count) % 32)[:, None, None, None]
    )
    pixels[torch.arange(count), :, :, labels] += 64
    return ImageSet(pixels.to(torch.uint8), labels)


def make_source() -> Source:
    return Source(
        train=make_images(150),
        validation=make_images(60),
        test=make_images(30),
        class_names=("red", "green", "blue"),
        teacher=FakeTeacher(),
    )


SMALL = Design(
    max_params=3000, families=1, members=2, rungs=2, full_seconds=0.3
)  # two members and a twin


@pytest.fixture
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def run(build: Build, out: Path, **share: int) -> int:
    worker = share.get("worker", 0)
    with Journal(journal_path(out, worker)) as journal:
        return training.work(
            build,
            journal,
            worker=worker,
            workers=share.get("workers", 1),
            most=share.get("most"),
            say=lambda line: None,
        )


@pytest.mark.slow
@pytest.mark.usefixtures("_one_thread")
def test_a_killed_build_goes_on_and_gives_the_same_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preparation, "TIMED_STUDENTS", 5)
    out = tmp_path / "out"
    build = prepare(out, SMALL, source_of=make_source, progress=silent)
    assert run(build, out, most=1) == 1
    assert run(build, out) == 2
    rows = read_journal(journal_path(out, 0))
    assert [row.origin for row in rows] == ["prior", "prior", "twin"]
    assert all(len(row.rungs) == 2 and row.test_accuracy is not None for row in rows)
    assert all(set(row.devices) == set(training.DEVICES) for row in rows)
    assert list((out / "trials").iterdir()) == []
    assert pack(out, tmp_path / "table.jsonl.gz") == 3

    setup, _ = read_table(tmp_path / "table.jsonl.gz")
    other = tmp_path / "other"
    again = prepare(other, SMALL, source_of=make_source, packed=setup, progress=silent)
    assert again.plan == build.plan
    assert again.plan.setup.pace == setup.pace
    assert run(again, other, worker=1, workers=3) == 1
    (repeated,) = read_journal(journal_path(other, 1))
    assert [rung.accuracy for rung in repeated.rungs] == [r.accuracy for r in rows[1].rungs]
    assert repeated.test_accuracy == rows[1].test_accuracy

    with pytest.raises(DataError, match="design is not the one asked for"):
        prepare(
            out,
            SMALL.model_copy(update={"full_seconds": 1.0}),
            source_of=make_source,
            progress=silent,
        )
    darker = dataclasses.replace(make_source(), test=make_images(27))
    with pytest.raises(DataError, match="images_digest"):
        prepare(tmp_path / "third", SMALL, source_of=lambda: darker, packed=setup, progress=silent)
