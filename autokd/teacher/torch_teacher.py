"""A teacher that torch runs."""

import time

import torch
from torch import Tensor, nn

from autokd.errors import InterruptedRunError, TeacherError
from autokd.teacher.card import Precision, TeacherCard
from autokd.teacher.diagnosis import spread_index
from autokd.teacher.outputs import are_probabilities, as_outputs, prepare, to_logits

BATCH = 256
_PROBE_IMAGES = 64
_PROBE_REPEATS = 3
_MIN_SPEEDUP = 1.15  # less than this may be noise of the clock
_MAX_PROBABILITY_CHANGE = 0.02
_NO_WEIGHTS = (torch.int64, torch.bool)  # counters, places, masks


class TorchTeacher:
    """Runs a module in evaluation mode, without gradients, in channels_last.

    Attributes:
        card: What is known of it.
    """

    def __init__(self, network: nn.Module, card: TeacherCard, *, batch: int | None = None) -> None:
        """Take a network in evaluation mode.

        Args:
            network: Called with (b, channels, px, px), float32.
            card: What it expects.
            batch: The only batch it takes; None for any.
        """
        self.card = card
        self._network = network
        self._batch = batch
        self._probabilities = are_probabilities(self._run(_noise(card), card.precision))

    def logits(self, images: Tensor) -> Tensor:
        """Map uint8 images (b, h, w, c) to float32 logits (b, classes)."""
        if not len(images):
            return torch.empty(0, self.card.classes)
        chunks = torch.split(images, BATCH)
        rows = [self._run(prepare(chunk, self.card), self.card.precision) for chunk in chunks]
        outputs = torch.cat(rows)
        return to_logits(outputs, probabilities=self._probabilities, order=self.card.class_order)

    def adjusted(
        self,
        *,
        input_px: int | None = None,
        mean: tuple[float, ...] | None = None,
        std: tuple[float, ...] | None = None,
    ) -> "TorchTeacher":
        """Give the same network behind another preparation of its images.

        Raises:
            TeacherError: It does not take images of that size.
        """
        card = self.card.adjusted(input_px=input_px, mean=mean, std=std)
        return TorchTeacher(self._network, card, batch=self._batch)

    def settle_precision(self, images: Tensor) -> None:
        """Compute in bfloat16 from now on if a short trial on real images shows that it pays.

        It does if it is at least 15 % faster, names the same class for every image, and changes no
        class's probability by 0.02 or more. Processors without bfloat16 instructions are not tried.

        Args:
            images: uint8 (b, h, w, c); 64 are used, spread evenly, as images are often in the order
                of their classes.
        """
        if not torch.ops.mkldnn._is_mkldnn_bf16_supported() or not _has_bf16_instructions():
            return
        batch = prepare(images[spread_index(len(images), _PROBE_IMAGES)], self.card)
        exact, exact_seconds = self._time(batch, "fp32")
        rough, rough_seconds = self._time(batch, "bf16")
        change = (exact.softmax(1) - rough.softmax(1)).abs().max()
        same = bool((exact.argmax(1) == rough.argmax(1)).all())
        faster = exact_seconds >= _MIN_SPEEDUP * rough_seconds
        if same and faster and float(change) < _MAX_PROBABILITY_CHANGE:
            self.card = self.card.model_copy(update={"precision": "bf16"})

    def _time(self, batch: Tensor, precision: Precision) -> tuple[Tensor, float]:
        outputs = self._run(batch, precision)
        seconds = []
        for _ in range(_PROBE_REPEATS):
            start = time.perf_counter()
            self._run(batch, precision)
            seconds.append(time.perf_counter() - start)
        logits = to_logits(outputs, probabilities=self._probabilities, order=None)
        return logits, min(seconds)

    def _run(self, batch: Tensor, precision: Precision) -> Tensor:
        """Map prepared images (b, channels, px, px) to outputs (b, outputs)."""
        if self._batch is None:
            return self._forward(batch, precision)
        rows = [self._forward_padded(chunk, precision) for chunk in torch.split(batch, self._batch)]
        return torch.cat(rows)

    def _forward_padded(self, chunk: Tensor, precision: Precision) -> Tensor:
        missing = (self._batch or len(chunk)) - len(chunk)
        filled = torch.cat([chunk, chunk[:1].expand(missing, *chunk.shape[1:])])
        return self._forward(filled, precision)[: len(chunk)]

    def _forward(self, batch: Tensor, precision: Precision) -> Tensor:
        where = self.card.file
        bf16 = precision == "bf16"
        try:
            with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=bf16):
                given = self._network(batch)
        except InterruptedRunError:
            raise
        except Exception as fault:
            first = (str(fault).strip().splitlines() or [repr(fault)])[-1]
            msg = (
                f"{where}: fails on images of {batch.shape[1]} channels and {batch.shape[2]} px "
                f"({first[:200]}); give the size it was trained on with --input-px."
            )
            raise TeacherError(msg) from fault
        return as_outputs(given, where)


def check_outputs(network: nn.Module, *, channels: int, px: int, batch: int, where: str) -> Tensor:
    """Run a network once on black images and give its outputs (batch, outputs).

    Raises:
        TeacherError: Its outputs are not class scores.
        RuntimeError: It does not take images of this size.
    """
    images = torch.zeros(batch, channels, px, px).to(memory_format=torch.channels_last)
    with torch.inference_mode():
        return as_outputs(network(images), where)


def count_macs(network: nn.Module, *, channels: int, px: int) -> int | None:
    """Count multiply-adds of convolutions and linear layers for one image; None if there are none.

    Products of activations with each other, as in attention, are not counted.
    """
    total = 0

    def count(module: nn.Module, _inputs: object, output: Tensor) -> None:
        nonlocal total
        weight = module.weight
        assert isinstance(weight, Tensor)  # noqa: S101 - of the three kinds below
        # Each output number takes the products of one row of the weight.
        total += output.numel() * weight[0].numel()

    kinds = (nn.Conv2d, nn.Linear)
    hooks = [m.register_forward_hook(count) for m in network.modules() if type(m) in kinds]
    try:
        with torch.inference_mode():
            network(torch.zeros(1, channels, px, px))
    finally:
        for hook in hooks:
            hook.remove()
    return total or None


def count_params(network: nn.Module) -> int | None:
    """Count trainable numbers; None if there are none to be seen, as in a quantized module.

    A frozen network keeps its weights as constants; there the tensors of two or more count.
    """
    trainable = sum(weight.numel() for weight in network.parameters())
    if trainable:
        return trainable
    constants = [*network.buffers(), *_constants(network)]
    weights = [c.numel() for c in constants if c.numel() > 1 and c.dtype not in _NO_WEIGHTS]
    return sum(weights) or None


def _constants(network: nn.Module) -> list[Tensor]:
    if not isinstance(network, torch.jit.ScriptModule):
        return []
    graph = network.inlined_graph  # made anew at each call, and the nodes are gone with it
    nodes = graph.findAllNodes("prim::Constant")  # type: ignore[attr-defined]  # torch has no types
    values = [node.output().toIValue() for node in nodes]
    return [value for value in values if isinstance(value, Tensor)]


def _noise(card: TeacherCard) -> Tensor:
    """Give two images of noise, ready for the network."""
    generator = torch.Generator().manual_seed(0)
    size = (2, card.input_px, card.input_px, card.image_channels)
    return prepare(torch.randint(0, 256, size, dtype=torch.uint8, generator=generator), card)


def _has_bf16_instructions() -> bool:
    # Emulated bfloat16 is several times slower than float32.
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
