import json
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from assets.dataset_file.models import Dataset
from assets.features import describe, features_version, featurize
from assets.features.errors import FeaturesMismatch, ItemUnreadable

SENTIMENT = Path(__file__).parents[3] / "shared" / "data" / "sentiment" / "items.jsonl"
DatasetOf = Callable[..., Dataset]


def items_of(content: list[str] | None = None, uris: list[str] | None = None) -> pl.DataFrame:
    count = len(content or uris or [])
    return pl.DataFrame(
        {
            "item_id": [f"item{index}" for index in range(count)],
            "content": content or [None] * count,
            "uri": uris or [None] * count,
        },
        schema={"item_id": pl.String, "content": pl.String, "uri": pl.String},
    )


def no_media(uri: str) -> bytes:
    raise FileNotFoundError(uri)


def picture(pixels: np.ndarray, mode: str | None = None) -> bytes:
    buffer = BytesIO()
    Image.fromarray(pixels, mode).save(buffer, "PNG")
    return buffer.getvalue()


def test_pixels_are_the_brightness_of_a_scaled_image(dataset_of: DatasetOf) -> None:
    black_over_white = np.repeat(np.array([0, 255], np.uint8), 32).reshape(8, 8)
    matrix = featurize(
        items_of(uris=["x"]),
        dataset_of("image", features={"image_side": 4}),
        lambda _: picture(black_over_white),
    )
    assert matrix.matrix.dtype == np.float32
    assert matrix.matrix.reshape(4, 4)[[0, 3]].tolist() == [[0.0] * 4, [1.0] * 4]
    assert matrix.names[5] == "y1x1"


def test_transparent_pixels_are_white_and_sixteen_bits_are_scaled(dataset_of: DatasetOf) -> None:
    clear = picture(np.zeros((4, 4, 4), np.uint8))
    half = picture(np.full((4, 4), 32768, np.uint16))
    media = {"clear": clear, "half": half}
    dataset = dataset_of("image", features={"image_side": 4})
    rows = featurize(items_of(uris=["clear", "half"]), dataset, media.__getitem__).matrix
    assert rows[0].tolist() == [1.0] * 16
    assert rows[1] == pytest.approx(np.full(16, 0.5), abs=1e-4)


def test_an_image_that_went_bad_is_named(dataset_of: DatasetOf) -> None:
    with pytest.raises(ItemUnreadable, match=r"item0 \(media/x\.png\)"):
        featurize(items_of(uris=["media/x.png"]), dataset_of("image"), lambda _: b"no image")


def test_texts_are_sparse_rows_of_length_one(dataset_of: DatasetOf) -> None:
    matrix = featurize(items_of(["A good film", "", "a good FILM"]), dataset_of("text"), no_media)
    assert matrix.is_sparse
    assert matrix.matrix.shape == (3, 4096)
    assert np.linalg.norm(matrix.dense(), axis=1) == pytest.approx([1, 0, 1])
    assert np.array_equal(matrix.dense()[0], matrix.dense()[2])


