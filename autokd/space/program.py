"""A student as a flat list of layers: the one form that cost, training and export all read.

`autokd.models.network` interprets a program as a torch module, `autokd.export.onnx` writes it as an
ONNX graph, `autokd.space.counts` counts it. A layer's ``name`` is the prefix of its weights:

    conv     NAME.conv.weight [NAME.conv.bias]
             [NAME.norm.weight NAME.norm.bias NAME.norm.running_mean NAME.norm.running_var]
    sum      [NAME.weights]   one number an input, before the sigmoid
    linear   NAME.weight NAME.bias
"""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["image", "conv", "relu", "sum", "pool", "gap", "linear"]


@dataclass(frozen=True, slots=True)
class Layer:
    """One operator.

    Attributes:
        name: Unique in the program.
        kind: ``image``: the input. ``conv``: padded with ``kernel // 2``, then BatchNorm if
            ``norm``. ``relu``. ``sum``: of two or more inputs of one shape, each times
            ``sigmoid(weight)`` if ``weighted``, all divided by their number if ``mean``. ``pool``:
            average over ``stride`` x ``stride``. ``gap``: mean over the image. ``linear``.
        inputs: Places in the program of what it reads.
        channels: Of its output.
        px: Side of its output; 1 after ``gap``.
    """

    name: str
    kind: Kind
    inputs: tuple[int, ...]
    channels: int
    px: int
    kernel: int = 1
    stride: int = 1
    groups: int = 1
    bias: bool = False
    norm: bool = False
    weighted: bool = False
    mean: bool = False


@dataclass(frozen=True, slots=True)
class Program:
    """Layers in execution order; the first is the image, the last gives the logits.

    Attributes:
        layers: In an order in which every input stands before its reader.
        dropout: Probability of dropping a feature before the classifier, in training.
    """

    layers: tuple[Layer, ...]
    dropout: float = 0.0

    @property
    def image_channels(self) -> int:
        """1 for gray, 3 for RGB."""
        return self.layers[0].channels

    @property
    def input_px(self) -> int:
        """Side of the input image."""
        return self.layers[0].px

    @property
    def classes(self) -> int:
        """Length of the logits."""
        return self.layers[-1].channels

    def readers(self) -> tuple[int, ...]:
        """Count, for each layer, the inputs of other layers that it is."""
        counts = [0] * len(self.layers)
        for layer in self.layers:
            for source in layer.inputs:
                counts[source] += 1
        return tuple(counts)

    def last_readers(self) -> tuple[int, ...]:
        """Give, for each layer, the place of the last layer that reads it; its own for the last."""
        last = list(range(len(self.layers)))
        for place, layer in enumerate(self.layers):
            for source in layer.inputs:
                last[source] = place
        return tuple(last)


class ProgramBuilder:
    """Collects layers; every method returns the place of the layer it adds."""

    def __init__(self, image_channels: int, input_px: int) -> None:
        self._layers = [Layer("image", "image", (), image_channels, input_px)]

    def channels(self, place: int) -> int:
        """Give the channels of the layer at ``place``."""
        return self._layers[place].channels

    def px(self, place: int) -> int:
        """Give the side of the layer at ``place``."""
        return self._layers[place].px

    def conv(  # noqa: PLR0913 - a convolution has this many properties
        self,
        name: str,
        source: int,
        channels: int,
        *,
        kernel: int = 3,
        stride: int = 1,
        depthwise: bool = False,
        bias: bool = False,
        norm: bool = True,
    ) -> int:
        """Add a convolution, padded so that stride 1 keeps the side, with BatchNorm if ``norm``."""
        return self._add(
            Layer(
                name,
                "conv",
                (source,),
                channels,
                -(-self.px(source) // stride),
                kernel=kernel,
                stride=stride,
                groups=self.channels(source) if depthwise else 1,
                bias=bias,
                norm=norm,
            )
        )

    def relu(self, name: str, source: int) -> int:
        """Add a ReLU."""
        return self._add(Layer(name, "relu", (source,), self.channels(source), self.px(source)))

    def sum(
        self, name: str, sources: list[int], *, weighted: bool = False, mean: bool = False
    ) -> int:
        """Add a sum; a single source is given back as it is."""
        if len(sources) == 1:
            return sources[0]
        shapes = {(self.channels(s), self.px(s)) for s in sources}
        assert len(shapes) == 1, f"{name}: inputs of shapes {sorted(shapes)}"  # noqa: S101
        channels, px = shapes.pop()
        return self._add(
            Layer(name, "sum", tuple(sources), channels, px, weighted=weighted, mean=mean)
        )

    def pool(self, name: str, source: int, px: int) -> int:
        """Average down to ``px``, which divides the side; the source itself if it has that side."""
        ratio, rest = divmod(self.px(source), px)
        assert rest == 0, f"{name}: {self.px(source)} px is no multiple of {px}"  # noqa: S101
        if ratio == 1:
            return source
        return self._add(
            Layer(name, "pool", (source,), self.channels(source), px, kernel=ratio, stride=ratio)
        )

    def classify(self, source: int, classes: int) -> int:
        """Add global average pooling and the linear classifier."""
        pooled = self._add(Layer("gap", "gap", (source,), self.channels(source), 1))
        return self._add(Layer("classifier", "linear", (pooled,), classes, 1, bias=True))

    def build(self, *, dropout: float = 0.0) -> Program:
        """Give the program.

        Raises:
            AssertionError: Two layers have one name, which would be a defect of ours.
        """
        names = [layer.name for layer in self._layers]
        assert len(set(names)) == len(names), "layer names repeat"  # noqa: S101
        return Program(tuple(self._layers), dropout)

    def _add(self, layer: Layer) -> int:
        self._layers.append(layer)
        return len(self._layers) - 1
