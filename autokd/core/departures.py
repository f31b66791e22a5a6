"""Where a student departs from its teacher: class by class, and image by image."""

from pydantic import Field

from autokd.core.record import Record


class ClassScore(Record):
    """How student and teacher did on the validation images of one class, in torch.

    Attributes:
        name: Of the class.
        images: Of it, in the validation split.
        student_right: How many of them the student names right.
        teacher_right: How many of them the teacher names right.
        confused_with: The class that the student takes them for most often when it is wrong; None
            when it never is.
    """

    name: str
    images: int = Field(ge=0)
    student_right: int = Field(ge=0)
    teacher_right: int = Field(ge=0)
    confused_with: str | None = None


class Disagreement(Record):
    """A validation image that student and teacher name differently.

    Attributes:
        index: Of the image in the validation split.
        label: Its class; None for images without labels.
        student: What the student takes it for.
        teacher: What the teacher takes it for.
    """

    index: int = Field(ge=0)
    label: str | None
    student: str
    teacher: str


class DisagreementStrip(Record):
    """Images where the student departs from the teacher, the surest mistakes first.

    Attributes:
        file: A PNG in the run folder, all images beside each other in the order of ``images``.
        image_px: Side of one of them in that file.
        images: What they are.
        validation_images: How many validation images there are in all.
        differing: How many of all student and teacher name differently.
    """

    file: str
    image_px: int = Field(gt=0)
    images: tuple[Disagreement, ...]
    validation_images: int = Field(gt=0)
    differing: int = Field(ge=0)
