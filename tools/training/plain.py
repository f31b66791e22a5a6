"""Way (a): distillation in plain PyTorch, as people write it.

A Dataset of PIL images with torchvision's transforms, a DataLoader, the teacher asked at every
step, SGD with the usual numbers for CIFAR and a cosine, float32 in the default memory format. The
code is meant to be ordinary: what makes it slow is what is measured.
"""

from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from autokd.data.images import ImageSet
from autokd.distill.batches import TrainingData
from tools.training.ways import Task

RATE = 0.1
MOMENTUM = 0.9
WEIGHT_DECAY = 5e-4


class PilImages(Dataset[tuple[Tensor, int]]):
    """An image set as torchvision's own CIFAR sets give theirs: one PIL image at a time."""

    def __init__(self, images: ImageSet, transform: transforms.Compose) -> None:
        self._pixels: np.ndarray = images.images.numpy()
        self._labels: list[int] = images.labels.tolist()
        self._transform = transform

    def __getitem__(self, place: int) -> tuple[Tensor, int]:
        """Give a transformed image (channels, px, px) and its label."""
        image = Image.fromarray(self._pixels[place])
        return self._transform(image), self._labels[place]

    def __len__(self) -> int:
        return len(self._labels)


def augmented_images(data: TrainingData) -> PilImages:
    """Give the training images with the usual transforms: shifted by an eighth, mirrored."""
    px = data.train.px
    steps = [
        transforms.RandomCrop(px, padding=px // 8),
        transforms.RandomHorizontalFlip(),
        transforms.ToTensor(),
        transforms.Normalize(data.mean, data.std),
    ]
    return PilImages(data.train, transforms.Compose(steps))


def train_plainly(student: nn.Module, task: Task) -> Iterator[int]:
    """Train; after each step gives the images in it. Order and views are torch's global stream."""
    temperature, alpha = task.distill.temperature, task.distill.alpha
    teacher = task.load_teacher()
    loader = DataLoader(
        augmented_images(task.data),
        batch_size=task.data.batch_size,
        shuffle=True,
        num_workers=task.workers,
    )
    optimizer = torch.optim.SGD(
        student.parameters(), lr=RATE, momentum=MOMENTUM, weight_decay=WEIGHT_DECAY
    )
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=task.epochs)
    student.train()
    for _ in range(task.epochs):
        running_loss = 0.0
        for images, labels in loader:
            with torch.no_grad():
                teacher_logits = teacher(images)
            logits = student(images)
            hard = F.cross_entropy(logits, labels)
            soft = F.kl_div(
                F.log_softmax(logits / temperature, dim=1),
                F.softmax(teacher_logits / temperature, dim=1),
                reduction="batchmean",
            )
            loss = (1 - alpha) * hard + alpha * temperature**2 * soft
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]  # torch has no types
            optimizer.step()
            running_loss += loss.item()
            yield len(labels)
        scheduler.step()
