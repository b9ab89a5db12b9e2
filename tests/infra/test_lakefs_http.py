"""What wrong input gets: lakeFS's status and message, no trace, no half-written object."""

import contextlib
import resource
import socket
import time
from base64 import b64encode
from collections.abc import Iterator
from urllib.parse import quote, urlsplit

import pytest
import requests

_LARGE = b"x" * 200_000


@contextlib.contextmanager
def _connection(repo) -> Iterator[socket.socket]:
    address = urlsplit(repo.server.endpoint)
    with socket.create_connection((address.hostname, address.port), timeout=10) as opened:
        yield opened


def _head(repo, target: str, *headers: str, method: str = "POST") -> bytes:
    pair = f"{repo.server.access_key}:{repo.server.secret_key}".encode()
    path = urlsplit(repo.url).path
    lines = [
        f"{method} {path}{target} HTTP/1.1",
        "Host: test",
        f"Authorization: Basic {b64encode(pair).decode()}",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def _eventually_empty(folder) -> bool:
    deadline = time.monotonic() + 10
    while any(folder.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not any(folder.iterdir())


_ODD_PATHS = ["..", "../up", "a/../b", "a\0b", "/etc/passwd", "a//b", "é" * 512]


@pytest.mark.parametrize("path", _ODD_PATHS)
def test_a_path_is_opaque_and_leads_nowhere_else(repo, path) -> None:
    assert repo.put(path, b"1").status_code == 201
    assert repo.get(path).content == b"1"
    assert repo.ls() == [path]


@pytest.mark.parametrize("path", ["x" * 1025, "é" * 513, ""])
def test_a_path_of_no_bytes_or_more_than_1024_is_refused(repo, path) -> None:
    assert repo.put(path, b"1").status_code == 400
    assert repo.ls() == []


@pytest.mark.parametrize("target", ["objects?path=%ff", "objects?path=a%c3"])
def test_a_path_that_is_not_utf8_is_refused(repo, target) -> None:
    reply = repo.call("POST", f"/branches/main/{target}", data=b"1")
    assert reply.status_code == 400
    assert "UTF-8" in reply.json()["message"]


def test_a_ref_that_is_not_utf8_is_refused(repo) -> None:
    assert repo.call("GET", "/refs/%ff/objects/ls").status_code == 400


def test_text_that_cannot_be_stored_is_refused(repo) -> None:
    body = b'{"message": "\\ud800", "allow_empty": true}'
    reply = repo.call("POST", "/branches/main/commits", data=body)
    assert reply.status_code == 400


@pytest.mark.parametrize("size", [10, len(_LARGE)])
def test_a_body_that_is_cut_off_leaves_nothing(repo, size) -> None:
    with _connection(repo) as sender:
        header = f"Content-Length: {size + 1}"
        sender.sendall(_head(repo, "/branches/main/objects?path=cut", header) + b"x" * size)
        time.sleep(0.2)
    assert _eventually_empty(repo.server.root / "tmp")
    assert repo.ls() == []


def test_a_chunked_body_that_is_cut_off_leaves_nothing(repo) -> None:
    with _connection(repo) as sender:
        head = _head(repo, "/branches/main/objects?path=cut", "Transfer-Encoding: chunked")
        sender.sendall(head + b"ffff\r\n" + b"x" * 0xFFFF + b"\r\n")
        time.sleep(0.2)
    assert _eventually_empty(repo.server.root / "tmp")
    assert repo.ls() == []


def test_bytes_beyond_the_content_length_are_not_taken(repo) -> None:
    with _connection(repo) as sender:
        head = _head(repo, "/branches/main/objects?path=short", "Content-Length: 3")
        sender.sendall(head + b"abcdefgh\r\n\r\n")
        sender.recv(4096)
    reply = repo.get("short")
    assert reply.status_code == 404 or reply.content == b"abc"


@pytest.mark.parametrize(
    "headers", [["Content-Length: -1"], ["Content-Length: x"], ["Transfer-Encoding: chunked", ""]]
)
def test_a_length_that_makes_no_sense_is_refused(repo, headers) -> None:
    with _connection(repo) as sender:
        sender.sendall(_head(repo, "/branches/main/objects?path=odd", *headers) + b"zz\r\n")
        answer = sender.recv(4096)
    assert b" 400 " in answer.splitlines()[0]
    assert repo.ls() == []


def test_a_multipart_body_that_is_cut_off_is_refused(repo) -> None:
    body = b'--b\r\nContent-Disposition: form-data; name="content"\r\n\r\nhalf'
    reply = repo.call(
        "POST",
        "/branches/main/objects?path=mp",
        data=body,
        headers={"Content-Type": "multipart/form-data; boundary=b"},
    )
    assert reply.status_code == 400
    assert repo.ls() == []


def test_a_large_multipart_body_keeps_bytes_that_look_like_its_separator(repo) -> None:
    data = (b"\r\n--bound" * 5000) + b"\r\n-" + _LARGE
    reply = repo.call(
        "POST", "/branches/main/objects?path=mp", files={"content": ("f", data, "text/csv")}
    )
    assert reply.status_code == 201
    assert repo.get("mp").content == data


def test_open_connections_do_not_keep_others_out(repo) -> None:
    limit, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 10_000
    with contextlib.suppress(ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted + 1000, hard), hard))
    room = resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 500
    with contextlib.ExitStack() as stack:
        for _ in range(min(wanted, room)):
            stack.enter_context(_connection(repo))
        assert repo.put("through", b"1").status_code == 201
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))


