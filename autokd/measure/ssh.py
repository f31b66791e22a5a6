"""A board that ssh reaches, as a target: files sent once, turns taken, cuts survived."""

import shlex
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from autokd.core.closing import Closing
from autokd.errors import DeviceError, MeasurementError
from autokd.measure.local import agent_file, require_ok, thread_variables
from autokd.measure.process import Finished
from autokd.measure.protocol import (
    MAX_ANSWER_BYTES,
    BenchAnswer,
    BenchJob,
    parse_answer,
    strip_control,
)
from autokd.measure.ssh_address import SshAddress
from autokd.measure.ssh_connection import ConnectionLostError, SshConnection
from autokd.measure.ssh_end import WAITING, explain_end
from autokd.measure.ssh_files import BoardFiles
from autokd.measure.ssh_hostkeys import require_known
from autokd.measure.target import UnreachableError

T = TypeVar("T")

# Before each new attempt; a board that starts anew is back within these.
PAUSES_SECONDS = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 30.0, 30.0, 30.0, 30.0)
TURN_SECONDS = 3600.0  # to wait until another run has measured, which may be a long one

_SHORT_SECONDS = 60.0  # for what takes a moment
START_SECONDS = 200.0  # to start Python, import onnxruntime and load the model, on a small board

_TOO_OLD = 93
_ASK_VERSION = (
    "import sys; sys.stdout.write(sys.version.split()[0]); "
    "sys.exit(sys.version_info < (3, 6) and 93)"
)


