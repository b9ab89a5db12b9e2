"""The conformance suite, against the server as a user starts it."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from infra.lakefs.process import Server, find

_SUITE = Path(__file__).parents[3] / "shared" / "conformance" / "lakefs"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not _SUITE.is_dir(), reason=f"no conformance suite in {_SUITE}"),
]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    children = []

    def begin(*flags: str) -> Server:
        root = tmp_path / "lakefs"
        root.mkdir()
        command = [sys.executable, "-m", "infra.lakefs", "serve", "--root", root, *flags]
        child = subprocess.Popen(command)
        children.append(child)
        while not (server := find(root)):
            assert child.poll() is None
        return server

    yield begin
    for child in children:
        child.terminate()
        child.wait()


def _outcome(server: Server, tmp_path: Path, *arguments: str) -> tuple[int, list[str], list[str]]:
    """Cases that ran, those that failed, and the reasons of those that were skipped."""
    report = tmp_path / "report.xml"
    settings = {
        "LAKEFS_ENDPOINT": server.endpoint,
        "LAKEFS_ACCESS_KEY_ID": server.access_key,
        "LAKEFS_SECRET_ACCESS_KEY": server.secret_key,
        "LAKEFS_STORAGE_NAMESPACE_PREFIX": "local://",
        "LAKEFS_IMPORT_DIR": str(tmp_path / "import"),
        "HOME": str(tmp_path),
        "PATH": os.environ["PATH"],
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    plugins = ["-p", "no:cacheprovider", "-p", "no:randomly"]
    command = [sys.executable, "-m", "pytest", *plugins, f"--junit-xml={report}", *arguments]
    subprocess.run(command, cwd=_SUITE, env=settings, stdout=subprocess.DEVNULL, check=False)
    cases = list(ET.parse(report).iter("testcase"))  # noqa: S314 - our own run wrote it
    bad = [str(one.get("name")) for one in cases if {"failure", "error"} & {e.tag for e in one}]
    skipped = [str(e.get("message")) for one in cases for e in one.findall("skipped")]
    return len(cases), bad, skipped


def test_every_case_passes_with_presigned_urls(serve, tmp_path: Path) -> None:
    server = serve("--presign", "--allow-import", str(tmp_path / "import"))
    ran, bad, skipped = _outcome(server, tmp_path)
    assert ran >= 482
    assert bad == []
    assert skipped == ["server pre-signs"]


def test_links_pass_without_presigned_urls(serve, tmp_path: Path) -> None:
    server = serve("--allow-import", str(tmp_path / "import"))
    _, bad, skipped = _outcome(server, tmp_path, "test_staging_links.py", "test_auth.py")
    assert bad == []
    assert set(skipped) == {"server has no pre-signed URLs"}
