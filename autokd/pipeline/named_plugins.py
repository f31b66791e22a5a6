"""Plug-ins that a run names, tried before anything is trained."""

import torch

from autokd.core.config import RunConfig
from autokd.core.plugin_record import PluginKind
from autokd.core.plugins import SHIPPED, with_plugins
from autokd.core.trial import DistillParams
from autokd.distill.losses import loss_named
from autokd.errors import PluginError
from autokd.search.strategies import strategy_named
from autokd.space.coding import definition_of

_ROWS = 4


def require_plugins(config: RunConfig) -> None:
    """Import what the settings name; nothing else of what is installed is touched.

    Raises:
        PluginError: A plug-in is missing, of another version than the run began with, or cannot be
            imported.
    """
    settled = with_plugins(config, place=lambda kind: _place(config, kind))
    if settled.plugins != config.plugins:
        names = ", ".join(str(plugin) for plugin in settled.plugins) or "none"
        msg = (
            f"config.toml: [[plugins]] is not what the settings name, which is {names}. Begin a "
            "new run; 'autokd compress' writes the table itself."
        )
        raise PluginError(msg)
    loss_named(config.search.loss)
    strategy_named(config.search.strategy)
    definition_of(config.search.space)


def require_loss(name: str, *, classes: int) -> None:
    """Call the loss of a plug-in once, so that a fault is told once and not of every student.

    Raises:
        PluginError: It fails, or gives something else than a number for each image.
    """
    if name in SHIPPED["loss"]:
        return
    generator = torch.Generator().manual_seed(0)
    student, teacher = torch.randn(2, _ROWS, classes, generator=generator).unbind()
    labels = torch.arange(_ROWS) % classes
    params = DistillParams(temperature=4.0, alpha=1.0, loss=name)
    values = loss_named(name)(student.requires_grad_(), teacher, labels, params)
    if not values.requires_grad or not bool(values.isfinite().all()):
        msg = (
            f"--loss {name}: gives no number that a student could learn from "
            f"({values.detach().tolist()} for {_ROWS} images of {classes} classes); test the "
            "plug-in with autokd.testing.check_loss."
        )
        raise PluginError(msg)


def _place(config: RunConfig, kind: PluginKind) -> str:
    value = config.target if kind == "target" else getattr(config.search, kind)
    return f"--{kind} {value}"
