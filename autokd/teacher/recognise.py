"""Which architecture a bare state_dict belongs to, by names and shapes of its weights.

Architectures are built without memory or numbers and compared by fingerprint: the digest of all
names and shapes, apart from the number of classes and of image channels. Fingerprints of a library
version are computed once and kept in the user's cache. timm has over a thousand architectures in
about a hundred modules, so there one of each module is built first, and the rest of a module only
if that one's weights have like names.
"""

import logging
import math
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from torch import Tensor

from autokd.core.cache import cache_folder
from autokd.core.codec import save_record
from autokd.core.progress import Progress
from autokd.core.record import Record
from autokd.errors import InterruptedRunError, StorageError, TeacherError
from autokd.teacher.architectures import (
    AUXILIARY,
    library_version,
    list_names,
    published_params,
)
from autokd.teacher.fingerprint import (
    PROBE_CLASSES,
    Fingerprint,
    Shapes,
    build_without_memory,
    compared_shapes,
    digest_as,
    first_words,
    make_fingerprint,
)

_LOG = logging.getLogger(__name__)

_FORMAT = 1
_BUFFERS = ("running_mean", "running_var", "num_batches_tracked")
_COUNT_TOLERANCE = 0.002  # for a first convolution of one channel
_LIKE = 0.5  # share of equal first words above which a module of timm is looked at whole


class Fingerprints(Record):
    """A file of the cache.

    Attributes:
        tried: Every architecture that was to be looked at.
        architectures: Those that could be built without memory.
    """

    format: int = _FORMAT
    tried: tuple[str, ...]
    architectures: tuple[Fingerprint, ...]


class Match(Record):
    """The architecture that fits.

    Attributes:
        arch: ``library:NAME``.
        classes: Outputs of its classifier, read from the weights.
        channels: Of its images.
    """

    arch: str
    classes: int
    channels: int


def recognise(state: Mapping[str, Tensor], *, where: str, progress: Progress) -> Match:
    """Find the one architecture that the weights fit; torchvision comes before timm.

    A network that both libraries have is the same in both, so torchvision's is taken.

    Raises:
        TeacherError: None fits, or several do; the message says how to give ``--arch``.
    """
    shapes = {name: tuple(weight.shape) for name, weight in state.items()}
    seen: Sequence[Fingerprint] = ()
    # All of torchvision last: for a message that says what is nearest, and should a count be wrong.
    for look in (_of_likely_torchvision, _of_timm, _of_torchvision):
        fingerprints = look(shapes, progress)
        seen = [*seen, *fingerprints]
        fitting = [f.arch for f in fingerprints if digest_as(f, shapes) == f.digest]
        if len(fitting) > 1:
            msg = (
                f"{where}: its weights fit {len(fitting)} architectures alike: "
                f"{', '.join(fitting)}. Say which it is, for example --arch {fitting[0]}."
            )
            raise TeacherError(msg)
        if fitting:
            found = next(f for f in fingerprints if f.arch == fitting[0])
            return _match(found, shapes)
    raise TeacherError(_no_match_message(shapes, seen, where))


def match_named(arch: str, state: Mapping[str, Tensor], *, where: str) -> Match:
    """Read the numbers of classes and image channels from weights of a known architecture.

    Raises:
        TeacherError: There is no such architecture, or the weights have no classifier of it.
    """
    fingerprint = make_fingerprint(arch)
    shapes = {name: tuple(weight.shape) for name, weight in state.items()}
    if not any(name in shapes for name in fingerprint.classifier):
        msg = f"{where}: its weights are not of --arch {arch}: {_difference(arch, shapes)} "
        msg += "Give the architecture that it was saved from."
        raise TeacherError(msg)
    return _match(fingerprint, shapes)


def _match(found: Fingerprint, shapes: Shapes) -> Match:
    classes = next(shapes[name][0] for name in found.classifier if name in shapes)
    stem = shapes.get(found.stem or "", ())
    return Match(arch=found.arch, classes=classes, channels=stem[1] if len(stem) > 1 else 3)


def _of_likely_torchvision(shapes: Shapes, _progress: Progress) -> Sequence[Fingerprint]:
    """Look at the architectures whose published count of parameters fits, which takes no time.

    The classifier is not known yet, so each matrix is tried for it.
    """
    weights = {n: s for n, s in shapes.items() if not n.endswith(_BUFFERS)}
    own = sum(math.prod(shape) for shape in weights.values())
    matrices = {s[:2] for s in weights.values() if len(s) > 1 and set(s[2:]) <= {1}}
    counts = [own + (inputs + 1) * (1000 - outputs) for outputs, inputs in matrices]
    likely = [
        f"torchvision:{name}"
        for name in list_names("torchvision")
        if name in AUXILIARY
        or any(abs(n - published_params(name)) <= _COUNT_TOLERANCE * n for n in counts)
    ]
    return [make_fingerprint(arch) for arch in likely]


