"""All tables by name."""

from pathlib import Path

from tools.race import curves, hpo, nasbench
from tools.race.tables import Table

NAMES = (*nasbench.NAMES, *curves.NAMES, *hpo.NAMES)


def load_table(folder: Path, name: str) -> Table:
    """Give the table ``name`` from the data in ``folder``.

    Raises:
        DataError: Its data are missing; the message says where they come from.
    """
    if name in nasbench.NAMES:
        return nasbench.load_nasbench(folder, name)
    if name in curves.NAMES:
        return curves.load_curves(folder, name)
    assert name in hpo.NAMES, name
    return hpo.load_hpo(folder, name)