class SshTarget(Closing):
    """A board behind ssh; the connection is made when it is first needed.

    Attributes:
        name: Its address.
        is_device: True.
    """

    def __init__(
        self,
        address: SshAddress,
        *,
        accept_host_key: str | None = None,
        say: Callable[[str], None] = lambda _: None,
        pauses_seconds: tuple[float, ...] = PAUSES_SECONDS,
        turn_seconds: float = TURN_SECONDS,
    ) -> None:
        self.name = str(address)
        self.is_device = True
        self.on_this_host = False
        self._address = address
        self._accept = accept_host_key
        self._say = say
        self._pauses_seconds = pauses_seconds
        self._turn_seconds = turn_seconds
        self._connection: SshConnection | None = None
        self._was_reached = False
        self._files: BoardFiles | None = None
        self._probed: BenchAnswer | None = None

    def probe(self) -> BenchAnswer:
        """Give facts about the board; asked once and remembered.

        Raises:
            UnreachableError: It does not answer.
            DeviceError: It refuses, or the agent does not run there.
            MeasurementError: It did not answer in time.
        """
        if self._probed is None:
            answer = self._until_done(lambda: self._ask("--probe", b"", threads=1, seconds=0.0))
            self._probed = self._accepted(answer)
        return self._probed

    def bench(
        self,
        job: BenchJob,
        *,
        model: Path,
        sample: Path | None = None,
        reference: Path | None = None,
    ) -> BenchAnswer:
        """Run the agent on ``job``; see `Target`. A cut connection begins the job anew.

        Raises:
            InputError: A file cannot be read here.
            UnreachableError: The board does not answer any more.
            DeviceError: The agent failed.
            MeasurementError: It did not end in time.
        """

        def work() -> BenchAnswer:
            places = {
                "model": self._send(model, ".onnx"),
                "sample": sample and self._send(sample, ".npz"),
                "reference": reference and self._send(reference, ".onnx"),
            }
            sent = job.model_copy(update=places)
            return self._ask(
                "",
                sent.model_dump_json().encode(),
                threads=job.threads,
                seconds=job.longest_seconds,
            )

        return self._accepted(self._until_done(work))

    def close(self) -> None:
        """End the connection, by which the board removes what was sent."""
        connection, self._connection, self._files = self._connection, None, None
        if connection is not None:
            connection.close()

    def _until_done(self, work: Callable[[], T]) -> T:
        """Give what ``work`` gives, begun anew as often as the connection is lost."""
        lost = 0
        while True:
            try:
                return work()
            except ConnectionLostError as fault:
                self.close()
                if not self._was_reached:
                    msg = f"{fault}. Is the board on, and are address and port right?"
                    raise UnreachableError(msg) from None
                if lost == len(self._pauses_seconds):
                    msg = (
                        f"{fault}. The connection came back {lost} times and was lost each time, "
                        "or did not come back; look at the board's power and network."
                    )
                    raise UnreachableError(msg) from None
                pause = self._pauses_seconds[lost]
                self._say(f"{fault}; connecting again in {pause:g} s.")
                time.sleep(pause)
                lost += 1
            except BaseException:
                # What runs there ends with the connection: nothing goes on behind our back.
                self.close()
                raise

    def _connected(self) -> SshConnection:
        if self._connection is None:
            if not self._was_reached:
                require_known(self._address, accept=self._accept)
            self._connection = SshConnection(self._address)
            self._files = BoardFiles(self._connection, self.name)
            self._require_python(self._connection)
            self._was_reached = True
        return self._connection

    def _require_python(self, connection: SshConnection) -> None:
        python = self._address.python
        done = self._run(connection, f"exec {python} -c {shlex.quote(_ASK_VERSION)}")
        if done.status == _TOO_OLD:
            version = strip_control(done.stdout.decode("utf-8", "replace"))[:40]
            msg = (
                f"{self.name}: {python} is Python {version}, and the agent needs 3.6 or newer. "
                f"{self._how_to_name_python()}"
            )
            raise DeviceError(msg)
        if done.status:
            said = strip_control(done.stderr)[-200:]
            msg = (
                f"{self.name}: {python} cannot be run there ({said or f'status {done.status}'}). "
                f"Install it, or: {self._how_to_name_python()}"
            )
            raise DeviceError(msg)

    def _how_to_name_python(self) -> str:
        return f"Name another Python by its path: {self.name}/home/me/venv/bin/python3"

    def _run(self, connection: SshConnection, command: str) -> Finished:
        try:
            return connection.run(command, seconds=_SHORT_SECONDS)
        except TimeoutError:
            msg = f"{self.name}: does not answer within {_SHORT_SECONDS:.0f} s"
            raise ConnectionLostError(msg) from None

    def _send(self, path: Path, suffix: str) -> str:
        self._connected()
        assert self._files is not None  # noqa: S101 - made with the connection
        return self._files.send(path, suffix)

    def _ask(self, argument: str, stdin: bytes, *, threads: int, seconds: float) -> BenchAnswer:
        """Run the agent in its turn, and give its answer."""
        agent, turn = (self._send(agent_file(name), ".py") for name in ("bench.py", "turn.py"))
        connection, python = self._connected(), self._address.python
        live, folder = seconds + START_SECONDS, connection.folder  # onnxruntime leaves files too
        variables = " ".join(f"{key}={value}" for key, value in thread_variables(threads).items())
        try:
            done = connection.run(
                f"{variables} exec {python} {turn} {self._turn_seconds:g} {live:g} "
                f"env TMPDIR={folder} {python} {agent} {argument}",
                stdin=stdin,
                seconds=self._turn_seconds + live + _SHORT_SECONDS,
                most_bytes=MAX_ANSWER_BYTES,
                on_line=self._hear,
            )
        except TimeoutError:
            msg = (
                f"{self.name}: the agent did not end in time and was stopped; end other work there."
            )
            raise MeasurementError(msg) from None
        if not done.stdout:
            raise explain_end(done, name=self.name, live=live, turn=self._turn_seconds)
        return parse_answer(done.stdout, where=self.name)

    def _hear(self, line: str) -> None:
        if line.startswith(WAITING):
            self._say(f"{self.name}: waiting for {strip_control(line[len(WAITING) :])[:200]}")

    def _accepted(self, answer: BenchAnswer) -> BenchAnswer:
        if answer.error is not None and answer.error.kind == "import":
            msg = f"{self.name}: {answer.error.message} on the board. {self._how_to_name_python()}"
            raise DeviceError(msg)
        return require_ok(answer, where=self.name)
