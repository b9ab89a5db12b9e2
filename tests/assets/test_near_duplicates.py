from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO

import polars as pl
from PIL import Image
from sklearn.datasets import load_sample_image

from assets.dataset_file.models import Dataset
from assets.ingestion.near_duplicates import near_duplicates

SENTENCE = "the cast is phenomenal, and the women above all are a joy to watch in every scene"


def items_of(column: str, values: list[str]) -> pl.DataFrame:
    other = {"content": "uri", "uri": "content"}[column]
    return pl.DataFrame(
        {
            "item_id": [f"item{index}" for index in range(len(values))],
            column: values,
            "ingested_at": [datetime(2024, 5, day + 1, tzinfo=UTC) for day in range(len(values))],
        }
    ).with_columns(pl.lit(None, pl.String).alias(other))


def no_media(uri: str) -> bytes:
    raise FileNotFoundError(uri)


def test_a_text_with_another_ending_is_a_near_duplicate(
    dataset_of: Callable[..., Dataset],
) -> None:
    texts = [SENTENCE, "quite another sentence about another film", SENTENCE + "!"]
    report = near_duplicates(items_of("content", texts), dataset_of("text"), no_media, seed=0)
    assert report is not None
    assert report.frame.select("item_id", "duplicate_of").rows() == [("item2", "item0")]


def test_the_older_item_stands_for_the_newer_one(dataset_of: Callable[..., Dataset]) -> None:
    items = items_of("content", [SENTENCE, SENTENCE + "!"]).reverse()
    report = near_duplicates(items, dataset_of("text"), no_media, seed=0)
    assert report is not None
    assert report.frame["duplicate_of"].to_list() == ["item0"]


def test_a_picture_rescaled_and_saved_anew_is_a_near_duplicate(
    dataset_of: Callable[..., Dataset],
) -> None:
    def saved(picture: Image.Image, kind: str) -> bytes:
        buffer = BytesIO()
        picture.save(buffer, kind)
        return buffer.getvalue()

    china, flower = (Image.fromarray(load_sample_image(f"{n}.jpg")) for n in ("china", "flower"))
    media = {
        "china": saved(china, "PNG"),
        "flower": saved(flower, "PNG"),
        "again": saved(china.resize((200, 140)), "JPEG"),
    }
    items = items_of("uri", list(media))
    report = near_duplicates(items, dataset_of("image"), media.__getitem__, seed=0)
    assert report is not None
    assert report.frame.select("item_id", "duplicate_of").rows() == [("item2", "item0")]


def test_tables_have_no_near_duplicates(dataset_of: Callable[..., Dataset]) -> None:
    items = items_of("content", ['{"x":1}', '{"x":1.0001}'])
    assert near_duplicates(items, dataset_of("tabular"), no_media, seed=0) is None
