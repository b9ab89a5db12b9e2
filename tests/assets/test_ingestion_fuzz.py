"""Whatever bytes come: every row is an item or a reject with its reason, and nothing else."""

import csv
import io
import tempfile
import time
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from assets.dataset_file.models import Dataset
from assets.ingestion import arrivals, read_batch

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)
FEW = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def ingest(name: str, content: bytes, modality: str = "text", **spec: Any) -> pl.DataFrame:
    """The items of a file; reading it balances the books or raises."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "inbox" / name
        path.parent.mkdir()
        path.write_bytes(content)
        batch = read_batch(
            arrivals(path.parent, 0, time.time() + 60, cache=Path(folder))[0],
            Dataset.model_validate(
                {
                    "name": "things",
                    "modality": modality,
                    "ontology": {"classes": ["a", "b"]},
                    "ingestion": {"reject_limit": 1.0, **spec},
                }
            ),
            ingested_at=datetime(2024, 5, 1, tzinfo=UTC),
            known_items=None,
            workspace=Path(folder) / "work",
        )
        assert batch.rejects().collect()["rows"].sum() + batch.counts.taken == batch.counts.read
        return batch.items().collect()


def spoiled(content: bytes, at: float, junk: bytes) -> bytes:
    place = int(at * len(content))
    return content[:place] + junk + content[place + len(junk) :]


@FEW
@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=20))
def test_what_csv_can_write_comes_back_as_it_was(rows: list[tuple[str, str]]) -> None:
    buffer = io.StringIO(newline="")
    csv.writer(buffer).writerows([("text", "other"), *rows])
    wanted = {text for text, _ in rows if not text.isspace()}
    assert set(ingest("a.csv", buffer.getvalue().encode())["content"]) == wanted


@FEW
@given(st.binary(max_size=300))
@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.parquet"])
def test_any_bytes_balance(name: str, content: bytes) -> None:
    ingest(name, content)


@FEW
@given(st.floats(0.05, 1), st.binary(max_size=8))
def test_a_spoiled_csv_loses_the_rows_around_the_damage_at_most(at: float, junk: bytes) -> None:
    rows = [f"{number} some text,x\n" for number in range(100)]
    items = ingest("a.csv", spoiled(("text,x\n" + "".join(rows)).encode(), at, junk))
    whole = {row.removesuffix(",x\n") for row in rows} & set(items["content"])
    assert len(whole) >= 95


@FEW
@given(st.floats(0, 1), st.binary(min_size=1, max_size=40))
def test_a_spoiled_parquet_balances(at: float, junk: bytes) -> None:
    buffer = BytesIO()
    texts = [f"text {number}" for number in range(100)]
    pl.DataFrame({"text": texts}).write_parquet(buffer, row_group_size=25)
    ingest("a.parquet", spoiled(buffer.getvalue(), at, junk))


@FEW
@given(st.floats(0, 1), st.binary(min_size=1, max_size=40), st.sampled_from(["png", "jpeg"]))
def test_a_spoiled_image_balances(at: float, junk: bytes, kind: str) -> None:
    buffer = BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (20, 20), dtype=np.uint8)
    Image.fromarray(pixels).save(buffer, kind)
    ingest(f"a.{kind}", spoiled(buffer.getvalue(), at, junk), "image")
