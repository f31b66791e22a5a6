"""All tables by name."""

from pathlib import Path

from tools.race import curves, hpo, nasbench
from tools.race.tables import Table

OWN = "autokd-edge"
OWN_NAMES = (OWN, f"{OWN}-jetson-nano", f"{OWN}-raspberry-pi-5")
"""Of the table of autokd's own students; a name may end in the profile whose costs it has."""

NAMES = (*OWN_NAMES, *nasbench.NAMES, *curves.NAMES, *hpo.NAMES)


def has_lengths(name: str) -> bool:
    """Tell, without its data, whether the table ``name`` has scores of several lengths."""
    return name in OWN_NAMES or name in curves.NAMES


def load_table(folder: Path, name: str) -> Table:
    """Give the table ``name`` from the data in ``folder``.

    Raises:
        DataError: Its data are missing; the message says where they come from.
    """
    if name in OWN_NAMES:
        from tools.race.own import load_own  # brings torch

        return load_own(folder, name, device=name.removeprefix(OWN).removeprefix("-") or None)
    if name in nasbench.NAMES:
        return nasbench.load_nasbench(folder, name)
    if name in curves.NAMES:
        return curves.load_curves(folder, name)
    assert name in hpo.NAMES, name
    return hpo.load_hpo(folder, name)
