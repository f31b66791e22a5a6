"""The server of a report over real sockets."""

import http.client
import json
import socket
import threading

import pytest

from autokd.core.run_status import RunStatus
from autokd.errors import ConfigError
from autokd.report.live_page import live_script, render_live
from autokd.report.serve import ReportServer, is_own_name
from tests.report.test_live_page import make_view


@pytest.fixture
def view(report):
    return make_view(report)


@pytest.fixture
def server(view):
    with ReportServer(view, port=0) as one:
        yield one


@pytest.fixture
def ask(server):
    def send(path, method="GET", body=None, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", port_of(server), timeout=10)
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body=body, headers=names)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer, content

    return send


def port_of(server) -> int:
    return int(server.url.rsplit(":", 1)[1].strip("/"))


def test_the_page_is_that_of_the_view(ask, view) -> None:
    answer, body = ask("/")
    assert (answer.status, body.decode()) == (200, render_live(view))
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["ETag"] == 'W/"v1"'


def test_the_state_is_a_record_and_the_script_is_the_file(ask, view) -> None:
    assert RunStatus.model_validate_json(ask("/state")[1]) == view.status
    answer, body = ask("/live.js")
    assert (answer.headers["Content-Type"], body) == (
        "text/javascript; charset=utf-8",
        live_script(),
    )
    assert ask("/favicon.ico")[0].status == 204


def test_nothing_new_has_no_body_and_something_new_has_one(server, ask, view, report) -> None:
    for path in ("/", "/state"):
        answer, body = ask(path, If_None_Match='W/"v1"')
        assert (answer.status, body) == (304, b"")
    server.show(make_view(report, version="v2", stage="export"))
    answer, body = ask("/state", If_None_Match='"other", W/"v1"')
    assert (answer.status, json.loads(body)["stage"], answer.headers["ETag"]) == (
        200,
        "export",
        'W/"v2"',
    )
    assert b"exporting and timing" in ask("/")[1]


def test_every_answer_keeps_other_pages_out(ask) -> None:
    for path in ("/", "/state", "/live.js", "/nothing"):
        headers = ask(path)[0].headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert headers["Access-Control-Allow-Origin"] is None
        assert headers["Server"] == "autokd"


@pytest.mark.parametrize(
    "path",
    [
        "/results.json",
        "/../config.toml",
        "/%2e%2e/etc/passwd",
        "//etc/passwd",
        "/state/",
        "/live.JS",
    ],
)
def test_no_other_path_is_known(ask, path) -> None:
    answer, body = ask(path)
    assert (answer.status, body) == (404, b"There is nothing here. The report is at /.\n")


def test_head_has_the_headers_and_no_body(ask) -> None:
    got, head = ask("/"), ask("/", "HEAD")
    assert (head[0].status, head[1]) == (200, b"")
    assert head[0].headers["Content-Length"] == str(len(got[1]))


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_nothing_can_be_written(ask, method) -> None:
    answer, body = ask("/state", method, body=b"GET / HTTP/1.1\r\n\r\n")
    assert (answer.status, body) == (405, b"This page can only be read.\n")
    assert (answer.headers["Allow"], answer.headers["Connection"]) == ("GET, HEAD", "close")


@pytest.mark.parametrize("name", ["evil.example", "evil.example:8737", "127.0.0.1.evil.example"])
def test_a_foreign_name_is_refused(ask, name) -> None:
    answer, body = ask("/state", Host=name)
    assert answer.status == 403
    assert b"start it with --host" in body
    assert b"evil" not in body


@pytest.mark.parametrize(
    ("header", "own"),
    [
        ("localhost", True),
        ("LocalHost:9000", True),
        ("localhost.:9000", True),
        ("127.0.0.1:8737", True),
        ("192.168.1.7", True),
        ("[::1]:8737", True),
        ("[::1]", True),
        ("board.lan:80", True),
        ("", False),
        ("localhost.evil.example", False),
        ("evil.example:127", False),
        ("[evil.example]:80", False),
        ("0x7f000001", False),
    ],
)
def test_addresses_and_own_names_are_told_from_others(header, own) -> None:
    assert is_own_name(header, frozenset({"localhost", "board.lan"})) is own


@pytest.mark.parametrize(
    "hosts", [b"", b"Host: localhost\r\nHost: evil.example\r\n"], ids=["none", "two"]
)
def test_a_request_names_one_host(server, hosts) -> None:
    with socket.create_connection(("127.0.0.1", port_of(server)), timeout=10) as line:
        line.sendall(b"GET / HTTP/1.1\r\n" + hosts + b"Connection: close\r\n\r\n")
        assert line.makefile("rb").readline() == b"HTTP/1.1 400 Bad Request\r\n"


def test_a_client_that_says_nothing_does_not_hold_up_the_others(server, ask) -> None:
    with socket.create_connection(("127.0.0.1", port_of(server))):
        assert ask("/state")[0].status == 200


def test_a_client_that_leaves_is_no_fault(server, ask, capfd) -> None:
    with socket.create_connection(("127.0.0.1", port_of(server))) as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # reset at close
        line.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert ask("/state")[0].status == 200
    assert capfd.readouterr() == ("", "")


def test_what_cannot_be_read_is_told_until_it_can(server, ask, view) -> None:
    server.show_fault("ledger.sqlite: is damaged.")
    answer, body = ask("/state", If_None_Match='W/"v1"')
    assert (answer.status, body) == (503, b"ledger.sqlite: is damaged.\n")
    assert ask("/")[0].status == 200  # the last that was seen
    server.show(view)
    assert ask("/state")[0].status == 200


def test_a_page_is_rendered_once_for_all_who_ask(server, report, monkeypatch) -> None:
    from autokd.report import serve

    calls = []
    monkeypatch.setattr(serve, "render_live", lambda view: calls.append(view) or "<main>")
    server.show(make_view(report, version="v2"))
    threads = [threading.Thread(target=read_page, args=(server,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(calls) == 1


def read_page(server) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port_of(server), timeout=10)
    connection.request("GET", "/")
    assert connection.getresponse().read() == b"<main>"
    connection.close()


def test_a_port_that_is_taken_is_told_and_the_one_taken_for_granted_is_left(server, view) -> None:
    taken = port_of(server)
    with pytest.raises(ConfigError, match=rf"--port {taken}: is taken on 127.0.0.1; give another"):
        ReportServer(view, port=taken)
    with ReportServer(view) as first, ReportServer(view) as second:
        assert port_of(first) != port_of(second)


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
def test_a_host_that_is_not_this_machine_is_told(view, host) -> None:
    with pytest.raises(ConfigError, match=rf"--host {host}: is no address of this machine"):
        ReportServer(view, host=host, port=0)


def test_it_answers_on_ipv6_too(view) -> None:
    try:
        server = ReportServer(view, host="::1", port=0)
    except ConfigError:
        pytest.skip("this machine has no IPv6")
    with server:
        assert server.url.startswith("http://[::1]:")
        connection = http.client.HTTPConnection("::1", port_of(server), timeout=10)
        connection.request("GET", "/state")
        assert connection.getresponse().status == 200
        connection.close()


def test_it_is_closed_after_the_block(view) -> None:
    with ReportServer(view, port=0) as server:
        port = port_of(server)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))
