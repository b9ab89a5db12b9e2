"""A language model in a whole chain: the example's own lines, and one that is out of order."""

import json
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from assets.ingestion.inbox import arrivals
from orchestration.project import connect, open_project
from orchestration.runner import Finished, Runner
from orchestration.store import embedded

EXAMPLE = Path(__file__).parents[3] / "examples" / "reviews"
NAME = "reviews"


def uncommented(text: str) -> str:
    """The example's dataset file with its language model."""
    start, end = text.index("  # - name: small"), text.index("consensus:")
    return text[:start] + re.sub(r"(?m)^  # ", "  ", text[start:end]) + text[end:]


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "project"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns(".hallmark"))
    (folder / "reviews" / NAME).mkdir(parents=True)
    yield folder
    embedded.stop(open_project(folder).lakefs_data())


def ingested(root: Path, endpoint: str) -> Finished:
    path = root / "datasets" / "reviews.yaml"
    text = uncommented(path.read_text(encoding="utf-8"))
    path.write_text(text.replace("http://localhost:11434/v1", endpoint), encoding="utf-8")
    project = open_project(root)
    (arrival,) = arrivals(project.inbox(NAME), 0, time.time() + 1, cache=project.cache())
    return Runner.of(project).run(f"{NAME}_ingest", partition=arrival.batch)


def votes(root: Path) -> pl.DataFrame:
    store = connect(open_project(root)).of(NAME)
    found = store.table(store.head(), "votes/")
    assert found is not None
    return found.collect()


def test_the_lines_of_the_example_ask_a_language_model(tool, root) -> None:
    done = ingested(root, tool.url)
    cast = votes(root).filter(actor="llm:small")
    assert set(cast["label"]) == {"positive", "negative"}
    assert set(cast["actor_kind"]) == {"llm"}
    assert "sentences out of film reviews" in tool.bodies[0]["messages"][0]["content"]
    (cost,) = done.metadata["votes_small"]["cost"]
    assert cost["spent"]["calls"] == cast.height == 40
    store = connect(open_project(root)).of(NAME)
    (record,) = store.listing(store.head(), "reports/costs/small/")
    assert json.loads(store.read(store.head(), record.path)) == cost


def test_an_endpoint_out_of_order_takes_no_other_labeler_down(tool, root) -> None:
    tool.close()
    done = ingested(root, tool.url.replace("/v1", "/v1\n    retries: 0"))
    cast = votes(root)
    assert cast.filter(actor="llm:small")["label"].null_count() == 40
    assert cast.filter(actor_kind="function")["label"].drop_nulls().len() > 20
    assert list(done.failed_checks) == ["votes_small.no_actor_failed_on_an_item"]
