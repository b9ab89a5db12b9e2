from pathlib import Path

import pytest

from orchestration.errors import KeysMissing, SettingsInvalid
from orchestration.settings import Settings, keys, load


def written(folder: Path, text: str) -> Path:
    path = folder / "hallmark.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def faults(folder: Path, text: str) -> list[str]:
    with pytest.raises(SettingsInvalid) as caught:
        load(written(folder, text), {})
    return [f"{fault.line}:{fault.key_path}" for fault in caught.value.faults]


@pytest.mark.parametrize("text", ["", "# nothing\n", "{}\n"])
def test_everything_has_a_default(tmp_path: Path, text: str) -> None:
    assert load(written(tmp_path, text), {}) == Settings()


def test_every_fault_is_named_at_once_with_its_line(tmp_path: Path) -> None:
    text = "lakefs:\n  endpoint: nowhere\n  secret: abc\nui:\n  port: 99999\nexecuter: x\n"
    assert faults(tmp_path, text) == [
        "2:lakefs.endpoint",
        "3:lakefs.secret",
        "5:ui.port",
        "6:executer",
    ]


@pytest.mark.parametrize(
    "text", ["- a\n", "just words\n", "a: [\n", "ui: 3\n", "ui:\n  port: [1]\n"]
)
def test_what_is_not_settings_is_a_fault_not_a_crash(tmp_path: Path, text: str) -> None:
    assert faults(tmp_path, text)


def test_a_file_that_is_not_text_is_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "hallmark.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsInvalid):
        load(path, {})


def test_the_environment_overrides_the_endpoint(tmp_path: Path) -> None:
    path = written(tmp_path, "lakefs:\n  endpoint: http://a:1\n  repository_prefix: team-\n")
    settings = load(path, {"HALLMARK_LAKEFS_ENDPOINT": "http://b:2"})
    assert (settings.lakefs.endpoint, settings.lakefs.repository_prefix) == ("http://b:2", "team-")


def test_the_environment_overrides_dagsters_home(tmp_path: Path) -> None:
    path = written(tmp_path, "dagster_home: here\n")
    assert load(path, {}).dagster_home == "here"
    assert load(path, {"HALLMARK_DAGSTER_HOME": "/there"}).dagster_home == "/there"


def test_a_bad_endpoint_in_the_environment_is_named_as_such(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match="HALLMARK_LAKEFS_ENDPOINT"):
        load(written(tmp_path, ""), {"HALLMARK_LAKEFS_ENDPOINT": "b:2"})


def test_keys_come_from_the_environment_variables_that_the_file_names(tmp_path: Path) -> None:
    settings = load(written(tmp_path, "lakefs:\n  access_key_env: TEAM_KEY\n"), {})
    environment = {"TEAM_KEY": "k", "HALLMARK_LAKEFS_SECRET_ACCESS_KEY": "s"}
    assert keys(settings.lakefs, environment) == ("k", "s")
    with pytest.raises(KeysMissing) as caught:
        keys(settings.lakefs, {})
    assert caught.value.variables == ("TEAM_KEY", "HALLMARK_LAKEFS_SECRET_ACCESS_KEY")
