"""The server of `onehalf watch`: what it answers, whom it refuses, what it bears, and when it ends."""

import contextlib
import dataclasses
import http.client
import json
import shutil
import socket
import threading
import time

import numpy as np
import pytest

from helpers import arrays_of, fit_cheaply
from onehalf import Refusal, runs
from onehalf.runs import checkpoint
from onehalf.web import server as serving
from onehalf.web import streams
from onehalf.web.server import WatchServer, open_socket

SECRET = "the-secret-of-another-file"


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A run of tiny images, which is copied and never changed."""
    folder = tmp_path_factory.mktemp("watched")
    rows = np.random.default_rng(0).integers(0, 256, (100, 4, 4), np.uint8)
    np.save(folder / "x.npy", rows)
    (folder / "secret.txt").write_text(SECRET)
    fit_cheaply(folder / "run", folder / "x.npy", choices=0, normal=2)
    return folder


@pytest.fixture
def run(kept, tmp_path):
    shutil.copytree(kept / "run", tmp_path / "run")
    (tmp_path / "secret.txt").write_text(SECRET)
    return tmp_path / "run"


@contextlib.contextmanager
def serve(*folders, **options):
    """Serve these runs in a thread, and stop at the end."""
    server = WatchServer(folders, **options)
    thread = threading.Thread(target=server.serve_until_done)
    thread.start()
    try:
        wait_for(lambda: server.started)
        yield server
    finally:
        server.should_exit = True
        thread.join(20)
    assert not thread.is_alive()


def wait_for(holds, seconds=60):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.01)


def ask(server, path="", method="GET", headers=None, *, token=None):
    """The answer to one request below the token: its status, headers and body."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    token = server.token if token is None else token
    connection.request(method, f"/{token}/{path}", headers=headers or {})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, answer.headers, body


class Stream:
    """A stream of events."""

    def __init__(self, server):
        self.link = socket.create_connection(("127.0.0.1", server.port), timeout=60)
        self.link.sendall(
            f"GET /{server.token}/events HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
        )
        self.lines = self.link.makefile("rb")
        self.status = int(self.lines.readline().split()[1])
        while self.lines.readline() != b"\r\n":
            pass

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.lines.close()
        self.link.close()

    def next(self):
        """The name and the data of the next event."""
        name = ""
        while True:
            line = self.lines.readline().decode().strip()
            if line.startswith("event:"):
                name = line.removeprefix("event: ")
            if line.startswith("data:"):
                return name, json.loads(line.removeprefix("data: "))


@pytest.fixture(scope="module")
def server(kept):
    """One server on a run that does not change."""
    with serve(kept / "run") as started:
        yield started


def test_the_page_and_its_parts_are_there(server):
    for path, kind in {
        "": "text/html",
        "watch.js": "text/javascript",
        "watch.css": "text/css",
    }.items():
        status, headers, body = ask(server, path)
        assert (status, headers.get_content_type()) == (200, kind)
        assert body


def test_every_answer_has_the_headers_that_keep_others_out(server):
    for path, token in (("", None), ("run/0.json", None), ("none", None), ("", "wrong")):
        _, headers, _ = ask(server, path, token=token)
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
        assert "unsafe" not in policy
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert headers["connection"] == "close"


def test_the_page_needs_no_address_but_relative_ones(server):
    _, _, body = ask(server)
    for name in (b"src=", b"href="):
        addresses = [part[1:].split(b'"')[0] for part in body.split(name)[1:]]
        assert all(each in (b"watch.js", b"watch.css", b"data:,") for each in addresses)


def test_runs_are_answered_as_json(server):
    status, headers, body = ask(server, "index.json")
    assert (status, headers.get_content_type()) == (200, "application/json")
    found = json.loads(body)
    assert found["schema_version"] == 1
    (view,) = found["runs"]
    assert json.loads(ask(server, "run/0.json")[2]) == view
    assert view["picture"]["kind"] == "images"
    assert ask(server, "run/1.json")[0] == 404


def test_a_view_that_the_page_has_is_not_sent_again(server):
    tag = ask(server, "run/0.json")[1]["etag"]
    status, _, body = ask(server, "run/0.json", headers={"If-None-Match": tag})
    assert (status, body) == (304, b"")


