"""A step on a device: everything is there, and nothing is read back."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from autokd.core.trial import DistillParams, LossName
from autokd.distill import batches
from autokd.distill.batches import TrainingData
from autokd.distill.losses import LOSSES
from autokd.distill.placement import choose_device, fits_on, mixed_precision
from autokd.distill.trainer import Training, train
from autokd.errors import ConfigError
from autokd.space.program import Program, ProgramBuilder
from autokd.teacher.top_classes import LogitForm

# What waits for a device: a number that is read back, or a shape that depends on one.
READS = ("_local_scalar_dense", "is_nonzero", "nonzero", "masked_select", "equal", "unique")


class NoReading(TorchDispatchMode):
    """Fails at the first operator that reads a number back."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func.overloadpacket.__name__ in READS:
            message = f"{func} reads a number back"
            raise AssertionError(message)
        return func(*args, **(kwargs or {}))


@pytest.fixture(params=["whole", "top"])
def forms(request: pytest.FixtureRequest, data: TrainingData, monkeypatch) -> TrainingData:
    """The data, its logits whole or in the form of many classes."""
    if request.param == "top":
        form = LogitForm(3, kept=2)
        monkeypatch.setattr(batches, "form_for", lambda classes: form)
        assert data.logits is not None
        rows = [form.pack(torch.from_numpy(view).float()) for view in data.logits]
        return replace(data, logits=np.stack(rows))
    return data


def build(px: int = 8) -> Program:
    """A student without dropout, whose generator a fake device has not."""
    builder = ProgramBuilder(image_channels=3, input_px=px)
    stem = builder.relu("stem_relu", builder.conv("stem", 0, 8))
    both = builder.sum("both", [stem, builder.conv("deep", stem, 8, depthwise=True)], weighted=True)
    builder.classify(builder.pool("pool", both, 4), 3)
    return builder.build()


def begin(data: TrainingData, *, alpha: float, loss: LossName = "kd", **options) -> Training:
    params = DistillParams(temperature=2, alpha=alpha, loss=loss)
    return Training(build(), data, params, images=10**4, seed=0, **options)


def test_the_guard_fails_at_a_number_that_is_read_back() -> None:
    with NoReading():
        found = torch.ones(3).sum()
        with pytest.raises(AssertionError, match="reads a number back"):
            found.item()


@pytest.mark.parametrize("alpha", [0.0, 0.5])
@pytest.mark.parametrize("loss", LOSSES)
def test_a_step_reads_nothing_back(forms: TrainingData, loss: LossName, alpha: float) -> None:
    training = begin(forms, alpha=alpha, loss=loss)
    training.advance()
    with NoReading():
        for _ in range(3):
            training.advance()
    assert training.result().loss > 0


@pytest.mark.parametrize("alpha", [0.0, 0.5])
def test_a_step_without_labels_reads_nothing_back(data: TrainingData, alpha: float) -> None:
    labels = data.train.labels.clone()
    labels[::2] = -1
    training = begin(replace(data, train=replace(data.train, labels=labels)), alpha=alpha)
    training.advance()
    with NoReading():
        training.advance()


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> torch.device:
    """A device without memory: tensors have a place and a shape there, and no numbers to read.

    It differs from CUDA in one thing: torch has neither a fused optimiser nor a clipping of many
    tensors at once for it.
    """
    sgd, clip = torch.optim.SGD, torch.nn.utils.clip_grad_norm_

    def plain_sgd(*args, fused: bool, **given) -> torch.optim.SGD:
        return sgd(*args, **given)

    def plain_clip(*args, foreach: bool) -> torch.Tensor:
        return clip(*args, foreach=False)

    monkeypatch.setattr(torch.optim, "SGD", plain_sgd)
    monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", plain_clip)
    return torch.device("meta")


@pytest.mark.parametrize("resident", [True, False])
@pytest.mark.parametrize("alpha", [0.0, 0.5])
def test_a_step_elsewhere_has_everything_there(
    forms: TrainingData,
    elsewhere: torch.device,
    alpha: float,
    resident: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(batches, "fits_on", lambda device, size_bytes: resident)
    training = begin(forms, alpha=alpha, device=elsewhere)
    for _ in range(2):
        training.advance()
    tensors = [*training._network.state_dict().values(), *training._optimizer.momenta()]
    assert {tensor.device for tensor in tensors} == {elsewhere}
    with pytest.raises(RuntimeError, match="meta"):
        training._optimizer.check()
    batch = training._batches.batch(0)
    assert {batch.images.device, batch.labels.device} == {elsewhere}
    assert batch.images.shape == (64, 3, 8, 8)


def test_auto_is_the_processor_where_there_is_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert choose_device("auto") == choose_device("cpu") == torch.device("cpu")
    for wanted in ("cuda", "mps"):
        with pytest.raises(
            ConfigError, match=rf"--train-on {wanted}: .* no such device; use auto, cpu\."
        ):
            choose_device(wanted)


@pytest.mark.parametrize(("cuda", "mps", "chosen"), [(True, True, "cuda"), (False, True, "mps")])
def test_auto_takes_what_torch_finds(
    monkeypatch: pytest.MonkeyPatch, cuda: bool, mps: bool, chosen: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert choose_device("auto").type == chosen
    assert choose_device("cpu").type == "cpu"


def test_on_processors_nothing_is_copied_and_nothing_is_rounded(data: TrainingData) -> None:
    cpu = torch.device("cpu")
    assert not fits_on(cpu, 1)
    with mixed_precision(cpu):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no CUDA device")
def test_on_cuda_a_student_learns_as_on_the_processor(program: Program, data: TrainingData) -> None:
    params = DistillParams(temperature=2, alpha=0.5)
    scores = [
        train(program, data, params, images=64 * 60, seed=0, device=torch.device(name)).accuracy
        for name in ("cpu", "cuda")
    ]
    assert min(scores) > 0.9
    assert scores[0] == pytest.approx(scores[1], abs=0.1)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no CUDA device")
def test_on_cuda_a_step_waits_for_nothing(data: TrainingData) -> None:
    training = begin(data, alpha=0.5, device=torch.device("cuda"))
    training.advance()
    torch.cuda.set_sync_debug_mode("error")
    try:
        training.advance()
    finally:
        torch.cuda.set_sync_debug_mode("default")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.backends.mps.is_available(), reason="torch finds no MPS device")
def test_on_mps_a_student_learns(program: Program, data: TrainingData) -> None:
    params = DistillParams(temperature=2, alpha=0.5)
    found = train(program, data, params, images=64 * 60, seed=0, device=torch.device("mps"))
    assert found.accuracy > 0.9