def _of_torchvision(_shapes: Shapes, progress: Progress) -> Sequence[Fingerprint]:
    archs = [f"torchvision:{name}" for name in list_names("torchvision")]
    return _cached("torchvision", "all", archs, progress)


def _of_timm(shapes: Shapes, progress: Progress) -> Sequence[Fingerprint]:
    if library_version("timm") is None:
        return ()
    # Late, because timm is an optional extra.
    import timm

    modules = {name: timm.list_models(module=name) for name in timm.list_modules()}
    modules = {name: archs for name, archs in modules.items() if archs}
    firsts = [f"timm:{archs[0]}" for archs in modules.values()]
    words = first_words(shapes)
    found: list[Fingerprint] = []
    alike = {
        first.arch
        for first in _cached("timm", "firsts", firsts, progress)
        if _share(words, set(first.words)) >= _LIKE
    }
    for module, first in zip(modules, firsts, strict=True):
        if first in alike:
            found += _cached("timm", module, [f"timm:{n}" for n in modules[module]], progress)
    return found


def _cached(
    library: str, group: str, archs: Sequence[str], progress: Progress
) -> Sequence[Fingerprint]:
    """Give fingerprints of ``archs``, from the cache if they are there."""
    folder = cache_folder() / "architectures" / f"{library}-{library_version(library)}"
    file = folder / f"{group}.json"
    known = _read_cache(file)
    if known is not None and list(known.tried) == list(archs):
        return known.architectures
    made = []
    for done, arch in enumerate(archs):
        progress(f"indexing architectures of {library}", done, len(archs))
        try:
            made.append(make_fingerprint(arch))
        except InterruptedRunError:
            raise
        except Exception as fault:  # noqa: BLE001 - constructors of a library may raise anything
            _LOG.debug(
                "%s cannot be built without memory, so it is not recognised: %r", arch, fault
            )
    progress(f"indexing architectures of {library}", len(archs), len(archs))
    try:
        save_record(Fingerprints(tried=tuple(archs), architectures=tuple(made)), file)
    except StorageError:
        # A cache that cannot be written costs some seconds next time, and is no reason to stop.
        return made
    return made


def _read_cache(file: Path) -> Fingerprints | None:
    try:
        found = Fingerprints.model_validate_json(file.read_bytes())
    except (OSError, ValidationError):
        return None  # damaged or of another version: made anew
    return found if found.format == _FORMAT else None


def _no_match_message(shapes: Shapes, seen: Sequence[Fingerprint], where: str) -> str:
    names = {zlib.crc32(n.encode()) for n in shapes if not n.endswith("num_batches_tracked")}
    best = max(seen, key=lambda f: _share(names, set(f.names)))
    share = _share(names, set(best.names))
    libraries = "torchvision" if library_version("timm") is None else "torchvision or timm"
    msg = f"{where}: its weights fit no architecture of {libraries}."
    if share > 0:
        msg += f" Nearest is {best.arch} with {share:.0%} of the names equal: "
        msg += _difference(best.arch, shapes)
    return msg + (
        " If the network is your own, give the function that builds it: --arch "
        "package.module:factory, run where that module can be imported."
    )


def _difference(arch: str, shapes: Shapes) -> str:
    """Say where weights and architecture first differ."""
    wanted = {n: tuple(w.shape) for n, w in build_without_memory(arch).state_dict().items()}
    wanted = compared_shapes(arch, wanted)
    given = compared_shapes(arch, shapes)
    parts = [
        f"{name} is {given[name]}, {arch} has {wanted[name]}"
        for name in wanted
        if name in given and given[name] != wanted[name] and PROBE_CLASSES not in wanted[name]
    ][:2]
    missing = [name for name in wanted if name not in given]
    unknown = [name for name in given if name not in wanted]
    parts += [f"{len(missing)} of its weights are missing, as {missing[0]}"] if missing else []
    parts += [f"{len(unknown)} are not its own, as {unknown[0]}"] if unknown else []
    return f"{'; '.join(parts) or 'its classifiers have different sizes'}."


def _share(one: set[Any], other: set[Any]) -> float:
    return len(one & other) / max(1, len(one | other))
