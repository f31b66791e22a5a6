"""Named streams of randomness."""

import subprocess
import sys

from autokd.core.seeds import derive_seed


def test_a_stream_is_the_same_in_another_process() -> None:
    code = "from autokd.core.seeds import derive_seed; print(derive_seed(3, 'graph', 7))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(run.stdout) == derive_seed(3, "graph", 7)


def test_a_stream_is_the_same_for_ever() -> None:
    """Ledgers hold members by seed: a change here would make other students of them."""
    assert derive_seed(0, "graph", 7) == 1286918659273486728


def test_root_name_and_place_each_make_another_stream() -> None:
    paths = [(), ("a",), ("b",), ("a", 1), ("a", "1"), ("a", 1, 1), ("a1",), (1, "a")]
    seeds = {derive_seed(root, *path) for root in (0, 1) for path in paths}
    assert len(seeds) == 2 * len(paths)


def test_seeds_are_non_negative_and_below_two_to_the_63() -> None:
    assert all(0 <= derive_seed(0, n) < 2**63 for n in range(1000))
    assert max(derive_seed(0, n) for n in range(1000)) > 2**62