def test_a_texts_row_does_not_depend_on_the_other_texts(
    dataset_of: DatasetOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [f"film number {number}" for number in range(7)]
    together = featurize(items_of(texts), dataset_of("text"), no_media)
    monkeypatch.setattr("assets.features.ngrams.CHUNK_TEXTS", 2)
    apart = featurize(items_of(texts), dataset_of("text"), no_media)
    assert (together.matrix != apart.matrix).nnz == 0


def test_numbers_stay_and_missing_ones_are_marked(dataset_of: DatasetOf) -> None:
    content = ['{"x":1.5,"y":null}', '{"x":-2,"y":1e-07}']
    matrix = featurize(items_of(content), dataset_of("tabular"), no_media)
    assert matrix.names == ("x", "y", "x is missing", "y is missing")
    assert matrix.matrix == pytest.approx(np.array([[1.5, 0, 0, 1], [-2, 1e-7, 0, 0]]))


def test_a_category_is_one_in_a_bucket_of_its_own_column(dataset_of: DatasetOf) -> None:
    spec = {"categorical_columns": ["colour"], "feature_columns": ["colour"]}
    dataset = dataset_of("tabular", ingestion=spec, features={"category_buckets": 16})
    content = ['{"colour":"red"}', '{"colour":null}', '{"colour":"blue"}', '{"colour":"red"}']
    rows = featurize(items_of(content), dataset, no_media).matrix
    assert rows.sum(axis=1).tolist() == [1, 0, 1, 1]
    assert np.array_equal(rows[0], rows[3])
    assert not np.array_equal(rows[0], rows[2])


def test_undeclared_columns_are_found_whatever_their_values_hold(dataset_of: DatasetOf) -> None:
    content = ['{"a":1,"b":"x\\",\\"c\\":{2}"}', '{"a":3,"d":4}']
    dataset = dataset_of("tabular", ingestion={"categorical_columns": ["b"]})
    names = featurize(items_of(content), dataset, no_media).names
    assert {name.split()[0] for name in names} == {"a", "b", "d"}


def test_no_items_have_no_rows_but_the_same_columns(dataset_of: DatasetOf) -> None:
    for modality in ("text", "image", "tabular"):
        dataset = dataset_of(modality, ingestion={"feature_columns": ["x"]})
        matrix = featurize(items_of(), dataset, no_media)
        assert matrix.dense().shape == (0, len(matrix.names))
        assert describe(items_of(), dataset, no_media).height == 0


def test_features_of_another_modality_are_refused(dataset_of: DatasetOf) -> None:
    with pytest.raises(FeaturesMismatch, match="'pixels' cannot be made of text items"):
        featurize(items_of(), dataset_of("text", features={"kind": "pixels"}), no_media)


def test_a_version_changes_with_the_settings_that_matter_and_no_others(
    dataset_of: DatasetOf,
) -> None:
    version = features_version(dataset_of("text"))
    assert features_version(dataset_of("text", features={"image_side": 8})) == version
    assert features_version(dataset_of("text", features={"dimensions": 64})) != version


def test_a_matrix_gives_the_rows_asked_for(dataset_of: DatasetOf) -> None:
    matrix = featurize(items_of(["one", "two", "three"]), dataset_of("text"), no_media)
    some = matrix.take([2, 0])
    assert some.item_ids == ("item2", "item0")
    assert np.array_equal(some.dense(), matrix.dense()[[2, 0]])


def test_a_text_is_described_by_its_letters(dataset_of: DatasetOf) -> None:
    described = describe(items_of(["Ab 1!\u00e9 x", ""]), dataset_of("text"), no_media)
    assert described.drop("item_id").rows() == [
        (8.0, 3.0, 1 / 8, 1 / 8, 1 / 8, 1 / 8),
        (0.0, 0.0, 0.0, 0.0, 0.0, 0.0),
    ]


def test_an_image_is_described_by_its_light(dataset_of: DatasetOf) -> None:
    pixels = np.zeros((10, 20), np.uint8)
    pixels[:, 15:] = 255
    row = describe(items_of(uris=["x"]), dataset_of("image"), lambda _: picture(pixels))
    facts = row.drop("item_id").row(0, named=True)
    assert (facts["width"], facts["height"]) == (20, 10)
    assert facts["brightness"] == pytest.approx(0.25)
    assert facts["contrast"] == pytest.approx(0.25**0.5 * 0.75**0.5)
    assert facts["edges"] == pytest.approx(10 / (9 * 20 + 10 * 19))
    assert facts["ink_share"] == pytest.approx(0.25)


def test_a_row_of_features_is_described_by_itself(dataset_of: DatasetOf) -> None:
    dataset = dataset_of("tabular", ingestion={"categorical_columns": ["colour"]})
    described = describe(items_of(['{"colour":"red","x":2}']), dataset, no_media)
    assert described.rows(named=True) == [{"item_id": "item0", "colour": "red", "x": 2.0}]


@pytest.mark.skipif(not SENTIMENT.exists(), reason="../shared/data/sentiment is not there")
def test_real_sentences_come_out_the_same_twice(dataset_of: DatasetOf) -> None:
    texts = [json.loads(line)["text"] for line in SENTIMENT.read_text().splitlines()]
    first, again = (
        featurize(items_of(texts), dataset_of("text"), no_media).matrix for _ in range(2)
    )
    assert first.shape == (4999, 4096)
    assert (first != again).nnz == 0
