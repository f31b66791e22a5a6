"""The space that is searched: points of a cube in, sized students out."""

import copy
import json
from functools import lru_cache

import numpy as np

from autokd.core.cost import Limits
from autokd.core.device import DeviceProfile
from autokd.core.family import FamilyParams
from autokd.core.genotype import Genotype
from autokd.core.latency import LatencyModel
from autokd.core.trial import Candidate, DistillParams, Origin
from autokd.space.coding import (
    decode_point,
    definition_of,
    dimensions,
    encode_point,
    starting_points,
)
from autokd.space.descriptors import describe
from autokd.space.lowering import lower
from autokd.space.program import Program
from autokd.space.sizing import largest_width
from autokd.space.wiring import draw_genotype


class StudentSpace:
    """All students of a preset for one device, one set of limits and one kind of image.

    Attributes:
        dimension: Length of a point.
        classes: Length of the logits.
        label_bytes: Of the classes' names in the exported file.
        limits: What every member keeps, by construction.
        profile: The device; `predict_by` corrects its latency.
        revision: How often that was done.
        loss: How members at a point of the cube are taught.
    """

    def __init__(  # noqa: PLR0913 - each is a part of what a candidate follows from
        self,
        *,
        preset: str,
        profile: DeviceProfile,
        limits: Limits,
        image_px: int,
        image_channels: int,
        class_names: tuple[str, ...],
        loss: str = "kd",
        starts: tuple[tuple[float, ...], ...] = (),
    ) -> None:
        self.preset = preset
        self.profile = profile
        self.limits = limits
        self.loss = loss
        self.image_px = image_px
        self.image_channels = image_channels
        self.classes = len(class_names)
        self.label_bytes = len(json.dumps(class_names))
        self.revision = 0
        self._smallest_width = definition_of(preset).smallest_width
        self._starts = tuple(np.array(point) for point in starts)
        self.dimension = len(dimensions(preset, image_px))
        # A search asks for the same member again and again: sized, described, trained.
        self._wiring = lru_cache(maxsize=1024)(self._draw_wiring)
        self._program = lru_cache(maxsize=1024)(self._lower_member)

    def decode(self, point: np.ndarray) -> tuple[FamilyParams, DistillParams]:
        """Turn a point of the unit cube, shape (dimension,), into parameters."""
        return decode_point(self.preset, self.image_px, point, loss=self.loss)

    def draw(self, point: np.ndarray, *, member_seed: int, origin: Origin) -> Candidate | None:
        """Draw a member at a point of the unit cube; None when no width fits."""
        family, distill = self.decode(point)
        return self.member(family, distill, member_seed=member_seed, origin=origin)

    def point(self, candidate: Candidate) -> np.ndarray:
        """Give the point, shape (dimension,), that a candidate was drawn at."""
        return self.encode(candidate.family, candidate.distill)

    def starts(self) -> tuple[np.ndarray, ...]:
        """Give points to try first, (dimension,) each: those given, then what is known to work."""
        return (*self._starts, *starting_points(self.preset, self.image_px))

    def encode(self, family: FamilyParams, distill: DistillParams) -> np.ndarray:
        """Give the point, shape (dimension,), of parameters."""
        return encode_point(self.preset, self.image_px, family, distill)

    def member(
        self, family: FamilyParams, distill: DistillParams, *, member_seed: int, origin: Origin
    ) -> Candidate | None:
        """Draw a member and size it to ``family.fill`` of the tightest limit.

        Returns:
            The candidate, or None when even the smallest width is over a limit.
        """
        sized = largest_width(
            lambda width: self._program(family, member_seed, width),
            profile=self.profile,
            limits=self.limits,
            fill=family.fill,
            smallest=self._smallest_width,
            label_bytes=self.label_bytes,
        )
        if sized is None:
            return None
        width, cost = sized
        return Candidate(
            family=family,
            distill=distill,
            member_seed=member_seed,
            base_width=width,
            cost=cost,
            origin=origin,
        )

    def smallest_member(self, family: FamilyParams, *, member_seed: int) -> Program:
        """Give a member at the smallest width, whatever it costs."""
        return lower(self._wiring(family, member_seed).with_width(self._smallest_width))

    def predict_by(self, latency: LatencyModel) -> None:
        """Predict latencies by other coefficients from now on, and so draw members of other widths.

        Raises:
            ProfileError: Onnxruntime does not run on the device.
        """
        self.profile = self.profile.with_latency(latency)
        self.revision += 1

    def with_limits(self, limits: Limits) -> "StudentSpace":
        """Give the same space under other limits."""
        other = copy.copy(self)
        other.limits = limits
        return other

    def genotype(self, candidate: Candidate) -> Genotype:
        """Give the genotype of a candidate; the same in every process."""
        wiring = self._wiring(candidate.family, candidate.member_seed)
        return wiring.with_width(candidate.base_width)

    def program(self, candidate: Candidate) -> Program:
        """Give the layers of a candidate."""
        return self._program(candidate.family, candidate.member_seed, candidate.base_width)

    def descriptors(self, candidate: Candidate) -> np.ndarray:
        """Give the numbers of `autokd.space.descriptors`, shape (15,)."""
        return describe(self.program(candidate), candidate.family.block)

    def _draw_wiring(self, family: FamilyParams, member_seed: int) -> Genotype:
        return draw_genotype(
            family,
            member_seed=member_seed,
            image_channels=self.image_channels,
            classes=self.classes,
        )

    def _lower_member(self, family: FamilyParams, member_seed: int, base_width: int) -> Program:
        return lower(self._wiring(family, member_seed).with_width(base_width))
