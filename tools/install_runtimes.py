"""Installs the real runtimes that tests need; `make runtimes` calls it.

    python tools/install_runtimes.py [--seconds 600]

All goes into ``.runtimes`` in the checkout, or into $AUTOKD_RUNTIMES; `tools/runtimes/places.py`
says what lies where. Packages come through the clients of this machine, as they are configured:
apt, npm and pip. The OpenSSH server alone goes into the system, and only as root. What is there
already is kept. A piece that cannot be had is named with the reason and skipped: the tests that
need it skip, too.
"""

import argparse
import time

from tools.runtimes.arm64 import arm64_pieces
from tools.runtimes.installing import Commands, install_all
from tools.runtimes.places import runtimes_folder
from tools.runtimes.releases import release_pieces
from tools.runtimes.ssh_server import ssh_server_piece


def main() -> None:
    """Install what is missing."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=600.0, help="stop then; 600 by default")
    given = parser.parse_args()
    pieces = [ssh_server_piece(), *arm64_pieces(), *release_pieces()]
    started = time.monotonic()
    runtimes_folder().mkdir(parents=True, exist_ok=True)
    missing = install_all(pieces, Commands(given.seconds), say=lambda line: print(line, flush=True))
    seconds = time.monotonic() - started
    there = len(pieces) - len(missing)
    print(f"{there} of {len(pieces)} pieces are in {runtimes_folder()} after {seconds:.0f} s.")
    if missing:
        print(f"Tests that need these skip: {', '.join(missing)}.")


if __name__ == "__main__":
    main()
