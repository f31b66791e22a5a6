"""``autokd report``."""

import ipaddress
import socket
import time
from pathlib import Path
from urllib.parse import urlsplit

import click

from autokd.cli.compress import existing_run
from autokd.cli.output import current_output, note, wrap
from autokd.errors import AutoKDError, InterruptedRunError

READ_EVERY_SECONDS = 1.0


@click.command()
@click.argument("run", metavar="RUN")
@click.option("--serve", is_flag=True, help="Show the run in a browser, also while it goes on.")
@click.option("--host", metavar="H", help="Where --serve answers. [default: 127.0.0.1]")
@click.option(
    "--port",
    metavar="N",
    type=click.IntRange(0, 65535),
    help="On which port; 0 is a free one. [default: 8737, or a free one]",
)
def report(run: str, *, serve: bool, host: str | None, port: int | None) -> None:
    """Write the report of a finished run once more, or serve it.

    Without --serve it is written from results.json. With --serve nothing is written: the page is
    shown on this machine alone, and follows a run that goes on.
    """
    given = "--host" if host is not None else "--port" if port is not None else None
    if given and not serve:
        message = f"{given} goes with --serve"
        raise click.UsageError(message, click.get_current_context(silent=True))
    folder = existing_run(run)
    if serve:
        _serve(folder, host=host, port=port)
        return
    from autokd.cli.result import render_result
    from autokd.report.write import load_report, write_report

    content = load_report(folder)
    write_report(content, folder)
    current_output().text(render_result(content, folder))


def _serve(folder: Path, *, host: str | None, port: int | None) -> None:
    """Serve until Ctrl-C, which is how it is meant to end."""
    from autokd.pipeline.live_report import LiveRun
    from autokd.report.serve import LOOPBACK, ReportServer

    live = LiveRun(folder)
    try:
        with ReportServer(live.read(), host=host or LOOPBACK, port=port) as server:
            current_output().text(server.url)
            _explain(server.url)
            while True:
                time.sleep(READ_EVERY_SECONDS)
                try:
                    server.show(live.read())
                except InterruptedRunError:
                    raise
                except AutoKDError as fault:
                    server.show_fault(str(fault))
    except KeyboardInterrupt:
        return
    except InterruptedRunError as end:
        raise click.exceptions.Exit(end.exit_code) from None


def _explain(url: str) -> None:
    note("Read only. Ctrl-C ends the page; the run goes on.")
    where = urlsplit(url)
    if _is_loopback(str(where.hostname)):
        note(
            "From another machine: "
            f"ssh -L {where.port}:localhost:{where.port} {socket.gethostname()}"
        )
    else:
        note(
            wrap(
                "Everybody who reaches this machine can read this page, paths and images "
                f"included; there it is http://{socket.gethostname()}:{where.port}/"
            )
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
