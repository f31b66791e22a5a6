"""What a student scores on validation images."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it

from autokd.data.augment import resize, to_input
from autokd.distill.batches import TrainingData
from autokd.models.network import StudentNetwork

# Large enough to hide the cost of each call, small enough to stay near the processor's caches: the
# best of 32, 64, 125, 250, 500 is 64 to 125 for large inputs, by 2 to 3 times over 500, and costs a
# fifth more than that for small ones.
BATCH = 100


@dataclass(frozen=True, slots=True)
class Score:
    """Of one student on all validation images.

    Attributes:
        accuracy: Fraction that is right. An image without a label is right when student and teacher
            agree.
        agreement: Fraction where student and teacher name the same class.
        loss: Mean cross-entropy, against the teacher's class where there is no label.
    """

    accuracy: float
    agreement: float
    loss: float


def score_student(network: StudentNetwork, data: TrainingData) -> Score:
    """Score ``network`` on the validation images; it is left in evaluation mode."""
    program = network.program
    named = data.validation_logits.argmax(dim=1)
    labels = torch.where(data.validation.labels >= 0, data.validation.labels, named)
    right = agreed = 0
    loss = 0.0
    network.eval()
    with torch.inference_mode():
        for start in range(0, len(data.validation), BATCH):
            here = slice(start, start + BATCH)
            images = resize(data.validation.images[here], program.input_px)
            logits = network(
                to_input(images, channels=program.image_channels, mean=data.mean, std=data.std)
            )
            answer = logits.argmax(dim=1)
            right += int((answer == labels[here]).sum())
            agreed += int((answer == named[here]).sum())
            loss += float(F.cross_entropy(logits, labels[here], reduction="sum"))
    images_scored = len(data.validation)
    return Score(right / images_scored, agreed / images_scored, loss / images_scored)
