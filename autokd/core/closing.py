"""Things that are closed at the end of a ``with`` block, however it ends."""

from types import TracebackType
from typing import Self


class Closing:
    """Base of what has a ``close``; as a context manager it gives itself, and closes itself."""

    def close(self) -> None:
        """Let go of what is held."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
