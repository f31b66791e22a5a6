"""``python -m autokd`` and the console script."""

import sys

from autokd.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
