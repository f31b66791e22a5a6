"""What a plug-in is called, and which one a run was begun with."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from autokd.core.record import Record

PluginKind = Literal["loss", "strategy", "space", "target"]

# A name is a word of the command line, and that of a target the scheme of an address too.
NAME_FORM = r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$"
NAME_RULE = "a name has small letters, digits and single dashes, 40 at most, as in logit-std"
_LONGEST = 40


def is_name(text: str) -> bool:
    """Whether a loss, a strategy, a space or a target may be called so."""
    return len(text) <= _LONGEST and re.fullmatch(NAME_FORM, text) is not None


def _require_name(text: str) -> str:
    if not is_name(text):
        raise ValueError(NAME_RULE)
    return text


PluginName = Annotated[
    str, AfterValidator(_require_name), Field(json_schema_extra={"pattern": NAME_FORM})
]


class Plugin(Record):
    """An installed plug-in, as far as its package says without being imported.

    Attributes:
        kind: What it is one of.
        name: By which it is asked for.
        distribution: The package that it came with, as pip has it.
        version: Of the distribution.
    """

    kind: PluginKind
    name: PluginName
    distribution: str
    version: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name!r} of {self.distribution} {self.version}"
