"""A teacher from its file: the kind is told from the content, then the parts are put together."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from autokd.core.config import TeacherConfig
from autokd.core.progress import Progress
from autokd.errors import InterruptedRunError, TeacherError, UntrustedCodeError
from autokd.teacher.architectures import (
    LIBRARIES,
    build_architecture,
    first_convolution,
    native_input_px,
    split_arch,
)
from autokd.teacher.card import (
    TeacherCard,
    TeacherHints,
    TeacherKind,
    choose_normalisation,
    hints_beside,
    hints_from_config,
    hints_from_metadata,
    match_classes,
)
from autokd.teacher.file import check_readable, detect_kind, sha256_of
from autokd.teacher.module import (
    bytes_of_module,
    copy_for_inference,
    name_of_module,
    require_preparation,
    sha256_of_module,
)
from autokd.teacher.onnx_teacher import OnnxModel, OnnxTeacher
from autokd.teacher.outputs import Teacher
from autokd.teacher.recognise import match_named, recognise
from autokd.teacher.state_dicts import (
    check_finite,
    count_classes,
    find_state_dict,
    load_into,
    read_state_dict,
)
from autokd.teacher.torch_teacher import TorchTeacher, check_outputs, count_macs, count_params
from autokd.teacher.trusted import (
    TrustedModule,
    load_exported,
    load_pickled,
    load_torchscript,
    require_trust,
)

__all__ = ["Teacher", "load_module", "load_teacher"]


@dataclass(frozen=True, slots=True)
class _Expected:
    """What the data say about the teacher."""

    class_names: tuple[str, ...]
    image_px: int
    image_channels: int


@dataclass(frozen=True, slots=True)
class _Origin:
    """Where a teacher comes from."""

    where: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class _Network:
    """A torch module, with what its file says of its input."""

    module: nn.Module
    kind: TeacherKind
    arch: str | None
    channels: int
    batch: int | None = None
    px: int | None = None


def load_teacher(
    config: TeacherConfig,
    *,
    class_names: tuple[str, ...],
    image_px: int,
    image_channels: int,
    progress: Progress,
) -> Teacher:
    """Load a teacher, whose logits come in the order of ``class_names``.

    What the file does not say is taken from ``config``, else from a card beside the file
    (``model.toml`` for ``model.pt``), else from ONNX metadata, else from defaults.

    Args:
        config: From flags and ``autokd.toml``.
        class_names: Of the data, in the order of labels; empty for data without labels.
        image_px: Side of the data's images, the default of the teacher's input size.
        image_channels: Of the data's images.
        progress: Told when work takes long.

    Raises:
        UntrustedCodeError: Loading would run code from the file, and ``trust_code`` is off; or the
            card beside it names a module of its own, and ``config`` does not.
        TeacherError: The file cannot be used, or does not fit the data.
    """
    path = Path(config.file).expanduser()
    check_readable(path)
    hints = hints_from_config(config).over(_card_beside(path, config))
    data = _Expected(class_names, image_px, image_channels)
    if detect_kind(path) == "onnx":
        return _load_onnx(path, hints, data)
    network = _load_network(path, hints, data, trust_code=config.trust_code, progress=progress)
    origin = _Origin(str(path), sha256_of(path), path.stat().st_size)
    return _wrap(network, origin, hints, data)


def load_module(
    module: nn.Module,
    config: TeacherConfig,
    *,
    class_names: tuple[str, ...],
    image_px: int,
    image_channels: int,
) -> Teacher:
    """Take a module as a teacher, whose logits come in the order of ``class_names``.

    A copy of it on the CPU, in evaluation mode, does the work; the module stays as it is. How it
    sees images must be said in ``config``: there is no file that could say it.

    Args:
        module: Called with images (n, channels, px, px), float32.
        config: Of the teacher, but for ``file`` and ``arch``, which say nothing here.
        class_names: Of the data, in the order of labels; empty for data without labels.
        image_px: Side of the data's images.
        image_channels: Of the data's images.

    Raises:
        TeacherError: Input size, mean or std is not given, the module cannot be copied, its weights
            are not finite, or it does not fit the data.
    """
    hints = hints_from_config(config)
    where = name_of_module(module)
    require_preparation(hints, where)
    check_finite(module.state_dict(), where)
    copied = copy_for_inference(module)
    data = _Expected(class_names, image_px, image_channels)
    origin = _Origin(where, sha256_of_module(copied), bytes_of_module(copied))
    return _wrap(_from_trusted(TrustedModule(copied), "module", data), origin, hints, data)


def _card_beside(path: Path, config: TeacherConfig) -> TeacherHints:
    """Read the card; a module that a card names, and no person, is not imported."""
    hints = hints_beside(path)
    if config.arch is None and hints.arch and split_arch(hints.arch)[0] not in LIBRARIES:
        msg = (
            f"{path.with_suffix('.toml')}: arch = {hints.arch!r} would run code of that module "
            "because a file says so, so it was not imported. A card may name torchvision:NAME or "
            f"timm:NAME; if you know the module, give --arch {hints.arch} on the command line."
        )
        raise UntrustedCodeError(msg)
    return hints


def _load_onnx(path: Path, hints: TeacherHints, data: _Expected) -> Teacher:
    model = OnnxModel(path)
    if model.takes_uint8 and (hints.mean or hints.std):
        msg = (
            f"{path}: takes raw uint8 pixels, so it normalises them itself; leave mean and std out."
        )
        raise TeacherError(msg)
    hints = hints.over(hints_from_metadata(model.metadata, str(path)))
    px = _fixed_or_hinted(model.px, hints, str(path)) or data.image_px
    if model.takes_uint8:
        # Such a file may say in its metadata what it does inside; that must not be done twice.
        hints = hints.model_copy(update={"mean": None, "std": None})
    mean, std, source = choose_normalisation(
        hints, channels=model.channels, imagenet=False, where=str(path)
    )
    outputs = model.run(_black(model, px)).shape[1]
    names, order = match_classes(
        hints.class_names, data.class_names, outputs=outputs, where=str(path)
    )
    card = TeacherCard(
        file=str(path),
        sha256=sha256_of(path),
        kind="onnx",
        arch=None,
        input_px=px,
        image_channels=model.channels,
        mean=mean,
        std=std,
        normalised_inside=model.takes_uint8,
        normalisation_source="in the file" if model.takes_uint8 else source,
        class_names=names,
        class_order=order,
        classes=outputs,
        params=model.params,
        size_bytes=path.stat().st_size,
        macs=None,
    )
    return OnnxTeacher(model, card)


def _black(model: OnnxModel, px: int) -> Tensor:
    dtype = torch.uint8 if model.takes_uint8 else torch.float32
    return torch.zeros(1, model.channels, px, px, dtype=dtype)


def _load_network(
    path: Path, hints: TeacherHints, data: _Expected, *, trust_code: bool, progress: Progress
) -> _Network:
    kind = detect_kind(path)
    if kind in ("torchscript", "exported"):
        require_trust(path, kind, trust_code=trust_code)
        trusted = load_torchscript(path) if kind == "torchscript" else load_exported(path)
        return _from_trusted(trusted, "torchscript" if kind == "torchscript" else "exported", data)
    try:
        state = read_state_dict(path, safetensors=kind == "safetensors")
    except UntrustedCodeError:
        if not trust_code:
            raise
        loaded = load_pickled(path)
        if not isinstance(loaded, nn.Module):
            module = _module_inside(loaded)
            if module is None:
                state = find_state_dict(loaded, str(path))
                check_finite(state, str(path))
                return _from_weights(path, state, hints, data, progress)
            loaded = module
        check_finite(loaded.state_dict(), str(path))
        return _from_trusted(TrustedModule(loaded.float().eval()), "module", data)
    return _from_weights(path, state, hints, data, progress)


def _module_inside(loaded: object) -> nn.Module | None:
    """Find a pickled module in a checkpoint."""
    values = loaded.values() if isinstance(loaded, Mapping) else ()
    return next((value for value in values if isinstance(value, nn.Module)), None)


def _from_trusted(trusted: TrustedModule, kind: TeacherKind, data: _Expected) -> _Network:
    shape = trusted.shape or (None, None, None, None)
    stem = next((w for w in trusted.network.parameters() if w.ndim == 4), None)
    channels = shape[1] or (stem.shape[1] if stem is not None else data.image_channels)
    return _Network(trusted.network, kind, None, channels, batch=shape[0], px=shape[2])


def _from_weights(
    path: Path,
    state: dict[str, Tensor],
    hints: TeacherHints,
    data: _Expected,
    progress: Progress,
) -> _Network:
    if hints.arch is None:
        match = recognise(state, where=str(path), progress=progress)
        arch, classes, channels = match.arch, match.classes, match.channels
    else:
        arch = hints.arch
        if split_arch(arch)[0] in LIBRARIES:
            match = match_named(arch, state, where=str(path))
            classes, channels = match.classes, match.channels
        else:
            guessed = count_classes(state) or max(2, len(data.class_names))
            classes, channels = guessed, 3
    module = build_architecture(arch, classes=classes, channels=channels)
    load_into(module, state, arch=arch, where=str(path))
    stem = first_convolution(module)
    if stem is not None and stem[1].groups == 1:
        channels = stem[1].in_channels
    return _Network(module.eval(), "state_dict", arch, channels)


def _wrap(network: _Network, origin: _Origin, hints: TeacherHints, data: _Expected) -> Teacher:
    where = origin.where
    px, outputs = _probe_size(network, hints, data, where)
    from_library = (network.arch or "").partition(":")[0] in LIBRARIES
    mean, std, source = choose_normalisation(
        hints, channels=network.channels, imagenet=from_library, where=where
    )
    names, order = match_classes(hints.class_names, data.class_names, outputs=outputs, where=where)
    eager = network.kind in ("state_dict", "module")
    card = TeacherCard(
        file=where,
        sha256=origin.sha256,
        kind=network.kind,
        arch=network.arch,
        input_px=px,
        image_channels=network.channels,
        mean=mean,
        std=std,
        normalisation_source=source,
        class_names=names,
        class_order=order,
        classes=outputs,
        params=count_params(network.module),
        size_bytes=origin.size_bytes,
        macs=count_macs(network.module, channels=network.channels, px=px) if eager else None,
    )
    if eager:
        network.module.to(memory_format=torch.channels_last)
    return TorchTeacher(network.module, card, batch=network.batch)


def _probe_size(
    network: _Network, hints: TeacherHints, data: _Expected, where: str
) -> tuple[int, int]:
    """Give input size and number of outputs, found by running the network once."""
    fixed = _fixed_or_hinted(network.px, hints, where)
    # Networks that take any size take the data's; vision transformers and the like their own.
    sizes = [fixed] if fixed else [data.image_px, native_input_px(network.arch)]
    fault: Exception | None = None
    for px in sizes:
        try:
            outputs = check_outputs(
                network.module,
                channels=network.channels,
                px=px,
                batch=network.batch or 1,
                where=where,
            )
        except (InterruptedRunError, TeacherError):
            raise
        except Exception as raised:  # noqa: BLE001 - a network may raise anything on a wrong size
            fault = raised
            continue
        return px, outputs.shape[1]
    reason = (str(fault).strip().splitlines() or [repr(fault)])[-1]
    msg = (
        f"{where}: fails on images of {network.channels} channels and "
        f"{' or '.join(str(px) for px in dict.fromkeys(sizes))} px ({reason[:200]}); give the size "
        "it was trained on with --input-px."
    )
    raise TeacherError(msg)


def _fixed_or_hinted(fixed: int | None, hints: TeacherHints, where: str) -> int | None:
    if fixed is not None and hints.input_px not in (None, fixed):
        msg = (
            f"{where}: input_px = {hints.input_px} is given, but the file takes {fixed} px alone; "
            "leave it out."
        )
        raise TeacherError(msg)
    return fixed or hints.input_px
