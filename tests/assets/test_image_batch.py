import json
import struct
import time
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from assets.dataset_file.models import Dataset
from assets.ingestion import Batch, RejectLimitExceeded, arrivals, read_batch, set_aside

AT = datetime(2024, 5, 1, tzinfo=UTC)
Png = Callable[..., bytes]


@pytest.fixture
def ingest(tmp_path: Path, dataset_of: Callable[..., Dataset]) -> Callable[..., Batch]:
    """Drops a folder of files and reads it."""

    def run(files: dict[str, bytes], known: pl.LazyFrame | None = None, **spec: Any) -> Batch:
        inbox = tmp_path / "inbox" / "things"
        for name, content in files.items():
            path = inbox / "cats" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        arrival = arrivals(inbox, 0, time.time() + 60, cache=tmp_path)[0]
        return read_batch(
            arrival,
            dataset_of("image", ingestion={"reject_limit": 1.0, **spec}),
            ingested_at=AT,
            known_items=known,
            workspace=tmp_path / "work",
        )

    return run


def bomb(side: int) -> bytes:
    """A small PNG that says it has side x side pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def test_an_image_is_kept_byte_for_byte_under_its_digest(
    ingest: Callable[..., Batch], png: Png
) -> None:
    data = png(1)
    batch = ingest({"black/1.png": data})
    item = batch.items().collect().row(0, named=True)
    digest = sha256(data).hexdigest()
    assert item["item_id"] == item["group_id"] == digest
    assert item["uri"] == f"media/{digest[:2]}/{digest[2:]}.png"
    assert item["source_uri"] == "cats/black/1.png"
    assert batch.media(item["uri"]) == data


def test_the_manifest_says_under_which_name_each_image_came(
    ingest: Callable[..., Batch], png: Png
) -> None:
    batch = ingest({"1.png": png(1), "2.png": png(1), "3.png": b"no image"})
    text = batch.objects[f"raw/{batch.name}/manifest.jsonl"].read_text()
    kept = {line["name"]: line["kept"] for line in map(json.loads, text.splitlines())}
    assert kept["cats/1.png"] == kept["cats/2.png"]
    assert batch.objects[kept["cats/3.png"]].read_bytes() == b"no image"


@pytest.mark.parametrize(
    ("name", "spoil", "reason"),
    [
        ("x.png", lambda png: png(1)[:-30], "unreadable_image"),
        ("x.png", lambda png: png(1)[:-6], "unreadable_image"),
        ("x.png", lambda png: png(1).replace(b"IDAT", b"IDAX"), "unreadable_image"),
        ("x.png", lambda _: b"", "empty_file"),
        ("x.png", lambda _: b"hello", "unreadable_image"),
        ("x.jpg", lambda png: png(1), "unsupported_type"),
        ("x.gif", lambda png: png(1, image_format="GIF"), "unsupported_type"),
        ("x.png", lambda png: png(1, image_format="GIF"), "unreadable_image"),
        ("x.jpg", lambda png: png(1, 64, "JPEG")[:700], "unreadable_image"),
        ("x.png", lambda _: bomb(20_000), "oversized_image"),
        ("x.png", lambda _: bomb(60_000), "oversized_image"),
        ("x.png", lambda png: png(1, 200), "oversized_item"),
    ],
)
def test_a_bad_image_is_set_aside_and_the_rest_goes_on(
    name: str,
    spoil: Callable[[Png], bytes],
    reason: str,
    ingest: Callable[..., Batch],
    png: Png,
) -> None:
    batch = ingest(
        {"good.png": png(2), "fine.jpeg": png(3, image_format="JPEG"), name: spoil(png)},
        max_item_kb=20,
    )
    assert batch.counts.taken == 2
    assert batch.rejects().collect()["reason"].to_list() == [reason]


def test_known_images_are_not_stored_again(ingest: Callable[..., Batch], png: Png) -> None:
    known = pl.LazyFrame({"item_id": [sha256(png(1)).hexdigest()]})
    batch = ingest({"1.png": png(1), "2.png": png(2)}, known)
    assert (batch.counts.taken, batch.counts.known) == (1, 1)
    assert len([path for path in batch.objects if path.startswith("media/")]) == 1


def test_images_of_one_folder_are_one_group_where_asked(
    ingest: Callable[..., Batch], png: Png
) -> None:
    files = {"ana/1.png": png(1), "ana/2.png": png(2), "bob/1.png": png(3)}
    items = ingest(files, group_column="folder").items().sort("source_uri").collect()
    assert items["group_id"].to_list() == ["cats/ana", "cats/ana", "cats/bob"]


def test_digits_come_in_as_they_are(
    ingest: Callable[..., Batch], tmp_path: Path, write_digits: Callable[[Path, range], Path]
) -> None:
    write_digits(tmp_path / "inbox" / "things" / "cats", range(50))
    counts = ingest({}).counts
    assert (counts.read, counts.taken) == (50, 50)


def test_what_is_set_aside_can_be_mended_and_dropped_again(
    ingest: Callable[..., Batch], png: Png, tmp_path: Path
) -> None:
    batch = ingest({"1.png": png(1), "2.png": b"no image"})
    folder = set_aside(batch, tmp_path / "rejects")
    again = set_aside(batch, tmp_path / "rejects")
    assert folder == again == tmp_path / "rejects" / batch.name
    assert (folder / "files" / "cats" / "2.png").read_bytes() == b"no image"
    reason = json.loads((folder / "reasons.jsonl").read_text())
    assert (reason["source"], reason["reason"]) == ("cats/2.png", "unreadable_image")


def test_nothing_is_set_aside_where_nothing_was_rejected(
    ingest: Callable[..., Batch], png: Png, tmp_path: Path
) -> None:
    assert set_aside(ingest({"1.png": png(1)}), tmp_path / "rejects") is None
    assert not (tmp_path / "rejects").exists()


def test_too_many_bad_images_stop_the_batch(ingest: Callable[..., Batch], png: Png) -> None:
    with pytest.raises(RejectLimitExceeded, match=r"50.0% rejected"):
        ingest({"1.png": png(1), "2.png": b"no image"}, reject_limit=0.1)
