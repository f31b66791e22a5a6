"""Two students timed in turns, A B B A, so that both meet the same machine."""

from collections.abc import Callable, Sequence
from typing import Literal

from autokd.core.comparison import Pair
from autokd.core.measurement import LatencyMeasurement
from autokd.core.progress import Progress

# Short blocks, many of them: what differs between two processes of the same model (where its memory
# lies, which neighbour runs) is noise that only more processes average out.
BLOCK_SECONDS = 0.25
WARMUP_SECONDS = 0.15
# A round may end after the first number of pairs and is looked at again after each further one.
LOOKS = (8, 12, 16, 24, 32)

Side = Literal["baseline", "current"]
TimeBlock = Callable[[Side], LatencyMeasurement]


def time_round(
    time_block: TimeBlock,
    settled: Callable[[Sequence[Pair]], bool],
    *,
    progress: Progress,
    what: str = "timing in turns",
    looks: Sequence[int] = LOOKS,
) -> tuple[Pair, ...]:
    """Give pairs of blocks, as many as it takes until they settle, at most the last of ``looks``.

    Args:
        time_block: Times one side once, in a process of its own.
        settled: Asked after each number of pairs in ``looks``, whether more would change nothing.
        progress: Told of each pair.
        what: Names the round there.
        looks: Numbers of pairs, growing.
    """
    pairs: list[Pair] = []
    for count in looks:
        while len(pairs) < count:
            progress(what, len(pairs), looks[-1])
            pairs.append(_time_pair(time_block, current_first=len(pairs) % 2 == 1))
        if settled(pairs):
            break
    progress(what, looks[-1], looks[-1])
    return tuple(pairs)


def _time_pair(time_block: TimeBlock, *, current_first: bool) -> Pair:
    order: tuple[Side, ...] = ("current", "baseline") if current_first else ("baseline", "current")
    timed = {side: time_block(side) for side in order}
    return Pair(current_first=current_first, baseline=timed["baseline"], current=timed["current"])
