"""Cleaning while a batch is read: what is mended is noted, the raw bytes stay as they came."""

import time
from datetime import UTC, datetime
from hashlib import sha256
from io import BytesIO

import pytest
from PIL import Image
from pydantic import ValidationError

from assets.ingestion import arrivals, read_batch

AT = datetime(2024, 5, 1, tzinfo=UTC)
RULES = {"encoding": True, "controls": True, "unicode": True, "spaces": True}


@pytest.fixture
def ingest(tmp_path, dataset_of):
    """Drops files and reads them as one batch."""

    def run(modality, files, **cleaning):
        inbox = tmp_path / "inbox" / "things"
        for name, content in files.items():
            (inbox / name).parent.mkdir(parents=True, exist_ok=True)
            (inbox / name).write_bytes(content)
        arrival = arrivals(inbox, 0, time.time() + 60, cache=tmp_path)[0]
        spec = {"reject_limit": 1.0, "cleaning": cleaning}
        return read_batch(
            arrival,
            dataset_of(modality, ingestion=spec),
            ingested_at=AT,
            known_items=None,
            workspace=tmp_path / "work",
        )

    return run


def picture(size=(6, 4), mode="L", orientation=None, seed=0):
    image = Image.effect_noise(size, 60 + seed).convert(mode)
    exif = Image.Exif()
    if orientation:
        exif[0x0112] = orientation
    buffer = BytesIO()
    image.save(buffer, "PNG", exif=exif)
    return buffer.getvalue()


def reasons(batch):
    return batch.rejects().collect()["reason"].to_list()


def opened(batch):
    (uri,) = batch.items().collect()["uri"]
    return Image.open(BytesIO(batch.media(uri)))


def test_a_text_is_taken_in_as_it_is_mended_and_its_raw_file_as_it_came(ingest):
    raw = "id,text\n1,  schÃ¶n\x07 \n2,plain\n".encode()
    batch = ingest("text", {"a.csv": raw}, **RULES)
    items = batch.items().collect().sort("source_uri")
    assert items["content"].to_list() == ["schön", "plain"]
    assert items["item_id"][0] == sha256("schön".encode()).hexdigest()
    kept = [path for name, path in batch.objects.items() if name.startswith("raw/")]
    assert [path.read_bytes() for path in kept] == [raw]


def test_what_was_mended_is_noted_before_and_after(ingest):
    batch = ingest("text", {"a.csv": "text\n  schÃ¶n\x07 \nplain\n".encode()}, **RULES)
    (row,) = batch.fixes().to_dicts()
    assert row["fixes"] == ["encoding", "controls", "spaces"]
    assert (row["row"], row["before"], row["after"]) == (2, "  schÃ¶n\\x07 ", "schön")


def test_texts_that_are_one_once_they_are_mended_are_duplicates(ingest):
    batch = ingest("text", {"a.csv": b"text\nsame\n same \n"}, spaces=True)
    assert (batch.counts.taken, batch.counts.duplicate) == (1, 1)


def test_texts_out_of_bounds_are_rejected_with_their_reason(ingest):
    content = b"text\nhi\nlong enough\nfar too long to be taken\n\x07\x08\n"
    batch = ingest("text", {"a.csv": content}, controls=True, min_characters=3, max_characters=12)
    assert batch.counts.taken == 1
    assert sorted(reasons(batch)) == ["empty_item", "oversized_item", "too_small"]


def test_nothing_is_mended_unless_it_is_asked_for(ingest):
    batch = ingest("text", {"a.csv": "text\n  schÃ¶n \n".encode()})
    assert batch.items().collect()["content"].to_list() == ["  schÃ¶n "]
    assert batch.fixes().is_empty()


def test_an_image_is_turned_upright_and_its_file_kept_as_it_came(ingest):
    data = picture(orientation=6)
    batch = ingest("image", {"a/1.png": data}, upright=True)
    assert opened(batch).size == (4, 6)
    assert batch.fixes()["fixes"].to_list() == [["upright"]]
    assert batch.objects[f"raw/{batch.name}/a/1.png"].read_bytes() == data
    item = batch.items().collect().row(0, named=True)
    assert item["item_id"] == sha256(batch.media(item["uri"])).hexdigest()
    assert item["source_sha256"] == sha256(data).hexdigest()


@pytest.mark.parametrize(
    ("mode", "asked", "becomes"),
    [("RGB", "grey", "L"), ("L", "colour", "RGB"), ("RGBA", "colour", "RGB"), ("P", "grey", "L")],
)
def test_images_are_brought_to_one_mode(ingest, mode, asked, becomes):
    batch = ingest("image", {"a/1.png": picture(mode=mode)}, mode=asked)
    assert opened(batch).mode == becomes
    assert batch.fixes()["after"].to_list() == [f"6 x 4 {becomes}"]


def test_an_image_that_needs_no_mending_keeps_its_bytes(ingest):
    data = picture()
    batch = ingest("image", {"a/1.png": data}, mode="grey", upright=True, max_side=6)
    assert batch.items().collect()["item_id"].to_list() == [sha256(data).hexdigest()]
    assert batch.fixes().is_empty()


def test_a_large_image_is_scaled_and_a_small_one_rejected(ingest):
    files = {"a/1.png": picture((40, 20)), "a/2.png": picture((4, 9))}
    batch = ingest("image", files, max_side=10, min_side=5)
    assert opened(batch).size == (10, 5)
    assert reasons(batch) == ["too_small"]


def test_a_broken_image_is_rejected_with_cleaning_on(ingest):
    batch = ingest("image", {"a/1.png": picture()[:40], "a/2.png": picture()}, mode="colour")
    assert (batch.counts.taken, reasons(batch)) == (1, ["unreadable_image"])


def test_bounds_in_the_wrong_order_are_a_fault(dataset_of):
    with pytest.raises(ValidationError, match="max_side of at least min_side = 9"):
        dataset_of("image", ingestion={"cleaning": {"min_side": 9, "max_side": 3}})