def test_sheets_are_relative_to_the_view_of_their_run(server):
    picture = json.loads(ask(server, "run/0.json")[2])["picture"]
    addresses = [frame["sheet"] for frame in picture["frames"]] + [picture["data_sheet"]]
    assert addresses == ["0/sheet/100.png", "0/sheet/200.png", "0/sheet/data.png"]
    for address in addresses:
        status, _, body = ask(server, f"run/{address}")
        assert (status, body[1:4]) == (200, b"PNG")
    assert ask(server, "run/0/sheet/300.png")[0] == 404
    assert ask(server, "run/3/sheet/100.png")[0] == 404


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "localhost:9999"}, 200),
        ({"Host": "[::1]:80"}, 200),
        ({"Host": "evil.example"}, 403),
        ({"Host": "127.0.0.1.evil.example"}, 403),
        ({"Host": "localhost@evil.example"}, 403),
        ({"Host": "localhost/evil"}, 403),
        ({"Host": ""}, 403),
        ({"Host": "localhost:9999", "Origin": "http://localhost:9999"}, 200),
        ({"Host": "localhost:9999", "Origin": "http://localhost:3000"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
    ],
)
def test_only_this_machine_and_the_page_itself_are_answered(server, headers, status):
    assert ask(server, "run/0.json", headers=headers)[0] == status


@pytest.mark.parametrize("token", ["", "x", "0" * 22, "../", "%2e%2e"])
def test_nothing_is_answered_without_the_token(server, token):
    status, _, body = ask(server, "index.json", token=token)
    assert status == 404
    assert b"the whole address" in body


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_nothing_can_be_sent(server, method):
    assert ask(server, "run/0.json", method)[0] == 405


