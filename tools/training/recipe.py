"""Way (b): torchdistill's own distillation, as its published configurations for CIFAR-100 set it.

The library's distillation box does all work of a step. The configuration is what its files for
"kd" on CIFAR-100 come to once they are read: random crop, mirroring, SGD, rate 0.1 divided by five
after 30, 60 and 80 % of the epochs, `KDLoss` in a `WeightedSumLoss`. Temperature and weight are
those of the other ways; the files have 4 and 0.9, where 0.9 is the weight of the labels. Of the
driver in the library's examples its metric logger is left out, which only makes this way faster.

References:
    [Matsubara2021]: Y. Matsubara. torchdistill: A Modular, Configuration-Driven Framework for
        Knowledge Distillation. arXiv:2011.12913. Written for torchdistill 1.1.5.
"""

from collections.abc import Iterator
from importlib import import_module
from typing import Any

import torch
from torch import nn

from autokd.core.trial import DistillParams
from tools.training.plain import MOMENTUM, RATE, WEIGHT_DECAY, augmented_images
from tools.training.ways import Task

_TRAIN = "cifar100/train"
_MILESTONES = (0.3, 0.6, 0.8)
_GAMMA = 0.2


def train_by_torchdistill(student: nn.Module, task: Task) -> Iterator[int]:
    """Train; after each step gives the images in it. Order and views are torch's global stream."""
    distillation = import_module("torchdistill.core.distillation")  # only this way needs it
    box = distillation.get_distillation_box(
        teacher_model=task.load_teacher(),
        student_model=student,
        dataset_dict={_TRAIN: augmented_images(task.data)},
        train_config=train_config(
            task.distill,
            batch_images=task.data.batch_size,
            epochs=task.epochs,
            workers=task.workers,
        ),
        device=torch.device("cpu"),
        device_ids=None,
        distributed=False,
        lr_factor=1,
    )
    for epoch in range(box.num_epochs):
        box.pre_epoch_process(epoch=epoch)
        for images, labels, supplement in box.train_data_loader:
            loss = box.forward_process(images, labels, supplement)
            box.post_forward_process(loss=loss)
            loss.item()  # the library's example logs every loss
            yield len(labels)
        box.post_epoch_process()


def train_config(
    distill: DistillParams, *, batch_images: int, epochs: int, workers: int
) -> dict[str, Any]:
    """Give the part ``train`` of a configuration, as the library reads it from YAML."""
    output = {"module_path": ".", "module_io": "output"}
    kd = {
        "key": "KDLoss",
        "kwargs": {
            **{f"student_{name}": value for name, value in output.items()},
            **{f"teacher_{name}": value for name, value in output.items()},
            "temperature": distill.temperature,
            "alpha": 1 - distill.alpha,  # theirs weighs the labels
            "reduction": "batchmean",
        },
    }
    return {
        "num_epochs": epochs,
        "train_data_loader": {
            "dataset_id": _TRAIN,
            "sampler": {"class_or_func": torch.utils.data.RandomSampler, "kwargs": None},
            "kwargs": {"batch_size": batch_images, "num_workers": workers, "drop_last": False},
        },
        "teacher": {"forward_proc": "forward_batch_only", "requires_grad": False},
        "student": {"forward_proc": "forward_batch_only", "requires_grad": True},
        "optimizer": {
            "key": "SGD",
            "kwargs": {"lr": RATE, "momentum": MOMENTUM, "weight_decay": WEIGHT_DECAY},
        },
        "scheduler": {
            "key": "MultiStepLR",
            "kwargs": {
                "milestones": [round(share * epochs) for share in _MILESTONES],
                "gamma": _GAMMA,
            },
        },
        "criterion": {
            "key": "WeightedSumLoss",
            "kwargs": {"sub_terms": {"kd": {"criterion": kd, "weight": 1.0}}},
        },
    }
