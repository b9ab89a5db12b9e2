import os
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import typer

from assets.dataset_file.faults import DatasetFileInvalid
from assets.tracing import ItemNotFound, find_item
from orchestration.cli import output
from orchestration.cli.output import answered, exit_code, show_rows
from orchestration.errors import ProjectNotFound, QueryFault, ReviewFileMissing
from orchestration.runner import RunFailed
from quality.schema import ITEMS

WRONG_INPUT = [
    ProjectNotFound(Path("/nowhere"), named=True),
    QueryFault("SELEC", "Parser Error", ("votes",)),
    ReviewFileMissing(Path("gone.json")),
    ItemNotFound("x", ()),
    DatasetFileInvalid(Path("bad.yaml"), ()),
]


@pytest.mark.parametrize("error", WRONG_INPUT, ids=lambda e: type(e).__name__)
def test_what_the_user_typed_wrong_ends_with_2(error: Exception) -> None:
    assert exit_code(error) == output.WRONG_INPUT


def test_a_table_has_the_columns_of_every_row(capsys: pytest.CaptureFixture[str]) -> None:
    show_rows([{"file": "a", "taken": 66}, {"file": "b", "rejected": 41}], empty="")
    lines = capsys.readouterr().out.splitlines()
    names, _, first, second = ["".join(line.split()) for line in lines]
    assert (names, first, second) == ("file┃taken┃rejected", "a│66│", "b││41")


def test_a_folder_that_cannot_be_written_is_answered_with_a_sentence(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(typer.Exit) as ended, answered():
        os.mkdir("/proc/not-here")  # noqa: PTH102 - its error carries the path
    assert ended.value.exit_code == output.FAILED
    assert "'/proc/not-here': no such file or directory" in capsys.readouterr().err


class Items:
    """A store that holds an items table and nothing else."""

    def table(self, _commit: str, prefix: str) -> Any:
        """The two items."""
        if prefix != f"{ITEMS.name}/":
            return None
        sources = ["comments.csv#id=3", "comments.csv#id=2"]
        return pl.LazyFrame({"item_id": ["aa", "bb"], "source_uri": sources})


def test_an_item_not_found_says_how_its_file_s_items_are_called() -> None:
    store: Any = Items()
    with pytest.raises(ItemNotFound, match=r"#id=2, comments\.csv#id=3") as refused:
        find_item(store, "c0ffee", "comments.csv#17")
    assert refused.value.same_file == ("comments.csv#id=2", "comments.csv#id=3")


def test_a_failed_run_says_which_claims_do_not_hold() -> None:
    told = RunFailed("d_snapshot", "r1", {}, {"snapshot.suite": "there are votes", "x.y": ""})
    assert str(told) == "d_snapshot failed (run r1). snapshot.suite does not hold: there are votes"
    untold = RunFailed("d_ingest", "r1", {}, {"items.few_rejects": ""})
    assert str(untold) == "d_ingest failed (run r1). items.few_rejects does not hold"
