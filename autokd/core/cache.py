"""Where results that outlive a run are kept."""

import os
from pathlib import Path


def cache_folder() -> Path:
    """Give the user's cache folder; it need not exist yet.

    It is ``$AUTOKD_CACHE``, else ``$XDG_CACHE_HOME/autokd``, else ``~/.cache/autokd``. An empty
    variable counts as not set.
    """
    own = os.environ.get("AUTOKD_CACHE")
    if own:
        return Path(own).expanduser()
    shared = os.environ.get("XDG_CACHE_HOME")
    return (Path(shared) if shared else Path.home() / ".cache") / "autokd"
