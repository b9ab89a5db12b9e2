import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.lakefs import process
from infra.lakefs.process import Server
from orchestration import doctor
from orchestration.doctor import Finding, examine
from orchestration.project import connect, open_project
from orchestration.store import embedded

DATASET = """\
name: digits
modality: image
ontology:
  classes: ["0", "1"]
"""


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "project"
    (folder / "datasets").mkdir(parents=True)
    (folder / "hallmark.yaml").write_text("")
    (folder / "datasets" / "digits.yaml").write_text(DATASET)
    yield folder
    embedded.stop(folder / ".hallmark" / "lakefs")


def found(root: Path, environment: dict[str, str] | None = None) -> dict[str, Finding]:
    return {finding.name: finding for finding in examine(root, environment or {})}


def test_a_sound_project_has_nothing_wrong(root: Path) -> None:
    connect(open_project(root, {}), {}).of("digits")
    findings = found(root)
    assert [name for name, one in findings.items() if one.ok is False] == []
    assert "embedded server" in findings["lakeFS"].saw
    assert findings["stored objects"].ok is True
    assert findings["dataset files"].saw == "valid: digits"


def test_every_finding_that_is_not_fine_says_what_to_do(root: Path) -> None:
    (root / "datasets" / "bad.yaml").write_text("name: other\n")
    (root / "hallmark.yaml").write_text("lakefs: {endpoint: 'http://127.0.0.1:9'}\n")
    findings = examine(root, {})
    assert {one.name for one in findings if not one.ok} >= {"dataset files", "lakeFS"}
    assert all(one.advice for one in findings if not one.ok)


def test_a_language_model_without_its_key_is_named_before_a_run_is(root: Path) -> None:
    spec = (
        "{name: small, kind: llm, endpoint: 'http://127.0.0.1:9/v1', model: m, api_key_variable: K}"
    )
    films = f"name: films\nmodality: text\nontology: {{classes: [a, b]}}\nlabelers: [{spec}]\n"
    (root / "datasets" / "films.yaml").write_text(films)
    without = found(root)["llm:small of films"]
    assert (without.ok, "set K" in without.advice) == (None, True)
    assert found(root, {"K": "secret"})["llm:small of films"].ok is True


def test_faulty_settings_are_shown_whole(root: Path) -> None:
    (root / "hallmark.yaml").write_text("ui: {port: 0}\nnonsense: 1\n")
    saw = found(root)["settings"].saw
    assert "ui.port" in saw
    assert "nonsense" in saw


def test_no_project_is_a_finding(tmp_path: Path) -> None:
    assert "hallmark init" in found(tmp_path)["settings"].advice


def test_a_server_that_was_started_to_look_is_stopped_again(root: Path) -> None:
    assert found(root)["lakeFS"].ok is True
    assert not embedded.running(root / ".hallmark" / "lakefs")


def test_missing_keys_are_named(root: Path) -> None:
    (root / "hallmark.yaml").write_text("lakefs: {endpoint: 'http://127.0.0.1:9'}\n")
    assert "HALLMARK_LAKEFS_SECRET_ACCESS_KEY" in found(root)["lakeFS"].saw


def test_a_damaged_object_is_named_with_what_needs_it(root: Path) -> None:
    store = connect(open_project(root, {}), {}).of("digits")
    store.write(store.branch("r").name, {"raw/big": os.urandom(100_000)}, message="m")
    blobs = [p for p in (root / ".hallmark/lakefs").rglob("*") if p.is_file()]
    blob = next(path for path in blobs if path.stat().st_size == 100_000)
    blob.chmod(0o644)
    blob.write_bytes(b"x" * 100_000)
    finding = found(root)["stored objects"]
    assert finding.ok is False
    assert "digits/raw/big" in finding.saw


def test_pre_signed_urls_are_really_tried(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = process.start(tmp_path / "presigning", presign=True)
    try:
        environment = keys(server)
        connect(open_project(root, environment), environment).of("digits")
        assert "came back" in found(root, environment)["pre-signed URLs"].saw
        monkeypatch.setattr(doctor, "read_object", lambda *_: b"other")
        assert found(root, environment)["pre-signed URLs"].ok is False
    finally:
        server.stop()


def keys(server: Server) -> dict[str, str]:
    return {
        "HALLMARK_LAKEFS_ENDPOINT": server.endpoint,
        "HALLMARK_LAKEFS_ACCESS_KEY_ID": server.access_key,
        "HALLMARK_LAKEFS_SECRET_ACCESS_KEY": server.secret_key,
    }


def test_old_run_branches_are_listed_and_young_ones_are_not(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = connect(open_project(root, {}), {}).of("digits")
    store.write(store.branch("r").name, {"a": b"1"}, message="m")
    assert found(root)["leftover branches"].ok is True
    monkeypatch.setattr(doctor, "STALE", doctor.timedelta(seconds=-time.time()))
    assert "digits/run-r" in found(root)["leftover branches"].saw


def test_scarce_disk_is_a_warning_then_a_fault(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "TIGHT_DISK_GIB", 1 << 40)
    assert found(root)["disk"].ok is None
    monkeypatch.setattr(doctor, "SCARCE_DISK_GIB", 1 << 40)
    assert found(root)["disk"].ok is False
