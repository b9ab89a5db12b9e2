"""Every command as a person types it, on a project with one release."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from orchestration.cli import output
from orchestration.cli.app import app
from quality.schema import LABELS

DONE = 0


class Typist:
    """Types commands for one project, and reads what comes back."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def types(self, *words: str) -> Result:
        """What a command answers, whether it went well or not."""
        return CliRunner().invoke(app, [*words, "--project", str(self._root)])

    def reads(self, *words: str) -> Any:
        """The JSON of a command that must go well."""
        result = self.types(*words, "--json")
        assert result.exit_code == DONE, result.output
        return json.loads(result.stdout)


@pytest.fixture(scope="module")
def shared(copy_to: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A project that these tests only look at."""
    copy = copy_to(tmp_path_factory.mktemp("commands") / "project")
    yield copy
    copy.stop()


@pytest.fixture
def typist(shared: Any) -> Typist:
    return Typist(shared.root)


def columns(rows: Sequence[dict[str, Any]]) -> set[str]:
    return {name for row in rows for name in row}


def test_status_names_what_waits_and_the_last_release(typist: Typist) -> None:
    found = typist.reads("status")
    assert {"waiting", "failed_runs", "releases"} <= found.keys()
    assert found["releases"][0]["release"] == "v0001"


def test_releases_lists_them_newest_first(typist: Typist) -> None:
    assert [row["release"] for row in typist.reads("releases")] == ["v0001"]


def test_sql_answers_at_a_release(typist: Typist) -> None:
    (row,) = typist.reads("sql", "SELECT count(*) AS n FROM items", "--at", "v0001")
    assert row == {"n": 89}, "90 rows, of which two are the same flower"


def test_sql_that_is_none_is_wrong_input(typist: Typist) -> None:
    answer = typist.types("sql", "SELEC 1")
    assert answer.exit_code == output.WRONG_INPUT


def test_a_table_that_is_not_there_is_answered_with_those_that_are(typist: Typist) -> None:
    answer = typist.types("sql", "SELECT * FROM lables")
    assert answer.exit_code == output.WRONG_INPUT
    assert "labels" in answer.stderr


def test_trace_shows_every_vote_behind_a_label(typist: Typist, shared: Any) -> None:
    item = shared.sure_setosa()
    found = typist.reads("trace", item[:12])
    assert found["item_id"] == item
    assert {v["actor"] for v in found["votes"]} >= {
        "function:by_petal_area",
        "function:by_petal_length",
        "function:by_petal_width",
    }


def test_trace_of_nothing_is_wrong_input(typist: Typist) -> None:
    assert typist.types("trace", "no-such-item").exit_code == output.WRONG_INPUT


def test_trace_of_a_rejected_row_says_why_and_of_a_duplicate_finds_the_item(irises: Any) -> None:
    typist = Typist(irises.root)
    header = "sepal_length,sepal_width,petal_length,petal_width\n"
    rows = "9.1,2.2,3.3,4.4\n9.1,2.2,3.3,4.4\n8,8,8,8\n8,8,8,7\n8,8,8,6\n8,8,8,nonsense\n"
    (irises.inbox / "late.csv").write_text(header + rows, encoding="utf-8")
    (batch,) = typist.reads("ingest", "--now")["batches"]
    assert (batch["taken"], batch["duplicates"], batch["rejected"]) == (4, 1, 1)
    answer = typist.types("trace", "late.csv#line=7")
    assert answer.exit_code == output.WRONG_INPUT
    assert "row 7 of late.csv was rejected when it came in" in " ".join(answer.stderr.split())
    first, twice = (typist.reads("trace", f"late.csv#line={row}")["item_id"] for row in (2, 3))
    assert first == twice


def test_votes_of_nobody_cannot_be_taken_back(typist: Typist, shared: Any) -> None:
    words = ("--by", "human:lead", "--reason", "guessed")
    answer = typist.types("review", "retract", "human:anna", *words)
    assert answer.exit_code == output.WRONG_INPUT
    assert "did you mean 'human:" in " ".join(answer.stderr.split())
    assert typist.types("review", "retract", "anna", *words).exit_code == output.WRONG_INPUT
    assert not list(shared.reviews.glob("retract-*.json"))


def test_a_faulty_file_takes_no_other_dataset_down(irises: Any) -> None:
    (irises.root / "datasets" / "faulty.yaml").write_text("name: faulty\n", encoding="utf-8")
    typist = Typist(irises.root)
    answer = typist.types("releases")
    assert answer.exit_code == DONE
    assert "faulty.yaml" in answer.stderr
    assert typist.types("status", "faulty").exit_code == output.WRONG_INPUT


def test_an_interrupted_command_says_so_and_ends_with_130(
    typist: Typist, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("orchestration.cli.look.release_rows", interrupted)
    answer = typist.types("releases")
    assert answer.exit_code == output.INTERRUPTED
    assert "interrupted" in answer.stderr


def test_an_empty_project_is_told_to_write_a_dataset_file(tmp_path: Path) -> None:
    answer = CliRunner().invoke(app, ["init", str(tmp_path / "new")])
    assert "write datasets/NAME.yaml" in " ".join(answer.stdout.split())
    example = CliRunner().invoke(app, ["init", str(tmp_path / "old"), "--example", "reviews"])
    assert "write datasets" not in example.stdout


def test_a_release_that_is_not_there_is_wrong_input(typist: Typist) -> None:
    answer = typist.types("diff", "v0001", "v9999")
    assert answer.exit_code == output.WRONG_INPUT
    assert "v9999" in answer.stderr


def test_a_release_does_not_differ_from_itself(typist: Typist) -> None:
    assert typist.reads("diff", "v0001", "main")["counts"] == {}


def test_another_dataset_is_wrong_input_and_the_known_ones_are_named(typist: Typist) -> None:
    answer = typist.types("status", "roses")
    assert answer.exit_code == output.WRONG_INPUT
    assert "irises" in answer.stderr


def test_a_folder_without_a_project_is_wrong_input(tmp_path: Path) -> None:
    answer = CliRunner().invoke(app, ["status", "--project", str(tmp_path)])
    assert answer.exit_code == output.WRONG_INPUT
    assert "or above it" not in answer.stderr


def test_doctor_finds_nothing_wrong_with_a_sound_project(typist: Typist) -> None:
    assert not [finding for finding in typist.reads("doctor") if finding["ok"] is False]


def test_nothing_to_take_in_is_no_failure(typist: Typist) -> None:
    assert typist.reads("ingest", "--now") == {"batches": [], "waiting": []}


def test_an_export_that_is_not_there_is_wrong_input(typist: Typist) -> None:
    answer = typist.types("review", "import", "gone.json")
    assert answer.exit_code == output.WRONG_INPUT


def test_snapshot_of_nothing_new_says_what_stands(typist: Typist) -> None:
    answer = typist.types("snapshot")
    assert (answer.exit_code, "v0001 stands" in answer.stdout) == (DONE, True)


def test_the_day_of_a_data_team(irises: Any, tmp_path: Path) -> None:
    """Take in, ask people, import, release, compare, take back, retrain."""
    typist = Typist(irises.root)
    rows = "1.1,2.2,3.3,4.4\n7.1,2.2,5.3,1.9\n"
    header = "sepal_length,sepal_width,petal_length,petal_width\n"
    (irises.inbox / "late.csv").write_text(header + rows, encoding="utf-8")
    (batch,) = typist.reads("ingest", "--now")["batches"]
    assert (batch["taken"], batch["rejected"]) == (2, 0)
    exported = typist.reads("review", "export", "--to", str(tmp_path))
    assert exported["tasks"] > 0
    item = irises.sure_setosa()
    irises.vote("zoe", item, "virginica")
    assert typist.reads("review", "import")["accepted"] == 1
    assert typist.reads("snapshot")["release"] == "v0002"
    flows = typist.reads("diff", "v0001", "v0002", "--items")
    assert item in {change["item_id"] for change in flows["items"]}
    words = ("human:zoe", "--by", "human:lead", "--reason", "guessed")
    assert typist.reads("review", "retract", *words)["accepted"] == 1
    champions = typist.reads("retrain")
    assert [row["champion"] for row in champions] == ["linear"]


def test_every_command_has_a_help_page_with_an_example() -> None:
    pages = [
        [command.name or getattr(command.callback, "__name__", "")]
        for command in app.registered_commands
    ]
    pages += [
        [group.name or "", command.name or ""]
        for group in app.registered_groups
        for command in (group.typer_instance.registered_commands if group.typer_instance else [])
    ]
    assert len(pages) >= 16
    for words in pages:
        answer = CliRunner().invoke(app, [*words, "--help"])
        assert answer.exit_code == DONE, words
        assert "Example:" in answer.stdout, words


def test_garbage_is_counted_once_the_server_rests(irises: Any) -> None:
    typist = Typist(irises.root)
    assert irises.store.table("v0001", f"{LABELS.name}/") is not None
    assert typist.types("lakefs", "stop").exit_code == DONE
    assert typist.reads("lakefs", "gc", "--dry-run").keys() >= {"blobs", "bytes"}
