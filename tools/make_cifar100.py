"""Bring CIFAR-100 into the form that autokd reads, and build the teacher that is used with it.

    python tools/make_cifar100.py DATA OUT.npz

DATA is a folder with ``load.py`` and ``cifar100/``; nothing of it is kept in the project. The last
5,000 training images, 50 of each class, are the validation split.

The teacher is named by ``--arch tools.make_cifar100:micronet_v2`` with DATA/teachers on PYTHONPATH.
"""

import sys
from pathlib import Path

import numpy as np
from torch import nn

VALIDATION_IMAGES = 5_000


def micronet_v2(num_classes: int = 100) -> nn.Module:
    """Build the teacher, a MicroNet of 0.485 M parameters, without weights."""
    from nets import MicroNet

    network: nn.Module = MicroNet(2, num_classes)
    return network


def main() -> None:
    """Write the file."""
    data, out = Path(sys.argv[1]), Path(sys.argv[2])
    sys.path.insert(0, str(data))
    from load import load

    images, labels, classes = load("cifar100", "train")
    test_images, test_labels, _ = load("cifar100", "test")
    cut = len(images) - VALIDATION_IMAGES
    np.savez(
        out,
        images=images[:cut],
        labels=labels[:cut],
        images_val=images[cut:],
        labels_val=labels[cut:],
        images_test=test_images,
        labels_test=test_labels,
        classes=np.array(classes),
    )
    print(f"{out}: {cut:,} training, {VALIDATION_IMAGES:,} validation, {len(test_images):,} test")


if __name__ == "__main__":
    main()
