from pathlib import Path

import pytest

from assets.ports import ProjectFolder
from infra.lakefs.process import Server
from orchestration.errors import EmbeddedLakeFSFailed, KeysMissing, ProjectNotFound
from orchestration.project import Project, connect, find_root, open_project
from orchestration.store import embedded


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "hallmark.yaml").write_text("", encoding="utf-8")
    return folder


def test_the_project_is_found_upward_from_here(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "inbox" / "digits").mkdir(parents=True)
    monkeypatch.chdir(root / "inbox" / "digits")
    assert find_root(None, {}) == root.resolve()


def test_a_named_folder_goes_before_the_environment_and_that_before_here(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "hallmark.yaml").touch()
    monkeypatch.chdir(other)
    environment = {"HALLMARK_PROJECT": str(root)}
    assert find_root(None, environment) == root.resolve()
    assert find_root(other, environment) == other.resolve()


def test_a_named_folder_without_settings_is_no_project(root: Path) -> None:
    (root / "sub").mkdir()
    with pytest.raises(ProjectNotFound, match="hallmark init"):
        find_root(root / "sub", {})


def test_the_layout_is_the_folder_that_the_ports_ask_for(root: Path) -> None:
    project = open_project(root, {})
    folder: ProjectFolder = project
    assert folder.inbox("digits").relative_to(project.root) == Path("inbox/digits")
    assert project.dagster_home().relative_to(project.root) == Path(".hallmark/dagster")


def test_the_embedded_server_is_started_once_and_found_again(root: Path) -> None:
    project = open_project(root, {})
    try:
        first, second = connect(project, {}), connect(project, {})
        assert first is second
        assert first.of("digits_small").head()
    finally:
        assert embedded.stop(project.lakefs_data())
    assert not embedded.running(project.lakefs_data())


def test_data_outlives_the_embedded_server(root: Path) -> None:
    project = open_project(root, {})
    try:
        store = connect(project, {}).of("digits_small")
        commit = store.write(store.branch("r").name, {"a": b"1"}, message="m")
        embedded.stop(project.lakefs_data())
        assert connect(project, {}).of("digits_small").read(commit, "a") == b"1"
    finally:
        embedded.stop(project.lakefs_data())


def test_a_store_in_hand_follows_the_embedded_server_to_where_it_starts_anew(root: Path) -> None:
    project = open_project(root, {})
    try:
        store = connect(project, {}).of("digits_small")
        branch = store.branch("r").name
        commit = store.write(branch, {"a": b"1", "b": b"2"}, message="m")
        embedded.stop(project.lakefs_data())
        assert store.read(commit, "a") == b"1"
        embedded.stop(project.lakefs_data())
        assert store.write(branch, {"c": b"3"}, message="m")
        embedded.stop(project.lakefs_data())
        assert store.fetch(commit, ["b"])["b"].read_bytes() == b"2"
    finally:
        embedded.stop(project.lakefs_data())


def test_a_configured_endpoint_is_used_with_keys_from_the_environment(
    root: Path, lakefs_server: Server
) -> None:
    (root / "hallmark.yaml").write_text(f"lakefs: {{endpoint: '{lakefs_server.endpoint}/'}}\n")
    environment = {
        "HALLMARK_LAKEFS_ACCESS_KEY_ID": lakefs_server.access_key,
        "HALLMARK_LAKEFS_SECRET_ACCESS_KEY": lakefs_server.secret_key,
    }
    stores = connect(open_project(root, environment), environment)
    assert stores.connection.facts.blockstore == "local"
    with pytest.raises(KeysMissing):
        connect(open_project(root, {}), {})


def test_a_server_that_cannot_start_says_why(root: Path) -> None:
    project = open_project(root, {})
    project.lakefs_data().parent.mkdir()
    project.lakefs_data().write_text("in the way")
    with pytest.raises(EmbeddedLakeFSFailed) as caught:
        connect(project, {})
    assert caught.value.folder == project.lakefs_data()


def test_projects_are_values(root: Path) -> None:
    assert open_project(root, {}) == Project(root.resolve(), open_project(root, {}).settings)
