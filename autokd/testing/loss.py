"""The contract of a loss, see `autokd.distill.losses`."""

from collections.abc import Iterator

import torch
from torch import Tensor

from autokd.core.trial import DistillParams
from autokd.distill.losses import Loss, loss_named
from autokd.testing.contract import broken, leaving_chance_alone

IMAGES = 12
CLASSES = (3, 10, 200)
TEMPERATURES = (1.0, 4.0, 10.0)
# Of float32 sums over the classes.
_RELATIVE, _ABSOLUTE = 1e-3, 1e-5
_STEPS = 100

Case = tuple[str, Tensor, Tensor, Tensor]


def check_loss(name: str) -> None:
    """Hold a loss against its contract.

    It gives one finite float32 number for each image, whatever the logits and whether there are
    labels; its gradient is finite, and following it makes it smaller and leads to the teacher's
    classes; the order of the images does not count; it changes nothing that it was given, and
    leaves nothing to chance.

    Args:
        name: By which a run asks for it.

    Raises:
        ContractBrokenError: It does not keep a rule.
        PluginError: It is not installed, cannot be imported, or fails.
    """
    what = f"loss {name!r}"
    loss = loss_named(name)
    with leaving_chance_alone(what):
        for classes in CLASSES:
            for temperature in TEMPERATURES:
                params = DistillParams(temperature=temperature, alpha=1.0, loss=name)
                for case, student, teacher, labels in _cases(classes):
                    where = f"{what}, {case}, {classes} classes, temperature {temperature:g}"
                    _check_values(where, loss, student, teacher, labels, params)
        params = DistillParams(temperature=4.0, alpha=1.0, loss=name)
        _check_order(what, loss, params)
        _check_descent(what, loss, params)


def _cases(classes: int) -> Iterator[Case]:
    generator = torch.Generator().manual_seed(classes)

    def draw(scale: float, images: int = IMAGES) -> Tensor:
        return scale * torch.randn(images, classes, generator=generator)

    labels = torch.arange(IMAGES) % classes
    sure = draw(1.0)
    sure[torch.arange(IMAGES), labels] += 50.0
    yield "usual logits", draw(2.0), draw(4.0), labels
    yield "a sure teacher", draw(2.0), sure, labels
    yield "large logits", draw(30.0), draw(30.0), labels
    yield "a student that says nothing", torch.zeros(IMAGES, classes), draw(4.0), labels
    yield "a student that is its teacher", sure.clone(), sure, labels
    yield "no labels (-1)", draw(2.0), draw(4.0), torch.full((IMAGES,), -1)
    yield "one image", draw(2.0, 1), draw(4.0, 1), labels[:1]


def _check_values(
    where: str,
    loss: Loss,
    student: Tensor,
    teacher: Tensor,
    labels: Tensor,
    params: DistillParams,
) -> None:
    given = student.clone().requires_grad_()
    others = teacher.clone(), labels.clone()
    values = loss(given, *others, params)
    if values.shape != labels.shape:
        found = f"it gave {tuple(values.shape)}"
        broken(where, f"one number for each of {len(labels)} images", found)
    if values.dtype != torch.float32:
        broken(where, "float32, as the logits are", f"it gave {values.dtype}")
    if not bool(values.isfinite().all()):
        broken(where, "every number is finite", f"it gave {values.tolist()}")
    if not values.requires_grad:
        broken(where, "a gradient leads back to the student's logits", "there is none")
    values.mean().backward()  # type: ignore[no-untyped-call]
    if given.grad is None or not bool(given.grad.isfinite().all()):
        broken(where, "every gradient is finite", "one is not, or there is none")
    unchanged = zip((given.detach(), *others), (student, teacher, labels), strict=True)
    if not all(torch.equal(now, was) for now, was in unchanged):
        broken(where, "what is given stays as it is", "it was written into")
    if not torch.equal(loss(given, *others, params), values):
        broken(where, "the same logits give the same numbers", "a second call gave others")


def _check_order(what: str, loss: Loss, params: DistillParams) -> None:
    _, student, teacher, labels = next(_cases(10))
    turned = torch.arange(IMAGES - 1, -1, -1)
    straight = loss(student, teacher, labels, params)[turned]
    back = loss(student[turned], teacher[turned], labels[turned], params)
    if not torch.allclose(straight, back, rtol=_RELATIVE, atol=_ABSOLUTE):
        found = f"in reverse they got {back.tolist()} in place of {straight.tolist()}"
        broken(what, "an image is worth the same wherever it stands in a batch", found)


def _check_descent(what: str, loss: Loss, params: DistillParams) -> None:
    """Let logits follow the gradient, as a student with one parameter for each logit would."""
    _, student, teacher, _ = next(_cases(10))
    labels = teacher.argmax(dim=1)  # where teacher and labels agree, there is one way to go
    moving = student.clone().requires_grad_()
    optimiser = torch.optim.Adam([moving], lr=0.05)
    values = []
    for _ in range(_STEPS):
        value = loss(moving, teacher, labels, params).mean()
        values.append(float(value.detach()))
        optimiser.zero_grad()
        value.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    if not values[-1] < values[0]:
        found = f"{_STEPS} steps led from {values[0]:g} to {values[-1]:g}"
        broken(what, "following the gradient makes it smaller", found)
    before, after = (
        int((side.argmax(dim=1) == labels).sum()) for side in (student, moving.detach())
    )
    if after <= before:
        found = f"{_STEPS} steps led from {before} to {after} of {IMAGES} images"
        broken(what, "following the gradient leads to the classes that the teacher names", found)
