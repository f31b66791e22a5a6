"""``autokd demo``."""

import shlex
from pathlib import Path

import click

from autokd.cli.output import current_output
from autokd.cli.progress import make_display
from autokd.errors import InputError


@click.command()
@click.argument("folder", metavar="DIR")
def demo(folder: str) -> None:
    """Write a trained teacher, images and settings to DIR; needs no network.

    The images are real: 8,000 of Fashion-MNIST. The teacher is trained here in about a minute.
    """
    place = Path(folder)
    if place.exists() and (not place.is_dir() or any(place.iterdir())):
        message = f"{place}: exists and is not an empty folder; give the name of a new one."
        raise InputError(message)
    with make_display() as display:
        display.say("loading torch ...")
        from autokd import pipeline

        pipeline.make_demo(place, progress=display.progress, say=display.say)
    current_output().text(
        f"{place} is ready. Try:\n\n"
        f"  cd {shlex.quote(str(place))}\n"
        "  autokd compress --teacher model.pt --device jetson-nano"
    )
