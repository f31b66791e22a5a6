import threading
from pathlib import Path

from autokd.core.lock import held_lock


def test_a_second_holder_waits_for_the_first(tmp_path: Path) -> None:
    order: list[str] = []

    def second() -> None:
        with held_lock(tmp_path / "lock"):
            order.append("second")

    thread = threading.Thread(target=second)
    with held_lock(tmp_path / "lock"):
        thread.start()
        thread.join(timeout=0.2)
        order.append("first")
    thread.join(timeout=30)
    assert order == ["first", "second"]
