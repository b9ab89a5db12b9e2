"""Answers of 203 real crowd workers, from Label Studio exports to two releases."""

import csv
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

from assets.ports import DatasetStore
from assets.tracing import trace_item
from orchestration import frames
from orchestration.cli.app import app
from orchestration.project import connect, open_project
from orchestration.store import embedded

SENTIMENT = Path(__file__).parents[3] / "shared" / "data" / "sentiment"
ITEMS, ANSWERS, WORKERS = 4_999, 27_746, 203
EXPORTS = 4
DATASET = """
name: sentiment
modality: text
ontology: {{classes: [positive, negative]}}
features: {{dimensions: 1024}}
consensus: {{aggregator: {aggregator}, confidence_threshold: 0.8}}
agreement: {{replicates: 100}}
review: {{budget: 20}}
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not SENTIMENT.exists(), reason="../shared/data/sentiment is not there"),
]


def rows(name: str) -> list[dict[str, str]]:
    with (SENTIMENT / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def write_exports(folder: Path) -> list[Path]:
    """The answers as Label Studio exports; the tasks name their items as their source did."""
    tasks: list[dict[str, dict[str, Any]]] = [{} for _ in range(EXPORTS)]
    for number, row in enumerate(rows("answers.csv"), start=1):
        part = tasks[int(row["worker"][1:]) % EXPORTS]
        task = part.setdefault(
            row["item"],
            {"id": int(row["item"][1:]) + 1, "data": {"id": row["item"]}, "annotations": []},
        )
        task["annotations"].append(annotation(number, row["worker"], row["label"]))
    paths = [folder / f"export-{number}.json" for number in range(EXPORTS)]
    for path, part in zip(paths, tasks, strict=True):
        path.write_text(json.dumps(list(part.values())), encoding="utf-8")
    return paths


def annotation(number: int, worker: str, label: str) -> dict[str, Any]:
    choice = {
        "from_name": "label",
        "to_name": "object",
        "type": "choices",
        "value": {"choices": [label]},
    }
    when = "2013-12-01T00:00:00Z"
    return {"id": number, "completed_by": worker, "result": [choice], "created_at": when}


@dataclass(frozen=True)
class Told:
    """What the commands answered."""

    root: Path
    ingested: dict[str, Any]
    imported: dict[str, Any]
    again: dict[str, Any]
    releases: dict[str, str]

    @property
    def store(self) -> DatasetStore:
        return connect(open_project(self.root)).of("sentiment")

    def labels(self, aggregator: str) -> pl.DataFrame:
        return frames.query(
            self.store,
            "SELECT regexp_extract(source_uri, 'id=(.*)$', 1) AS item, label, state "
            "FROM labels JOIN items USING (item_id)",
            self.releases[aggregator],
        )

    def accuracy(self, aggregator: str) -> float:
        """Share of all items whose label is the gold one; a tie names none and counts a half."""
        gold = pl.DataFrame(rows("gold.csv")).rename({"label": "gold"})
        judged = self.labels(aggregator).join(gold, on="item", how="inner")
        right = (pl.col("label") == pl.col("gold")).cast(pl.Float64)
        return float(judged.select(right.fill_null(0.5).mean()).item())


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    """The whole way once, by the commands that a person types."""
    root = tmp_path_factory.mktemp("sentiment") / "project"

    def hallmark(*words: str) -> Any:
        ran = CliRunner().invoke(app, [*words, "--project", str(root), "--json"])
        assert ran.exit_code == 0, ran.output
        return json.loads(ran.stdout)

    def fold_by(aggregator: str) -> None:
        text = DATASET.format(aggregator=aggregator)
        (root / "datasets" / "sentiment.yaml").write_text(text, encoding="utf-8")

    home = os.environ.get("DAGSTER_HOME")
    assert CliRunner().invoke(app, ["init", str(root)]).exit_code == 0
    fold_by("majority")
    inbox = root / "inbox" / "sentiment"
    inbox.mkdir()
    (inbox / "items.jsonl").write_bytes((SENTIMENT / "items.jsonl").read_bytes())
    ingested = hallmark("ingest", "--now")
    exports = [str(path) for path in write_exports(tmp_path_factory.mktemp("exports"))]
    imported = hallmark("review", "import", *exports)
    again = hallmark("review", "import", exports[0])
    majority = hallmark("snapshot")
    fold_by("dawid_skene")
    dawid_skene = hallmark("snapshot")
    releases = {"majority": majority["release"], "dawid_skene": dawid_skene["release"]}
    yield Told(root, ingested, imported, again, releases)
    embedded.stop(open_project(root).lakefs_data())
    os.environ.pop("DAGSTER_HOME")
    if home is not None:
        os.environ["DAGSTER_HOME"] = home


def test_every_sentence_is_an_item_under_its_own_name(told):
    (batch,) = told.ingested["batches"]
    assert (batch["taken"], batch["rejected"], batch["duplicates"]) == (ITEMS, 0, 0)
    assert set(told.labels("majority")["item"]) == {row["item"] for row in rows("gold.csv")}


def test_the_books_of_the_import_balance(told):
    assert told.imported == {
        "tasks_in": ANSWERS,
        "accepted": ANSWERS,
        "duplicate": 0,
        "conflict": 0,
        "rejected": 0,
        "set_aside": {},
        "files_unreadable": {},
    }


def test_an_export_that_comes_again_adds_nothing(told):
    assert told.again["tasks_in"] == told.again["duplicate"] > 0
    votes = frames.query(told.store, "SELECT count(*) FROM votes WHERE kind <> 'retract'")
    assert votes.item() == ANSWERS


def test_every_vote_names_its_annotation_and_its_worker(told):
    found = frames.query(
        told.store,
        "SELECT origin.annotation AS annotation, actor, label, "
        "regexp_extract(source_uri, 'id=(.*)$', 1) AS item FROM votes JOIN items USING (item_id)",
    )
    said = {int(v["annotation"]): (v["item"], v["actor"], v["label"]) for v in found.to_dicts()}
    assert said == {
        number: (row["item"], f"human:{row['worker']}", row["label"])
        for number, row in enumerate(rows("answers.csv"), start=1)
    }
    assert len({actor for _, actor, _ in said.values()}) == WORKERS


def test_majority_vote_lands_where_the_published_answers_put_it(told):
    assert 0.88 < told.accuracy("majority") < 0.89


def test_dawid_skene_is_nearer_to_the_truth_than_majority(told):
    assert told.accuracy("dawid_skene") > max(0.91, told.accuracy("majority"))


def test_a_label_that_only_the_aggregator_changed_says_so(told):
    changed = frames.query(
        told.store, "SELECT item_id, cause FROM history WHERE release = 'v0002' ORDER BY item_id"
    )
    assert changed.height > 0
    assert set(changed["cause"]) == {"recipe"}
    trace = trace_item(told.store, changed["item_id"][0], at="v0002")
    assert [change.release for change in trace.changes] == ["v0001", "v0002"]


def test_a_label_is_traced_by_the_name_its_source_gave_it(told):
    trace = trace_item(told.store, "id=s00000", at="v0002")
    asked = [row for row in rows("answers.csv") if row["item"] == "s00000"]
    assert {v.actor for v in trace.votes} == {f"human:{row['worker']}" for row in asked}
    assert trace.label == "positive"
