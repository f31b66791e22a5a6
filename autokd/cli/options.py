"""Options of ``autokd compress``; `autokd.core.setting_names` has the key that each sets."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

C = TypeVar("C", bound=Callable[..., Any])

# As `StrategyName`, `Preset` and `LossName` in `autokd.core`, which would bring the records with
# them.
STRATEGIES = ("autokd", "bohb", "asha", "evolution", "random")
SPACES = ("paper", "edge")
LOSSES = ("kd", "dkd", "dist", "logit-std")
PRECISIONS = ("auto", "fp32", "fp16", "int8")


class NameOrPlugin(click.ParamType):  # type: ignore[type-arg]  # generic from click 8.2 on
    """One of the names that come with autokd, or that of a plug-in.

    Which plug-ins there are is looked up when the settings are read, and told there.

    Attributes:
        choices: The names that come with autokd.
    """

    name = "name"

    def __init__(self, choices: tuple[str, ...]) -> None:
        self.choices = choices

    def get_metavar(
        self,
        param: click.Parameter,  # noqa: ARG002 - click's signature
        ctx: click.Context | None = None,  # noqa: ARG002 - given from click 8.2 on
    ) -> str:
        """Give ``[kd|dkd|PLUG-IN]``."""
        return f"[{'|'.join(self.choices)}|PLUG-IN]"


def flag_of(parameter: str) -> str:
    """Give the option as it is typed: ``max_params`` is ``--max-params``."""
    return "--" + parameter.replace("_", "-")


def parse_numbers(
    ctx: click.Context,  # noqa: ARG001 - click's signature
    param: click.Parameter,  # noqa: ARG001
    value: str | None,
) -> tuple[float, ...] | None:
    """Give the numbers of ``0.485,0.456,0.406``, one for each channel; a click callback."""
    if value is None:
        return None
    try:
        return tuple(float(word) for word in value.split(","))
    except ValueError:
        message = f"{value!r} is not a list of numbers such as 0.485,0.456,0.406."
        raise click.BadParameter(message) from None


def parse_names(
    ctx: click.Context,  # noqa: ARG001 - click's signature
    param: click.Parameter,  # noqa: ARG001
    value: str | None,
) -> tuple[str, ...] | None:
    """Give the names of ``cat,dog``, or of a text file with one a line; a click callback."""
    if value is None:
        return None
    if Path(value).is_file():
        return _read_names(Path(value))
    if "," not in value:
        message = f"{value!r} is neither a file with one name a line nor a list such as cat,dog."
        raise click.BadParameter(message)
    names = tuple(word.strip() for word in value.split(","))
    if "" in names:
        message = f"{value!r} has an empty name beside a comma."
        raise click.BadParameter(message)
    return names


def _read_names(path: Path) -> tuple[str, ...]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as fault:
        message = f"{path}: cannot be read as text ({fault})."
        raise click.BadParameter(message) from None
    names = tuple(line.strip() for line in lines if line.strip())
    if not names:
        message = f"{path}: is empty; it must hold one class name a line."
        raise click.BadParameter(message)
    return names


def parse_points(
    ctx: click.Context,  # noqa: ARG001 - click's signature
    param: click.Parameter,  # noqa: ARG001
    value: float | None,
) -> float | None:
    """Give points, of which 100 are the whole, as a fraction; a click callback."""
    return None if value is None else value / 100


def json_option(command: C) -> C:
    """Declare ``--json``; `autokd.cli.main.main` reads it, since errors must obey it too."""
    return click.option(
        "--json", is_flag=True, expose_value=False, help="Print one JSON document for machines."
    )(command)


def target_options(command: C) -> C:
    """Add the machine on which models are timed, and the host key that is accepted for it."""
    return _add(
        command,
        click.option(
            "--target",
            metavar="T",
            help="Where models are timed: local, ssh://[user@]host[:port], or PLUG-IN://...",
        ),
        click.option(
            "--accept-host-key",
            metavar="SHA256:..",
            help="Host key of a board that is met for the first time.",
        ),
    )


def teacher_options(command: C) -> C:
    """Add what says which teacher, and what it expects."""
    return _add(
        command,
        click.option("--teacher", metavar="FILE", help="State_dict, checkpoint or ONNX file."),
        click.option(
            "--arch",
            metavar="A",
            help="torchvision:NAME, timm:NAME or package.module:factory. "
            "Left out, a known architecture is recognised by its weights.",
        ),
        click.option("--input-px", type=int, metavar="PX", help="Side of the teacher's image."),
        click.option("--mean", callback=parse_numbers, metavar="M,..", help="Of pixels in 0..1."),
        click.option("--std", callback=parse_numbers, metavar="S,..", help="Of pixels in 0..1."),
        click.option(
            "--class-names",
            callback=parse_names,
            metavar="NAMES",
            help="In the order of the teacher's outputs: a,b,c or a file with one a line.",
        ),
        click.option(
            "--trust-code/--no-trust-code",
            default=None,
            help="Allow a teacher's file that runs code when it is loaded.",
        ),
    )


def data_options(command: C) -> C:
    """Add what says which images, and how they are varied."""
    return _add(
        command,
        click.option(
            "--data",
            metavar="PATH",
            help="Folder, .npz file or torchvision:NAME@ROOT. [default: ./data]",
        ),
        click.option("--size", type=int, metavar="PX", help="Side that images are brought to."),
        click.option(
            "--flip",
            type=click.Choice(["auto", "yes", "no"]),
            help="Mirror images; auto asks the teacher.",
        ),
        click.option("--views", type=int, metavar="N", help="Augmented views of each image."),
    )


def limit_options(command: C) -> C:
    """Add the board and the limits that a student must keep."""
    return _add(
        command,
        click.option("--device", metavar="D", help="See 'autokd devices list'; or a .toml file."),
        click.option("--max-latency-ms", type=float, metavar="X", help="Of one image."),
        click.option("--max-params", type=int, metavar="N", help="Trainable numbers."),
        click.option("--max-memory", metavar="SIZE", help="While it runs, such as 64MiB."),
        click.option("--max-size", metavar="SIZE", help="Of the ONNX file, such as 500kB."),
    )


def export_options(command: C) -> C:
    """Add in which precision the winner is delivered."""
    return _add(
        command,
        click.option(
            "--precision",
            type=click.Choice(PRECISIONS),
            help="auto: the fastest that keeps its accuracy, by timing on the device. Any other "
            "must be delivered, or the exit code is 4.",
        ),
        click.option(
            "--max-accuracy-drop",
            type=click.FloatRange(min=0, max=100, max_open=True),
            callback=parse_points,
            metavar="POINTS",
            help="What a precision may lose on validation images. [default: 1]",
        ),
    )


def search_options(command: C) -> C:
    """Add how long and how students are searched."""
    return _add(
        command,
        click.option("--budget", metavar="TIME", help="Time to search, such as 30m or 8h."),
        click.option("--trials", type=int, metavar="N", help="Try N students, however long."),
        click.option("--epochs", type=float, metavar="E", help="Longest training, with --trials."),
        click.option("--strategy", type=NameOrPlugin(STRATEGIES), help="Who proposes students."),
        click.option("--space", type=NameOrPlugin(SPACES), help="Preset of students."),
        click.option("--loss", type=NameOrPlugin(LOSSES), help="How students are taught."),
        click.option(
            "--warm-start",
            multiple=True,
            metavar="RUN",
            help="Try the best of an earlier run first; may be given more than once.",
        ),
        click.option("--workers", type=int, metavar="N", help="Training processes side by side."),
        click.option(
            "--train-on",
            type=click.Choice(["auto", "cpu", "cuda", "mps"]),
            help="Where students are trained.",
        ),
        click.option("--seed", type=int, metavar="N", help="Of all that is random."),
        click.option(
            "--kd-gain/--no-kd-gain",
            default=None,
            help="Train the winner without the teacher too, to see what the teacher gave.",
        ),
        click.option(
            "--kd-gain-seeds",
            type=int,
            metavar="N",
            help="Compare with N seeds; 1, or 3 in a long run, if not given.",
        ),
        click.option(
            "--track",
            multiple=True,
            metavar="WHERE",
            help="Follow the run in tensorboard, or in mlflow[:URI]; may be given more than once.",
        ),
    )


def _add(command: C, *options: Callable[[C], C]) -> C:
    for option in reversed(options):
        command = option(command)
    return command
