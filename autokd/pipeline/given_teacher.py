"""The teacher of a run: from its file, from memory, or only its card where a run goes on."""

from pathlib import Path

from torch import nn

from autokd.core.codec import load_record
from autokd.core.config import MODULE, TeacherConfig
from autokd.core.progress import Progress
from autokd.data.images import Dataset
from autokd.errors import TeacherError
from autokd.teacher.card import TeacherCard
from autokd.teacher.load import Teacher, load_module, load_teacher
from autokd.teacher.module import AbsentTeacher, absence

CARD_FILE = Path("teacher", "card.json")
NOT_ASKED = (
    "The run went on without the teacher, a module in memory, so that nobody asked it about the "
    "test images."
)


def find_teacher(
    config: TeacherConfig,
    dataset: Dataset,
    *,
    module: nn.Module | None,
    run: Path | None,
    progress: Progress,
) -> Teacher:
    """Give the teacher, whose logits come in the order of the data's classes.

    Args:
        config: Of the teacher.
        dataset: What it is asked about.
        module: The teacher, where it has no file.
        run: Folder of a run that has begun, whose card stands for a module that is not given again.
        progress: Told when work takes long.

    Raises:
        TeacherError: It cannot be used, or does not fit the data.
    """
    names, px = dataset.class_names, dataset.train.px
    channels = dataset.train.channels
    in_memory = config.file.startswith(MODULE)
    if module is not None:
        if not in_memory:
            msg = (
                f"teacher: a module is given, and this run's teacher is the file {config.file}; "
                "leave the module out."
            )
            raise TeacherError(msg)
        return load_module(module, config, class_names=names, image_px=px, image_channels=channels)
    if not in_memory:
        return load_teacher(
            config, class_names=names, image_px=px, image_channels=channels, progress=progress
        )
    if run is None or not (run / CARD_FILE).is_file():
        raise TeacherError(absence(config.file))
    return AbsentTeacher(load_record(TeacherCard, run / CARD_FILE, error=TeacherError))
