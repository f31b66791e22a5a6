"""``autokd devices new``."""

import re
from datetime import UTC, datetime

import click

from autokd.cli.options import json_option
from autokd.cli.output import current_output, wrap
from autokd.errors import ConfigError


@click.command()
@click.argument("name", metavar="NAME")
@click.option("--target", metavar="T", required=True, help="local, or ssh://[user@]host[:port].")
@click.option("--like", metavar="D", help="Takes what a probe cannot tell from this device.")
@click.option(
    "--accept-host-key", metavar="SHA256:...", help="Fingerprint of a board not known yet."
)
@json_option
def new(name: str, *, target: str, like: str | None, accept_host_key: str | None) -> None:
    """Write a profile NAME of your own from a probe of a board.

    It goes to ~/.config/autokd/profiles, where it is found by its name. What a probe cannot tell,
    such as how fast operators run, is that of --like D and says so; 'autokd devices calibrate'
    measures it.
    """
    from autokd.core.codec import write_atomically
    from autokd.core.device import ID_PATTERN, load_profile, profile_folders
    from autokd.measure.new_profile import nearest_profile, profile_of
    from autokd.measure.target import LOCAL, open_target

    if not re.fullmatch(ID_PATTERN, name):
        message = f"{name!r}: a name has lower-case letters, digits and hyphens, at most 63."
        raise ConfigError(message)
    path = profile_folders()[0] / f"{name}.toml"
    if path.exists():
        message = f"{path}: is there already; take another name, or move that file away."
        raise ConfigError(message)
    neighbour = None if like is None else load_profile(like)
    # The profile of this host fits every machine, so that the probe decides what the target is.
    with open_target(target, load_profile("host"), accept_host_key=accept_host_key) as opened:
        answer = opened.probe()
    profile = profile_of(
        name,
        answer,
        like=neighbour or load_profile(nearest_profile(answer)),
        date=datetime.now(UTC).date().isoformat(),
        is_this_host=target == LOCAL,
    )
    write_atomically(path, profile.to_toml())
    output = current_output()
    output.text(wrap(f"{path} is written: {profile.name}. 'autokd devices show {name}' has it."))
    output.text(
        wrap(f"Its speed is a guess until 'autokd devices calibrate {name} --target {target}'.")
    )
    output.data({"path": str(path), "profile": profile.model_dump(mode="json")})