@pytest.mark.parametrize(
    "path",
    [
        "../secret.txt",
        "..%2fsecret.txt",
        "run/..%2f..%2fsecret.txt",
        "run/0/sheet/../../../secret.txt",
        "run/0/sheet/..%2f..%2fsecret.png",
        "%2e%2e/%2e%2e/etc/passwd",
        "//etc/passwd",
        "run/-1.json",
        "run/0.json/../../secret.txt",
        "run/0/state.safetensors",
        "watch.html.jinja",
        "server.py",
        "run/0/sheet/\u0663.png",
        "run/99999999999999999999999999.json",
    ],
)
def test_no_other_file_can_be_read(server, path):
    link = socket.create_connection(("127.0.0.1", server.port), timeout=60)
    target = f"/{server.token}/{path}".encode()
    link.sendall(b"GET " + target + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
    with link, link.makefile("rb") as lines:
        answer = lines.read()
    assert int(answer.split()[1]) in (400, 404)
    assert SECRET.encode() not in answer
    assert b"root:" not in answer


def test_a_request_that_is_too_long_is_refused(server):
    link = socket.create_connection(("127.0.0.1", server.port), timeout=60)
    with contextlib.suppress(OSError):
        link.sendall(b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert link.recv(100).startswith(b"HTTP/1.1 400")
    link.close()
    assert ask(server)[0] == 200


def test_a_body_is_never_waited_for(server):
    link = socket.create_connection(("127.0.0.1", server.port), timeout=60)
    head = f"POST /{server.token}/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999999999\r\n\r\n"
    link.sendall(head.encode())
    assert link.recv(100).startswith(b"HTTP/1.1 405")
    link.close()


def test_the_stream_tells_of_each_run_and_then_of_changes(run):
    with serve(run) as server:
        with Stream(server) as stream:
            name, first = stream.next()
            assert (name, first["run"], first["state"]) == ("run", 0, "finished")
            save_earlier(run)
            name, second = stream.next()
            assert (name, second["state"]) == ("run", "interrupted")
            assert second["sentence"].startswith("Stopped after round 100 of 200.")
            view = json.loads(ask(server, "run/0.json")[2])
            assert view["revision"] == second["revision"] != first["revision"]
            shutil.rmtree(run)
            assert stream.next()[1]["state"] == "vanished"
        wait_for(lambda: server.pages.streams.count == 0)


def save_earlier(folder):
    fit = runs.load(folder)
    earlier = dataclasses.replace(
        fit, rounds=100, history=fit.history[:1], is_measured=False, previews=fit.previews[:1]
    )
    checkpoint.save(folder, earlier, runs.load_source(folder), {})
    return fit


def test_a_run_that_is_being_written_is_never_seen_half(run):
    source = runs.load_source(run)
    fit = save_earlier(run)
    earlier = runs.load(run)
    is_over = threading.Event()

    def write():
        while not is_over.is_set():
            for each in (fit, earlier):
                checkpoint.save(run, each, source, {})

    with serve(run) as server:
        writer = threading.Thread(target=write)
        writer.start()
        try:
            seen = set()
            for _ in range(60):
                view = json.loads(ask(server, "run/0.json")[2])
                seen.add(
                    (view["state"], view["rounds"]["done"], len(view["picture"]["frames"]))
                )
                server.watched.runs[0].refresh()
        finally:
            is_over.set()
            writer.join()
    assert seen <= {("finished", 200, 2), ("interrupted", 100, 1)}
    assert len(seen) == 2


def test_a_fit_that_is_watched_is_the_same_fit(kept, tmp_path):
    (tmp_path / "run").mkdir()
    with serve(tmp_path / "run") as server, Stream(server) as stream:
        assert stream.next()[1]["state"] == "waiting"
        fit_cheaply(tmp_path / "run", kept / "x.npy", choices=0, normal=2)
        while stream.next()[1]["state"] != "finished":
            pass
    assert arrays_of(tmp_path / "run") == arrays_of(kept / "run")
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert names == {path.name for path in (kept / "run").iterdir()}


def test_runs_of_one_name_have_labels_of_their_own(run, kept):
    with serve(run, kept / "run") as server:
        labels = [each["label"] for each in json.loads(ask(server, "index.json")[2])["runs"]]
    assert labels == [f"{run.parent.name}/run", f"{kept.name}/run"]


def test_only_so_many_streams_are_open_at_once(server, monkeypatch):
    monkeypatch.setattr(streams, "MOST_STREAMS", 3)
    with contextlib.ExitStack() as stack:
        opened = [stack.enter_context(Stream(server)) for _ in range(4)]
        assert [stream.status for stream in opened] == [200, 200, 200, 503]
        assert ask(server, "index.json")[0] == 200
    wait_for(lambda: server.pages.streams.count == 0)


def test_who_says_nothing_is_cut_off(run, monkeypatch):
    monkeypatch.setattr(serving, "LIFETIME", 0.3)
    with serve(run) as server, Stream(server) as stream:
        silent = socket.create_connection(("127.0.0.1", server.port), timeout=60)
        slow = socket.create_connection(("127.0.0.1", server.port), timeout=60)
        slow.sendall(b"GET /")
        for link in (silent, slow):
            with contextlib.suppress(ConnectionResetError):
                assert link.recv(10) == b""
            link.close()
        assert stream.next()[0] == "run"
        time.sleep(0.4)
        assert server.pages.streams.count == 1


def crowd(server, count):
    """Open so many connections at once, of which every fourth one asks for a stream and the others say nothing."""
    with contextlib.ExitStack() as opened:
        links = []
        for number in range(count):
            with contextlib.suppress(OSError):
                link = socket.create_connection(("127.0.0.1", server.port), timeout=60)
                links.append(opened.enter_context(link))
                if number % 4 == 0:
                    head = f"GET /{server.token}/events HTTP/1.1\r\nHost: localhost\r\n\r\n"
                    link.sendall(head.encode())
        wait_for(lambda: sum(map(is_closed, links)) >= len(links) - serving.MOST_CONNECTIONS)
        assert server.pages.streams.count <= streams.MOST_STREAMS
    wait_for(lambda: server.pages.streams.count == 0)
    wait_for(lambda: is_answered(server))


def is_closed(link):
    """Whether the server has closed a connection; what it said before is read and forgotten."""
    link.setblocking(False)
    try:
        while link.recv(65_536):
            pass
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def is_answered(server):
    with contextlib.suppress(OSError):
        return ask(server, "index.json")[0] == 200
    return False


def test_forty_connections_at_once_are_borne(run, monkeypatch):
    monkeypatch.setattr(serving, "MOST_CONNECTIONS", 20)
    monkeypatch.setattr(streams, "MOST_STREAMS", 8)
    with serve(run) as server:
        crowd(server, 40)


@pytest.mark.slow
def test_a_thousand_connections_at_once_are_borne(run):
    with serve(run) as server:
        crowd(server, 1000)


def test_it_ends_once_nobody_needs_it(run):
    with serve(run) as server:
        with Stream(server) as stream:
            stream.next()
            server.linger = 0.0
            time.sleep(0.4)
            assert not server.should_exit
        wait_for(lambda: server.watched.end)
        assert "nobody had it open" in server.watched.end


def test_it_does_not_end_while_a_fit_is_at_work(run):
    with runs.lock(run), serve(run, linger=0.2) as server:
        time.sleep(0.8)
        assert not server.should_exit


def test_pages_are_told_that_it_ends(run):
    with serve(run) as server, Stream(server) as stream:
        stream.next()
        server.should_exit = True
        assert stream.next() == ("end", {"sentence": serving.STOPPED})


def test_a_port_that_is_in_use_is_refused_in_a_sentence(server):
    with pytest.raises(
        Refusal, match=r"expected a free port; got .* in use\. Leave out --port"
    ):
        open_socket(server.port)


def test_it_listens_on_this_machine_alone(server):
    assert server.listener.getsockname()[0] == "127.0.0.1"