_BODIES = [
    b"",
    b"{",
    b"[]",
    b"null",
    b"\xff",
    b"[" * 100_000,
    b'{"name": 1}',
    b'{"message": {"a": 1}}',
    b'{"message": "m", "metadata": {"a": 1}}',
    b'{"message": "m", "date": 1e400}',
    b'{"message": "m", "date": 99999999999999999999}',
    b'{"message": "m", "date": 9999999999999, "allow_empty": true}',
    b'{"message": "m", "allow_empty": "yes"}',
    b'{"ref": "main", "parent_number": "x"}',
    b'{"paths": ["a", 1]}',
    b'{"paths": [{"type": "common_prefix"}]}',
    b'{"type": "object", "path": null}',
    b'{"staging": [], "checksum": "x", "size_bytes": 1}',
]
_TARGETS = [
    ("POST", "/branches"),
    ("POST", "/tags"),
    ("PUT", "/branches/main"),
    ("POST", "/branches/main/commits"),
    ("POST", "/branches/main/revert"),
    ("POST", "/branches/main/cherry-pick"),
    ("POST", "/branches/main/import"),
    ("POST", "/branches/main/objects/delete"),
    ("POST", "/branches/main/objects/copy?dest_path=x"),
    ("PUT", "/branches/main/objects?path=x"),
    ("PUT", "/branches/main/objects/stat/user_metadata?path=x"),
    ("PUT", "/branches/main/staging/backing?path=x"),
    ("PUT", "/settings/branch_protection"),
    ("POST", "/refs/main/merge/other"),
]


@pytest.mark.parametrize(("method", "target"), _TARGETS)
def test_a_body_that_makes_no_sense_is_the_client_s_fault(repo, method, target) -> None:
    # To protect no branch is a sensible wish.
    for body in _BODIES if "protection" not in target else {*_BODIES} - {b"[]"}:
        reply = repo.call(method, target, data=body)
        assert 400 <= reply.status_code < 500, (body[:40], reply.status_code, reply.text)
        assert reply.json()["message"]


@pytest.mark.parametrize(
    "query",
    ["amount=-2", "amount=1001", "amount=x", f"amount={'9' * 5000}", "type=dots", "since=soon"],
)
def test_a_parameter_that_makes_no_sense_is_refused(repo, query) -> None:
    target = "/refs/main/diff/main" if "type" in query else "/refs/main/commits"
    assert repo.call("GET", f"{target}?{query}").status_code == 400


@pytest.mark.parametrize("expression", ["main~99999999999999999999", "main^99999999999", "~", "$"])
def test_a_ref_that_asks_too_much_is_refused(repo, expression) -> None:
    reply = repo.call("GET", f"/commits/{quote(expression, safe='')}")
    assert reply.status_code in {400, 404}


def test_a_header_cannot_be_smuggled_in_by_a_content_type(repo) -> None:
    address = repo.call("GET", "/branches/main/staging/backing?path=p").json()
    body = {"staging": address, "checksum": "x", "size_bytes": 0, "content_type": "a\r\nX-Evil: 1"}
    reply = repo.call("PUT", "/branches/main/staging/backing?path=p", json=body)
    assert reply.status_code == 400


def test_a_presigned_upload_is_whole_or_nothing(repo) -> None:
    address = repo.call("GET", "/branches/main/staging/backing?path=p&presign=true").json()
    sent = requests.put(address["presigned_url"], data=b"12345", timeout=10)
    link = {"staging": address, "checksum": sent.headers["ETag"], "size_bytes": 4}
    refused = repo.call("PUT", "/branches/main/staging/backing?path=p", json=link)
    assert refused.status_code == 400
    link["size_bytes"] = 5
    assert repo.call("PUT", "/branches/main/staging/backing?path=p", json=link).ok
    assert repo.get("p").content == b"12345"


def test_an_address_cannot_be_used_for_another_path(repo) -> None:
    address = repo.call("GET", "/branches/main/staging/backing?path=p").json()
    body = {"staging": address, "checksum": "x", "size_bytes": 1}
    other = repo.call("PUT", "/branches/main/staging/backing?path=q", json=body)
    assert other.status_code == 400


def test_what_lakefs_has_and_this_server_has_not_answers_501(repo) -> None:
    for method, target in [("GET", "/pulls"), ("GET", "/actions/runs"), ("POST", "/gc/rules")]:
        assert repo.call(method, target).status_code == 501
