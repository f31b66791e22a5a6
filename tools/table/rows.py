"""Lines of the table: what became of one student, and what all students have in common."""

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import Field

from autokd.core.cost import Cost
from autokd.core.family import FamilyParams
from autokd.core.record import Record
from autokd.core.trial import Candidate, DistillParams, Observation, Origin
from autokd.space.pace import Pace
from tools.table.points import Design, Point


class TableSetup(Record):
    """First line of a packed table: all that training its students anew would need.

    Attributes:
        engine: Number of `tools.table.setup.ENGINE` by which they are trained.
        design: Which students there are, and how long each is trained.
        pace: From which the images of every rung follow; measured once, so that they are the same
            on any machine.
        points_digest: Of the students, see `tools.table.points.digest_of`.
        images_digest: Of training, validation and test images with their labels.
        teacher_sha256: Of the teacher's file.
        teacher_validation_accuracy: Of the teacher with the columns of these classes alone. It was
            trained on these images.
        teacher_test_accuracy: Likewise, on images that it was not trained on.
        class_names: In the order of the labels.
        image_px: Side of an image.
        image_channels: 1 or 3.
        views: Augmented views for which the teacher was asked.
        mean: Of the training images per channel, in 0..1.
        std: Likewise.
    """

    schema_version: Literal[1] = 1
    engine: int = 1
    design: Design
    pace: Pace
    points_digest: str
    images_digest: str
    teacher_sha256: str
    teacher_validation_accuracy: float
    teacher_test_accuracy: float
    class_names: tuple[str, ...]
    image_px: int
    image_channels: int
    views: int
    mean: tuple[float, ...]
    std: tuple[float, ...]


class DeviceCost(Record):
    """The part of a cost that depends on the device; see `autokd.core.cost.Cost`."""

    size_bytes: int
    memory_bytes: int
    runtime_bytes: int
    latency_ms: float
    latency_low_ms: float
    latency_high_ms: float


class Rung(Record):
    """One length of training.

    Attributes:
        images: Images seen since the start.
        seconds: Training time that this stands for at the table's pace, shorter rungs included.
        train_seconds: Time that the steps of this rung took, those that a longer rung repeats
            included, on the machine that trained it.
        accuracy: On validation images, after a decay of its own.
        loss: Mean cross-entropy, likewise.
    """

    images: int = Field(gt=0)
    seconds: float = Field(gt=0)
    train_seconds: float = Field(ge=0)
    accuracy: float = Field(ge=0, le=1)
    loss: float


class Row(Record):
    """One trained student.

    Attributes:
        point_id: As `tools.table.points.Point`, and so the next two.
        origin: ``twin`` for those taught by labels alone, else ``prior``.
        member_seed: Of the graph, and by `autokd.core.seeds.derive_seed` of weights and order.
        base_width: Width of the first stage.
        params: See `autokd.core.cost.Cost`, as the next two.
        devices: What else it costs, by the profile's id.
        rungs: One for each length, rising; fewer when the training failed.
        test_accuracy: Of the weights of the last rung, on images that no search may see; None when
            the training failed.
        failure: Why it failed, None when it did not.
        seed: Root seed of the training.
    """

    point_id: int = Field(ge=0)
    family_number: int = Field(ge=0)
    member: int = Field(ge=0)
    origin: Origin
    family: FamilyParams
    distill: DistillParams
    member_seed: int = Field(ge=0)
    base_width: int = Field(ge=1)
    params: int
    macs: int
    activation_bytes: int
    devices: dict[str, DeviceCost]
    rungs: tuple[Rung, ...]
    test_accuracy: float | None = Field(ge=0, le=1)
    failure: str | None = None
    seed: int

    @classmethod
    def of(
        cls,
        point: Point,
        costs: Mapping[str, Cost],
        observations: tuple[Observation, ...],
        *,
        test_accuracy: float | None,
        failure: str | None,
        seed: int,
    ) -> Self:
        """Put together what is known of a student, with its costs by the profile's id."""
        student = point.candidate
        return cls(
            point_id=point.point_id,
            family_number=point.family_number,
            member=point.member,
            origin=student.origin,
            family=student.family,
            distill=student.distill,
            member_seed=student.member_seed,
            base_width=student.base_width,
            params=student.cost.params,
            macs=student.cost.macs,
            activation_bytes=student.cost.activation_bytes,
            devices={
                name: DeviceCost(**cost.model_dump(include=set(DeviceCost.model_fields)))
                for name, cost in costs.items()
            },
            rungs=tuple(
                Rung(
                    images=seen.fidelity.images,
                    seconds=seen.fidelity.seconds,
                    train_seconds=seen.train_seconds,
                    accuracy=seen.accuracy,
                    loss=seen.loss,
                )
                for seen in observations
            ),
            test_accuracy=test_accuracy,
            failure=failure,
            seed=seed,
        )

    def cost_on(self, device: str) -> Cost:
        """Give the whole cost on the device of a profile's id."""
        return Cost(
            params=self.params,
            macs=self.macs,
            activation_bytes=self.activation_bytes,
            **self.devices[device].model_dump(),
        )

    def candidate(self, device: str) -> Candidate:
        """Give the student as a search knows it."""
        return Candidate(
            family=self.family,
            distill=self.distill,
            member_seed=self.member_seed,
            base_width=self.base_width,
            cost=self.cost_on(device),
            origin=self.origin,
        )
