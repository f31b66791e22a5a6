"""The page of settings: each key of ``autokd.toml`` with its option, default, rule and meaning."""

import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import click
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from autokd.cli.main import cli
from autokd.core.config import RunConfig
from autokd.core.setting_names import KEYS
from autokd.core.toml import render_toml

_SIGNS = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}


def render_settings(root: Path) -> str:  # noqa: ARG001 - as each page that is made
    """Give a table for the keys at the top and one for each of the file's tables, in markdown."""
    return "\n\n".join(_tables(RunConfig, ()))


def _tables(record: type[BaseModel], path: tuple[str, ...]) -> Iterator[str]:
    inner = {
        name: field.annotation
        for name, field in record.model_fields.items()
        if inspect.isclass(field.annotation) and issubclass(field.annotation, BaseModel)
    }
    head = f"## `[{'.'.join(path)}]`" if path else "## At the top"
    about = meanings(record)
    rows = [
        _row((*path, name), field, about.get(name, ""))
        for name, field in record.model_fields.items()
        if name not in inner
    ]
    title = "| key | option | default | rule | what it is |\n|---|---|---|---|---|"
    yield "\n".join([f"{head}\n", title, *rows])
    for name, annotation in inner.items():
        yield from _tables(annotation, (*path, name))


def _row(key: tuple[str, ...], field: FieldInfo, meaning: str) -> str:
    parameter = next((name for name, place in KEYS.items() if place == key), None)
    option = _option(parameter)
    flag = f"`{option.opts[0]}`" if option is not None else ""
    said = meaning or (option.help or "" if option is not None else "")
    cells = (f"`{key[-1]}`", flag, _default(field), _rule(field), " ".join(said.split()))
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "must be given"
    if field.default is None:
        return ""
    text = render_toml({"x": field.default}).removeprefix("x = ").strip()
    return f"`{text}`"


def _rule(field: FieldInfo) -> str:
    bounds = (
        (sign, getattr(m, sign)) for m in field.metadata for sign in _SIGNS if hasattr(m, sign)
    )
    words = [f"{_SIGNS[sign]} {value}" for sign, value in bounds]
    choices = re.findall(r"Literal\[(.*?)\]", str(field.annotation))
    words += [", ".join(f"`{c}`" for c in re.findall(r"'(\w+)'", text)) for text in choices]
    return ", ".join(words)


def _option(parameter: str | None) -> click.Option | None:
    context = click.Context(cli)
    command = cli.get_command(context, "compress")
    assert command is not None
    options = (p for p in command.params if isinstance(p, click.Option))
    return next((option for option in options if option.name == parameter), None)


def meanings(record: type[BaseModel]) -> dict[str, str]:
    """Give what the docstring of a record says of its attributes, by their names."""
    text = inspect.getdoc(record) or ""
    section = text.partition("Attributes:\n")[2]
    found = re.findall(r"^    (\w+): (.*(?:\n {5,}.*)*)", section, re.MULTILINE)
    return {name: meaning.replace("``", "`") for name, meaning in found}
