"""What a space of students is: the numbers that are searched, and the layers that they become."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from autokd.core.genotype import Genotype
from autokd.core.plugins import blaming, load_plugin
from autokd.errors import PluginError
from autokd.space.dimension import Choice, Dimension
from autokd.space.program import Program

# Side of the images in pixels -> what is searched; each name once.
Ranges = Callable[[int], tuple[Dimension, ...]]
# Side of the images in pixels -> values by the names of the dimensions.
Starts = Callable[[int], Sequence[Mapping[str, Any]]]
Lower = Callable[[Genotype], Program]


@dataclass(frozen=True, slots=True)
class SpaceDefinition:
    """A space of students, as a plug-in gives one.

    A member is always three nested random graphs, drawn by `autokd.space.wiring` from the fields of
    `autokd.core.family.FamilyParams`, and one width. A space says which of the fields are searched,
    what else is, and which layers the graphs become at a width. Cost, training, export and
    measurement follow from the layers alone.

    Attributes:
        ranges: What is searched for images of a size; ``temperature`` and ``alpha`` are always
            among it. ``input_px`` is a `Choice`, or images keep their size. A name that is no field
            of the family is the space's own: ``lower`` finds its value in ``genotype.own``.
        fixed: Fields of the family that are not searched and have no default.
        lower: Gives the layers of a genotype at ``genotype.base_width``. Each cost must rise with
            the width. None: the layers are those of ``edge``.
        starts: Points that are known to do well, to be tried first.
        smallest_width: No student is drawn narrower.
    """

    ranges: Ranges
    fixed: Mapping[str, Any] = field(default_factory=dict)
    lower: Lower | None = None
    starts: Starts = lambda _: ()
    smallest_width: int = 8


@lru_cache(maxsize=8)
def plugin_space(name: str) -> SpaceDefinition:
    """Give the space of a plug-in; what fails inside is said to be the plug-in's.

    Raises:
        PluginError: There is none of this name, it cannot be imported, or it is no definition.
    """
    plugin, given = load_plugin("space", name)
    if not isinstance(given, SpaceDefinition):
        msg = (
            f"{plugin}: is a {type(given).__name__}; its entry point must name an "
            "autokd.space.definition.SpaceDefinition."
        )
        raise PluginError(msg)

    def ranges(image_px: int) -> tuple[Dimension, ...]:
        with blaming(plugin, doing=f"giving its ranges for images of {image_px} px"):
            found = tuple(given.ranges(image_px))
            _require_ranges(found)
            return found

    def starts(image_px: int) -> Sequence[Mapping[str, Any]]:
        with blaming(plugin, doing=f"giving its starts for images of {image_px} px"):
            return tuple(given.starts(image_px))

    def lower(genotype: Genotype) -> Program:
        assert given.lower is not None  # noqa: S101 - else this is not called
        with blaming(plugin, doing="giving the layers of a student"):
            program = given.lower(genotype)
            _require_program(program, genotype)
            return program

    return SpaceDefinition(
        ranges=ranges,
        fixed=dict(given.fixed),
        lower=None if given.lower is None else lower,
        starts=starts,
        smallest_width=given.smallest_width,
    )


def _require_ranges(ranges: tuple[Dimension, ...]) -> None:
    names = [dimension.name for dimension in ranges]
    if len(set(names)) != len(names):
        msg = f"two dimensions have one name: {names}"
        raise ValueError(msg)
    for name in ("temperature", "alpha"):
        if name not in names:
            msg = f"no dimension {name!r} among {names}"
            raise ValueError(msg)
    if "input_px" in names and not isinstance(ranges[names.index("input_px")], Choice):
        msg = "'input_px' must be a Choice of sizes"
        raise TypeError(msg)


def _require_program(program: object, genotype: Genotype) -> None:
    if not isinstance(program, Program):
        msg = f"lower gave a {type(program).__name__}, not an autokd.space.program.Program"
        raise TypeError(msg)
    asked = (genotype.image_channels, genotype.input_px, genotype.classes)
    given = (program.image_channels, program.input_px, program.classes)
    if given != asked:
        msg = f"image channels, input_px and classes are {given}, and {asked} were asked for"
        raise ValueError(msg)
