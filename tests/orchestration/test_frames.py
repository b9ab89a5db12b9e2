import io
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from assets.errors import RefNotFound
from orchestration.errors import QueryFault
from orchestration.frames import query
from orchestration.store.dataset import LakeFSStore
from orchestration.store.stores import LakeFSStores
from quality.schema import LABELS, PREDICTIONS, TABLES


def parquet(frame: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    return buffer.getvalue()


def labels(*rows: tuple[str, str]) -> bytes:
    common = {"state": "auto", "actor_kinds": ["model"], "n_votes": 1, "n_human": 0}
    rest = {"vote_set_sha256": "x", "split": "train", "ontology_version": "1", "since": "v0001"}
    frame = LABELS.frame([{"item_id": i, "label": label, **common, **rest} for i, label in rows])
    return parquet(frame)


def predictions(item: str) -> bytes:
    row = {"item_id": item, "probabilities": [0.5, 0.5], "actor_version": "1", "trained_on": None}
    return parquet(PREDICTIONS.frame([row]))


@pytest.fixture(scope="module")
def store(module_stores: LakeFSStores) -> LakeFSStore:
    store = module_stores.of("digits_small")
    branch = store.branch("r").name
    objects = {
        "labels/bucket=00/part.parquet": labels(("a", "1")),
        "labels/bucket=01/part.parquet": labels(("b", "2")),
        "predictions/lin'ear/batch=1/part.parquet": predictions("a"),
        "predictions/net/batch=1/part.parquet": predictions("b"),
    }
    store.tag("v0001", store.write(branch, objects, message="m"))
    changed = {"labels/bucket=01/part.parquet": labels(("b", "3"))}
    store.tag("v0002", store.write(branch, changed, message="m"))
    return store


@pytest.mark.parametrize(("at", "expected"), [("v0001", ["1", "2"]), ("v0002", ["1", "3"])])
def test_each_version_answers_for_itself(store: LakeFSStore, at: str, expected: list[str]) -> None:
    assert query(store, "SELECT label FROM labels ORDER BY 1", at)["label"].to_list() == expected


def test_predictions_know_their_labeler(store: LakeFSStore) -> None:
    found = query(store, "SELECT item_id, labeler FROM predictions ORDER BY 1", "v0001")
    assert found.rows() == [("a", "lin'ear"), ("b", "net")]


@pytest.mark.parametrize("name", [*TABLES])
def test_a_version_without_a_table_has_it_empty_with_its_columns(
    store: LakeFSStore, name: str
) -> None:
    frame = query(store, f"SELECT * FROM {name}", "main")  # noqa: S608
    expected = dict(TABLES[name].columns)
    assert frame.is_empty()
    assert {column: frame.schema[column] for column in expected} == expected


def test_times_come_back_in_utc(store: LakeFSStore) -> None:
    frame = query(store, "SELECT TIMESTAMPTZ '2026-01-02 03:04:05Z' AS t")
    assert frame["t"].to_list() == [datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)]


@pytest.mark.parametrize(
    "sql", ["DESCRIBE votes", "SHOW TABLES", "PIVOT labels ON label USING count(*)"]
)
def test_what_reads_is_answered(store: LakeFSStore, sql: str) -> None:
    assert query(store, sql, "v0001").height


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELEC 1", "syntax error"),
        ("SELECT labell FROM labels", '"label"'),
        ("SELECT * FROM label", "items, predictions, votes"),
        ("SELECT 1; SELECT 2", "found SELECT, SELECT"),
        ("", "found nothing"),
        ("CREATE TABLE x (a int)", "found CREATE"),
        ("DROP VIEW labels", "found DROP"),
        ("COPY labels TO 'x.csv'", "found COPY"),
        ("SET threads = 1", "found SET"),
        ("ATTACH 'x.db'", "found ATTACH"),
        ("INSTALL httpfs", "found LOAD"),
        ("SELECT * FROM read_text('/etc/hostname')", "disabled by configuration"),
        ("SELECT * FROM glob('/etc/*')", "disabled by configuration"),
    ],
)
def test_what_does_not_only_read_the_tables_is_refused(
    store: LakeFSStore, sql: str, said: str
) -> None:
    with pytest.raises(QueryFault) as caught:
        query(store, sql, "v0001")
    assert said in str(caught.value)
    assert caught.value.sql == sql


def test_an_unknown_version_is_named(store: LakeFSStore) -> None:
    with pytest.raises(RefNotFound, match="v0009"):
        query(store, "SELECT 1", "v0009")


def test_only_the_tables_that_a_query_names_are_fetched(
    store: LakeFSStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched: list[str] = []

    def fetch(commit: str, paths: list[str]) -> dict[str, Path]:
        fetched.extend(paths)
        return LakeFSStore.fetch(store, commit, paths)

    monkeypatch.setattr(store, "fetch", fetch)
    query(store, "SELECT count(*) FROM labels", "v0001")
    assert {path.split("/")[0] for path in fetched} == {"labels"}
