"""``autokd``: the group of all commands, and the one place where an error becomes an exit code."""

import errno
import signal
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

import click

import autokd
from autokd.cli.github import in_github_job, workflow_command
from autokd.cli.group import LazyCommand, LazyGroup
from autokd.cli.output import Output, close_quietly, note, note_error
from autokd.errors import EXIT_NAMES, AutoKDError, InterruptedRunError, StorageError

COMMANDS = {
    "demo": LazyCommand(
        "autokd.cli.demo", "demo", "Write a teacher, data and settings to try everything with."
    ),
    "doctor": LazyCommand("autokd.cli.doctor", "doctor", "Check this machine before a run."),
    "devices": LazyCommand("autokd.cli.devices", "devices", "List, show and check devices."),
    "compress": LazyCommand(
        "autokd.cli.compress", "compress", "Make a small student of a teacher for a device."
    ),
    "resume": LazyCommand("autokd.cli.compress", "resume", "Go on with a run that was stopped."),
    "status": LazyCommand("autokd.cli.status", "status", "Say where a run stands."),
    "report": LazyCommand("autokd.cli.report", "report", "Write the report of a run, or serve it."),
    "export": LazyCommand("autokd.cli.export", "export", "Export a winner for another device."),
    "export-optuna": LazyCommand(
        "autokd.cli.export_optuna", "export_optuna", "Write a run as a journal of Optuna."
    ),
    "compare": LazyCommand(
        "autokd.cli.compare", "compare", "Hold a student against an earlier one."
    ),
    "bench": LazyCommand("autokd.cli.bench", "bench", "Time ONNX files on this host."),
}

_EPILOG = """\
\b
Exit codes:
  0    done
  1    a defect in autokd
  2    usage or input: the message gives place, value and rule
  3    no feasible student
  4    a gate failed
  5    device, target or provider
  6    export or parity
  7    measurement invalid
  75   stopped, 'autokd resume' goes on
  130  interrupted (143 after SIGTERM), 'autokd resume' goes on
"""


@click.group(
    cls=LazyGroup,
    table=COMMANDS,
    epilog=_EPILOG,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
)
@click.version_option(autokd.__version__, prog_name="autokd", message="%(prog)s %(version)s")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Compress an image classifier for a small board.

    autokd compress --teacher model.pt --device jetson-nano
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code; every error is told here and nowhere else."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    output = Output(as_json="--json" in words)
    try:
        with _signals_as_errors(output):
            code = _call(words, output)
        sys.stdout.flush()
    except (Exception, KeyboardInterrupt) as fault:  # noqa: BLE001 - the last line of defence
        return _tell(fault, output)
    return code


def _call(words: list[str], output: Output) -> int:
    try:
        # Not cli.main(): it would answer a closed pipe and Ctrl-C in ways of its own.
        with cli.make_context("autokd", words, obj=output) as ctx:
            cli.invoke(ctx)
    except click.exceptions.Exit as end:
        return int(end.exit_code)
    return 0


def _tell(fault: BaseException, output: Output) -> int:
    if output.signal is not None:
        # Not by the class of the fault: a module that is interrupted while it is imported may fail
        # with anything.
        word = "interrupted" if output.signal == signal.SIGINT else "stopped by SIGTERM"
        return _fail(f"{word}. {_how_to_go_on(output)}", 128 + output.signal, output)
    match fault:
        case AutoKDError():
            message, code = str(fault), fault.exit_code
        case click.ClickException():
            message, code = _usage_text(fault), 2
        case KeyboardInterrupt() | click.Abort():
            message, code = f"interrupted. {_how_to_go_on(output)}", 130
        case BrokenPipeError() if _reader_is_gone():
            return 0
        case OSError() if fault.errno in {errno.ENOSPC, errno.EDQUOT}:
            place = fault.filename or "the output"
            message = f"{place}: cannot be written ({fault.strerror}). Free some space. "
            message, code = message + _how_to_go_on(output), StorageError.exit_code
        case ImportError() if fault.name and fault.name.split(".")[0] != "autokd":
            message = f"{fault.name} cannot be imported ({fault}); see 'autokd doctor'."
            code = 2
        case _:
            traceback.print_exception(fault)
            message = f"this is a defect in autokd {autokd.__version__}: {fault!r}. "
            message, code = message + "Please report it with the lines above.", 1
    return _fail(message, code, output)


def _fail(message: str, code: int, output: Output) -> int:
    note_error(message)
    if in_github_job():
        note(workflow_command("error", message))
    status = {"code": code, "name": EXIT_NAMES[code]}
    try:
        output.data({"exit": status, "error": message, **output.partial})
        sys.stdout.flush()
    except OSError:
        # stdout fails as well, or is what failed: the code and stderr still tell.
        close_quietly(sys.stdout)
    return code


def _how_to_go_on(output: Output) -> str:
    if output.run is None or not (output.run / "config.toml").is_file():
        return "Nothing was kept; run the command again."
    return f"What was finished is kept: go on with 'autokd resume {output.run}'."


def _usage_text(fault: click.ClickException) -> str:
    message = fault.format_message()
    message += "" if message.endswith((".", "?", ")")) else "."
    ctx = getattr(fault, "ctx", None)
    return f"{message} See '{ctx.command_path} --help'." if ctx else message


def _reader_is_gone() -> bool:
    """Whether stdout itself lost its reader, and not the pipe of a worker process."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        close_quietly(sys.stdout)
        return True
    return False


@contextmanager
def _signals_as_errors(output: Output) -> Iterator[None]:
    """Turn Ctrl-C and the first SIGTERM into errors that end the run in order.

    A second SIGTERM kills. Ctrl-C stays ignored where the shell had it so, as behind nohup.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - signal's signature
        output.signal = number
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        message = f"stopped by SIGTERM. {_how_to_go_on(output)}"
        raise InterruptedRunError(message, exit_code=143)

    before = {signal.SIGTERM: signal.signal(signal.SIGTERM, stop)}
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        before[signal.SIGINT] = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
