"""What is known of a teacher: what its file expects, and what it is."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from autokd.core.codec import load_toml, parse_record
from autokd.core.config import TeacherConfig
from autokd.core.record import Record
from autokd.errors import TeacherError

TeacherKind = Literal["state_dict", "onnx", "torchscript", "exported", "module"]
Precision = Literal["fp32", "bf16"]

# The mean and standard deviation of ImageNet's pixels, which torchvision's own training recipes and
# nearly every fine-tuning script use.
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


class TeacherHints(Record):
    """What somebody says of a teacher; None where nothing is said. Also the form of ``model.toml``.

    Attributes:
        arch: ``torchvision:NAME``, ``timm:NAME`` or ``package.module:factory``; not the last in a
            card, see `autokd.teacher.load`.
        input_px: Side of the image that it was trained on.
        mean: Per channel, of pixels in 0..1.
        std: Per channel.
        class_names: In the order of its outputs.
    """

    arch: str | None = None
    input_px: int | None = Field(default=None, ge=8, le=1024)
    mean: tuple[float, ...] | None = Field(default=None, min_length=1, max_length=3)
    std: tuple[float, ...] | None = Field(default=None, min_length=1, max_length=3)
    class_names: tuple[str, ...] | None = None

    def over(self, other: "TeacherHints") -> "TeacherHints":
        """Give hints that fall back on ``other`` where these say nothing."""
        said = self.model_dump(exclude_none=True)
        return TeacherHints.model_validate({**other.model_dump(exclude_none=True), **said})


class TeacherCard(Record):
    """A teacher that was loaded.

    Attributes:
        file: As it was given; ``module:CLASS`` for a module from Python.
        sha256: Of the file, or of the names and numbers of a module's state dict.
        kind: How it was loaded.
        arch: ``library:NAME`` where the file is weights alone.
        input_px: Side to which images are brought.
        image_channels: 1 or 3.
        mean: Subtracted from pixels in 0..1, a number a channel.
        std: What the difference is divided by.
        normalised_inside: The file takes raw uint8 pixels; ``mean`` and ``std`` are not applied.
        normalisation_source: Who says so, in words.
        class_names: Of the columns of `Teacher.logits`; empty when nobody names them.
        class_order: Output of the file that stands in each column; None when all are in place.
        classes: Number of columns.
        params: Trainable numbers, or those in its weights where the file does not tell; None when
            it shows no weights, as a quantized module.
        size_bytes: Of the file, or of a module's state dict.
        macs: Multiply-adds of convolutions and linear layers for an image; None when not known.
        precision: In which it computes.
    """

    file: str
    sha256: str
    kind: TeacherKind
    arch: str | None
    input_px: int
    image_channels: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    normalised_inside: bool = False
    normalisation_source: str = ""
    class_names: tuple[str, ...]
    class_order: tuple[int, ...] | None = None
    classes: int
    params: int | None
    size_bytes: int
    macs: int | None
    precision: Precision = "fp32"

    def adjusted(
        self,
        *,
        input_px: int | None = None,
        mean: tuple[float, ...] | None = None,
        std: tuple[float, ...] | None = None,
    ) -> "TeacherCard":
        """Give the card with another preparation of images; None leaves a part as it is."""
        changes = {"input_px": input_px, "mean": mean, "std": std}
        return self.model_copy(update={k: v for k, v in changes.items() if v is not None})


def hints_from_config(config: TeacherConfig) -> TeacherHints:
    """Take what flags and ``autokd.toml`` say.

    Raises:
        TeacherError: A value breaks a rule.
    """
    raw = config.model_dump(include=set(TeacherHints.model_fields), exclude_none=True)
    return parse_record(TeacherHints, raw, where="[teacher]", error=TeacherError)


def hints_beside(file: Path) -> TeacherHints:
    """Read ``model.toml`` beside ``model.pt``; empty hints when there is none.

    Raises:
        TeacherError: The card cannot be read, or has an unknown key or a wrong value.
    """
    card = file.with_suffix(".toml")
    if not card.is_file():
        return TeacherHints()
    raw = load_toml(card, error=TeacherError)
    return parse_record(TeacherHints, raw, where=str(card), error=TeacherError)


def hints_from_metadata(metadata: Mapping[str, str], where: str) -> TeacherHints:
    """Read ONNX metadata: ``input_px``, ``mean``, ``std``, ``class_names``; other keys are ignored.

    A list is JSON, or words with commas between them.

    Raises:
        TeacherError: A value breaks a rule.
    """
    raw: dict[str, Any] = {}
    for key in ("input_px", "mean", "std", "class_names"):
        text = metadata.get(key, "").strip()
        if text:
            raw[key] = text if key == "input_px" else _parse_list(text)
    return parse_record(TeacherHints, raw, where=f"{where} (metadata)", error=TeacherError)


def choose_normalisation(
    hints: TeacherHints, *, channels: int, imagenet: bool, where: str
) -> tuple[tuple[float, ...], tuple[float, ...], str]:
    """Give mean, standard deviation and who says so.

    Without hints, architectures of torchvision and timm get ImageNet's numbers, which is what they
    are nearly always trained with, and others get pixels in 0..1 as they are; preflight tries the
    other choices when the teacher scores badly.

    Args:
        hints: Everything that was said.
        channels: Of the teacher's input.
        imagenet: Whether ImageNet's numbers are the default.
        where: Names the teacher in messages.

    Raises:
        TeacherError: One of mean and std is missing, or has the wrong length, or std is not
            positive.
    """
    if hints.mean is None and hints.std is None:
        if not imagenet:
            return (0.0,) * channels, (1.0,) * channels, "default: pixels in 0..1 as they are"
        source = "default: ImageNet's, nobody gave mean and std"
        if channels == 1:
            gray_mean, gray_std = sum(IMAGENET_MEAN) / 3, sum(IMAGENET_STD) / 3
            return (gray_mean,), (gray_std,), source
        return IMAGENET_MEAN, IMAGENET_STD, source
    if hints.mean is None or hints.std is None:
        known, missing = ("mean", "std") if hints.std is None else ("std", "mean")
        msg = f"{where}: {known} is given but {missing} is not; give both or neither."
        raise TeacherError(msg)
    mean = _per_channel("mean", hints.mean, channels, where)
    std = _per_channel("std", hints.std, channels, where)
    if min(std) <= 0:
        msg = f"{where}: std = {list(std)}: every value must be above 0 (pixels are in 0..1)."
        raise TeacherError(msg)
    return mean, std, "given"


def match_classes(
    named: tuple[str, ...] | None, data: tuple[str, ...], *, outputs: int, where: str
) -> tuple[tuple[str, ...], tuple[int, ...] | None]:
    """Give the names of the logits' columns, and which output stands in each column.

    Args:
        named: The teacher's classes in the order of its outputs, when somebody names them.
        data: The data's classes in the order of labels; empty for data without labels.
        outputs: Number of the teacher's outputs.
        where: Names the teacher in messages.

    Raises:
        TeacherError: Numbers or names of classes differ.
    """
    if named is not None and len(named) != outputs:
        msg = (
            f"{where}: {len(named)} class_names are given, {_ends(named)}, but the teacher has "
            f"{outputs} outputs; give a name for each output, in the order of the outputs."
        )
        raise TeacherError(msg)
    if not data:
        return named or (), None
    if len(data) != outputs:
        mine = f" ({_ends(named)})" if named else ""
        msg = (
            f"{where}: the teacher has {outputs} classes{mine}, the data {len(data)} "
            f"({_ends(data)}); both must have the same. Give the data the teacher was trained on, "
            "or images without class folders to distil all of the teacher's classes."
        )
        raise TeacherError(msg)
    if named is None or named == data:
        return data, None
    if len(set(named)) != len(named) or set(named) != set(data):
        other = sorted(set(named) ^ set(data)) or sorted(n for n in named if named.count(n) > 1)
        msg = (
            f"{where}: class names of teacher ({_ends(named)}) and data ({_ends(data)}) are not "
            f"the same set; for example {other[0]!r} is on one side only or twice. Rename the "
            "data's folders, or correct class_names in [teacher] of autokd.toml."
        )
        raise TeacherError(msg)
    return data, tuple(named.index(name) for name in data)


def _per_channel(
    name: str, values: tuple[float, ...], channels: int, where: str
) -> tuple[float, ...]:
    if len(values) == 1:
        return values * channels
    if len(values) != channels:
        msg = (
            f"{where}: {name} = {list(values)} has {len(values)} numbers, but the teacher takes "
            f"{channels} channel(s); give 1 or {channels}."
        )
        raise TeacherError(msg)
    return values


def _ends(names: Sequence[str]) -> str:
    """Show the first and last names of a list."""
    shown = [repr(name) for name in names]
    return ", ".join(shown if len(shown) <= 4 else [*shown[:2], "...", *shown[-2:]])


def _parse_list(text: str) -> list[Any]:
    try:
        value = json.loads(text)
    except ValueError:
        return [word.strip() for word in text.split(",")]
    return value if isinstance(value, list) else [value]
