"""A small server for the page of one run: read only, and on this machine alone unless asked.

It knows four addresses and opens no file for any of them, so there is no path to break out of. A
page from elsewhere cannot read it: no answer allows another origin, and a request whose ``Host`` is
a foreign name is refused, so that a name that is pointed at this machine later (DNS rebinding)
reads nothing either.
"""

import errno
import ipaddress
import socket
import socketserver
import sys
import threading
from collections.abc import Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from autokd.core.closing import Closing
from autokd.errors import ConfigError
from autokd.report.live_page import SCRIPT_FILE, LiveView, live_script, render_live

LOOPBACK = "127.0.0.1"
DEFAULT_PORT = 8737
SILENT_CLIENT_SECONDS = 30

_HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-cache",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
}
_TEXT = "text/plain; charset=utf-8"


class _Answer(NamedTuple):
    status: HTTPStatus
    kind: str
    body: bytes
    version: str | None = None


class ReportServer(Closing):
    """Answers with what `show` was given last.

    Attributes:
        url: Of the page.
    """

    def __init__(self, view: LiveView, *, host: str = LOOPBACK, port: int | None = None) -> None:
        """Begin to answer.

        Args:
            view: The first to show.
            host: Name or address of this machine on which it answers.
            port: 0 for a free one; None for ``DEFAULT_PORT``, or a free one where that is taken.

        Raises:
            ConfigError: ``host`` is none of this machine, or ``port`` is taken or not allowed.
        """
        self._pages = _Pages(view)
        self._server = _listen(host, port, self._pages)
        shown = f"[{host}]" if ":" in host else host
        self.url = f"http://{shown}:{self._server.server_port}/"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def show(self, view: LiveView) -> None:
        """Answer with ``view`` from now on."""
        self._pages.show(view)

    def show_fault(self, message: str) -> None:
        """Say until the next view that nothing newer can be read, and why."""
        self._pages.fault = message

    def close(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def is_own_name(header: str, names: frozenset[str]) -> bool:
    """Whether ``header``, a ``Host``, is an address of numbers, or one of ``names``.

    Only a name can be pointed elsewhere by its owner. The port does not count: behind a tunnel
    it is another one.
    """
    name = header.strip().lower()
    if name.startswith("["):
        name = name[1:].partition("]")[0]
    elif name.count(":") == 1:
        name = name.partition(":")[0]
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return name.removesuffix(".") in names
    return True


class _Pages:
    """What is answered, made when it is first asked for."""

    def __init__(self, view: LiveView) -> None:
        self.fault: str | None = None
        self._view = view
        self._page: tuple[str, bytes] | None = None
        self._making = threading.Lock()
        self._script = live_script()

    def show(self, view: LiveView) -> None:
        self._view, self.fault = view, None

    def answer(self, path: str) -> _Answer:
        view = self._view
        if path == f"/{SCRIPT_FILE}":
            return _Answer(HTTPStatus.OK, "text/javascript; charset=utf-8", self._script)
        if path == "/favicon.ico":  # browsers ask for it by themselves
            return _Answer(HTTPStatus.NO_CONTENT, "image/x-icon", b"")
        if path == "/":
            return _Answer(
                HTTPStatus.OK, "text/html; charset=utf-8", self._html(view), view.version
            )
        if path == "/state":
            if self.fault is not None:
                return _text(HTTPStatus.SERVICE_UNAVAILABLE, self.fault)
            state = view.status.model_dump_json().encode()
            return _Answer(HTTPStatus.OK, "application/json", state, view.version)
        return _text(HTTPStatus.NOT_FOUND, "There is nothing here. The report is at /.")

    def _html(self, view: LiveView) -> bytes:
        with self._making:
            if self._page is None or self._page[0] != view.version:
                self._page = view.version, render_live(view).encode()
            return self._page[1]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    pages: _Pages
    names: frozenset[str]

    def server_bind(self) -> None:
        # Not that of HTTPServer, which asks the name servers for a name that nothing uses.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), OSError):  # a client that left is no fault
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = SILENT_CLIENT_SECONDS
    server: _Server

    def do_GET(self) -> None:
        self._send(self._answer())

    do_HEAD = do_GET  # noqa: N815

    def do_POST(self) -> None:
        self.close_connection = True  # its body is not read
        self._send(_text(HTTPStatus.METHOD_NOT_ALLOWED, "This page can only be read."))

    do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_POST  # noqa: N815

    def version_string(self) -> str:
        """Give the ``Server`` header, without versions."""
        return "autokd"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
        """Write nothing: the terminal is the person's."""

    def _answer(self) -> _Answer:
        hosts = self.headers.get_all("Host") or []
        if len(hosts) != 1:
            return _text(HTTPStatus.BAD_REQUEST, "A request names its host, once.")
        if not is_own_name(hosts[0], self.server.names):
            text = (
                "This is not a name of this server. Use its address, or start it with --host and "
                "the name."
            )
            return _text(HTTPStatus.FORBIDDEN, text)
        return self.server.pages.answer(self.path.partition("?")[0])

    def _send(self, answer: _Answer) -> None:
        tag = None if answer.version is None else f'W/"{answer.version}"'
        seen = {one.strip() for one in self.headers.get("If-None-Match", "").split(",")}
        if tag is not None and tag in seen:
            answer = answer._replace(status=HTTPStatus.NOT_MODIFIED, body=b"")
        self.send_response(answer.status)
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        if tag is not None:
            self.send_header("ETag", tag)
        if self.close_connection:
            self.send_header("Connection", "close")
        if answer.status == HTTPStatus.METHOD_NOT_ALLOWED:
            self.send_header("Allow", "GET, HEAD")
        if answer.status not in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED):
            self.send_header("Content-Type", answer.kind)
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)


def _text(status: HTTPStatus, text: str) -> _Answer:
    return _Answer(status, _TEXT, f"{text}\n".encode())


def _listen(host: str, port: int | None, pages: _Pages) -> _Server:
    try:
        try:
            server = _bind(host, DEFAULT_PORT if port is None else port)
        except OSError as fault:
            if port is not None or fault.errno != errno.EADDRINUSE:
                raise
            server = _bind(host, 0)
    except OSError as fault:
        raise ConfigError(_refusal(host, port, fault)) from fault
    server.pages = pages
    server.names = frozenset({"localhost", host.lower(), socket.gethostname().lower()})
    return server


def _bind(host: str, port: int) -> _Server:
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]

    class Server(_Server):
        address_family = family

    return Server(address, _Handler)  # type: ignore[arg-type]


def _refusal(host: str, port: int | None, fault: OSError) -> str:
    if fault.errno == errno.EADDRINUSE:
        return f"--port {port}: is taken on {host}; give another, or 0 for a free one."
    if fault.errno == errno.EACCES:
        return f"--port {port}: is not allowed on {host} ({fault.strerror}); give one above 1023."
    return (
        f"--host {host}: is no address of this machine ({fault.strerror}); give {LOOPBACK}, "
        "or 0.0.0.0 for all of them."
    )
