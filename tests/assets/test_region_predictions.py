"""Boxes and spans out of files: what becomes a vote, and what is set aside with which reason."""

import io
import json

import polars as pl
import pytest
from PIL import Image

from assets.dataset_file.models import Dataset
from assets.dataset_file.regions import CocoResultsLabeler, SpanPredictionsLabeler
from assets.labelers.coco_results import CocoResults
from assets.labelers.errors import PredictionsUnreadable
from assets.labelers.interface import LabelerInput
from assets.labelers.registry import make
from assets.labelers.span_predictions import SpanPredictions
from quality.regions.region import from_text

CLASSES = ["circle", "square"]
SECTION = CocoResultsLabeler(name="det", kind="coco_results", path="det.json", images="images.json")
SPANS = SpanPredictionsLabeler(name="tag", kind="span_predictions", path="tag.jsonl")
LISTING = {
    "images": [
        {"id": 1, "file_name": "a.png", "width": 40, "height": 30},
        {"id": 2, "file_name": "b.png"},
        {"id": 3, "file_name": "elsewhere.png"},
    ],
    "categories": [
        {"id": 1, "name": "circle"},
        {"id": 2, "name": "square"},
        {"id": 9, "name": "?"},
    ],
}
TEXTS = {"t1": "Ana lives in Rome.", "t2": "Nobody lives here."}


def picture(width=40, height=30):
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), "white").save(buffer, "PNG")
    return buffer.getvalue()


def dataset(task="boxes", **sections):
    facts = {
        "name": "things",
        "task": task,
        "modality": {"spans": "text"}.get(task, "image"),
        "ontology": {"classes": CLASSES},
    }
    return Dataset.model_validate({**facts, **sections})


def given_pictures(*names, size=(40, 30)):
    items = pl.DataFrame({
        "item_id": [f"i-{name}" for name in names],
        "uri": [f"media/{name}" for name in names],
        "source_uri": [f"monday/{name}" for name in names],
    })  # fmt: skip
    return LabelerInput(items, dataset().ontology, lambda: None, lambda _uri: picture(*size))


def given_texts():
    sources = [f"letters.csv#id={name}" for name in TEXTS]
    items = pl.DataFrame({"item_id": [*TEXTS], "content": [*TEXTS.values()], "source_uri": sources})
    return LabelerInput(items, dataset().ontology, lambda: None, lambda _uri: b"")


def result(image=1, category=1, bbox=(5, 5, 10, 10), score=0.9):
    return {"image_id": image, "category_id": category, "bbox": list(bbox), "score": score}


def boxes(tmp_path, *rows, listing=LISTING, section=SECTION, items=None):
    (tmp_path / "det.json").write_text(json.dumps(rows))
    (tmp_path / "images.json").write_text(json.dumps(listing))
    return CocoResults(section, tmp_path).vote(items or given_pictures("a.png", "b.png"))


def spans(tmp_path, *lines):
    written = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    (tmp_path / "tag.jsonl").write_text("\n".join(written))
    return SpanPredictions(SPANS, tmp_path).vote(given_texts())


def drawn(ballots, item):
    (text,) = ballots.votes.filter(item_id=item)["region"]
    return None if text is None else [(r.label, *r.geometry) for r in from_text(text)]


def aside(ballots):
    return {error.reason: error.count for error in ballots.errors}


def test_an_image_without_a_box_was_looked_at_and_one_that_is_not_listed_was_not(tmp_path):
    found = boxes(tmp_path, result(), items=given_pictures("a.png", "b.png", "c.png"))
    assert drawn(found, "i-a.png") == [("circle", 5, 5, 10, 10)]
    assert drawn(found, "i-b.png") == []
    assert drawn(found, "i-c.png") is None
    assert found.votes["label"].is_null().to_list() == [False, False, True]
    assert found.errors == ()


def test_a_vote_is_as_sure_as_its_least_sure_box_and_low_scores_are_left_out(tmp_path):
    far = result(bbox=(20, 5, 9, 9), score=0.7)
    found = boxes(tmp_path, result(), far, result(bbox=(1, 1, 2, 2), score=0.1))
    assert found.votes["score"].to_list() == [0.7, None]
    assert len(drawn(found, "i-a.png")) == 2


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (result(image=77), "named an unknown image"),
        (result(image=None), "named an unknown image"),
        (result(category=5), "named no class of the ontology"),
        (result(category=9), "named no class of the ontology"),
        (result(bbox=(5, 5, -10, 10)), "gave a box that cannot be"),
        (result(bbox=(5, 5, 10)), "gave no box"),
        (result(bbox=(5, 5, "x", 10)), "gave a box that cannot be"),
        (result(bbox=(5, 5, float("nan"), 10)), "gave a box that cannot be"),
        (result(score=float("nan")), "gave a box that cannot be"),
        (result(score=3.0), "gave a score that is no share"),
        (result(bbox=(35, 5, 10, 10)), "drew outside of the picture"),
        (result(bbox=(400, 5, 10, 10)), "drew outside of the picture"),
    ],
)
def test_a_box_that_cannot_be_is_counted_and_the_others_stay(tmp_path, row, reason):
    found = boxes(tmp_path, row, result())
    assert aside(found) == {reason: 1}
    assert drawn(found, "i-a.png") == [("circle", 5, 5, 10, 10)]


def test_a_box_just_over_the_edge_is_cut_there(tmp_path):
    found = boxes(tmp_path, result(bbox=(-0.6, 20, 10, 10.5)))
    assert drawn(found, "i-a.png") == [("circle", 0, 20, 9.4, 10)]
    assert found.errors == ()


def test_boxes_of_a_picture_in_another_size_are_not_taken(tmp_path):
    found = boxes(tmp_path, result(), items=given_pictures("a.png", size=(80, 60)))
    assert drawn(found, "i-a.png") is None
    assert "saw the picture in another size" in aside(found)


def test_a_name_of_two_items_is_set_aside(tmp_path):
    given = given_pictures("a.png", "b.png")
    twice = given.items.with_columns(source_uri=pl.lit("x/") + "item_id" + pl.lit("/a.png"))
    found = boxes(
        tmp_path, result(), items=LabelerInput(twice, given.ontology, given.features, given.media)
    )
    assert aside(found)["named an image that is several items"] == 1


def test_a_listing_of_other_pictures_only_is_said(tmp_path):
    found = boxes(tmp_path, result(), items=given_pictures("z.png"))
    assert aside(found) == {"lists no image of this batch": 1}
    assert drawn(found, "i-z.png") is None


def test_classes_can_be_given_by_number(tmp_path):
    section = SECTION.model_copy(update={"classes": {7: "square"}})
    found = boxes(tmp_path, result(category=7), section=section)
    assert drawn(found, "i-a.png") == [("square", 5, 5, 10, 10)]


@pytest.mark.parametrize("content", ["", "{", "[1, 2]", '{"no": "list"}'])
def test_a_file_that_is_no_results_is_refused_by_name(tmp_path, content):
    (tmp_path / "images.json").write_text(json.dumps(LISTING))
    (tmp_path / "det.json").write_text(content)
    with pytest.raises(PredictionsUnreadable, match=r"det\.json"):
        CocoResults(SECTION, tmp_path).vote(given_pictures("a.png"))


def test_the_version_is_the_digest_of_the_files(tmp_path):
    first = boxes(tmp_path, result()).votes["actor_version"][0]
    assert boxes(tmp_path, result()).votes["actor_version"][0] == first
    assert boxes(tmp_path, result(score=0.8)).votes["actor_version"][0] != first


def test_spans_are_found_by_any_name_of_their_item(tmp_path):
    found = spans(
        tmp_path,
        {"item_id": "t1", "start": 0, "end": 3, "label": "circle", "score": 0.8},
        {"id": "t1", "start": 13, "end": 17, "label": "square"},
        {"source_uri": "letters.csv#id=t2"},
    )
    assert drawn(found, "t1") == [("circle", 0, 3), ("square", 13, 17)]
    assert drawn(found, "t2") == []
    assert found.errors == ()


@pytest.mark.parametrize(
    ("line", "detail"),
    [
        ({"id": "t1", "start": 0, "end": 99, "label": "circle"}, "ends at 99 of 18"),
        ({"id": "t1", "start": 5, "end": 5, "label": "circle"}, "after"),
        ({"id": "t1", "start": -2, "end": 5, "label": "circle"}, "0 or more"),
        ({"id": "t1", "start": "x", "end": 5, "label": "circle"}, "finite"),
        ({"id": "t1", "start": 0, "end": 5, "label": "hexagon"}, "no class"),
        ({"id": "t1", "start": 0, "end": 5, "label": "circle", "score": float("nan")}, "finite"),
        ({"id": "t1", "start": 0, "end": 5, "label": "circle", "score": 7}, "no share"),
    ],
)
def test_a_span_that_cannot_be_is_counted_and_the_others_stay(tmp_path, line, detail):
    found = spans(tmp_path, line, {"id": "t1", "start": 0, "end": 3, "label": "circle"})
    (error,) = found.errors
    assert (error.reason, error.count) == ("gave a span that cannot be", 1)
    assert detail in error.examples[0][1]
    assert "1 line" in str(error)
    assert drawn(found, "t1") == [("circle", 0, 3)]


def test_a_broken_line_costs_that_line(tmp_path):
    found = spans(tmp_path, "{nonsense", {"id": "t1", "start": 0, "end": 3, "label": "circle"}, "7")
    assert aside(found) == {"wrote a line that is no JSON object": 2}
    assert drawn(found, "t2") is None


@pytest.mark.parametrize("content", ["", "nonsense\nmore"])
def test_a_file_without_a_single_span_line_is_refused_or_empty(tmp_path, content):
    (tmp_path / "tag.jsonl").write_text(content)
    with pytest.raises(PredictionsUnreadable, match=r"tag\.jsonl"):
        SpanPredictions(SPANS, tmp_path).vote(given_texts())


def test_a_missing_file_is_named(tmp_path):
    for section in (SECTION, SPANS):
        with pytest.raises(PredictionsUnreadable, match="No such file"):
            make(section, tmp_path).actors  # noqa: B018 - reading it is the test


@pytest.mark.parametrize(
    ("sections", "expected"),
    [
        ({"task": "boxes", "modality": "text"}, "modality 'image'"),
        ({"task": "spans", "modality": "image"}, "modality 'text'"),
        ({"ontology": {"classes": ["circle", "(nothing)"]}}, "another name"),
        ({"labelers": [{"name": "linear", "kind": "sklearn"}]}, r"linear \(sklearn\) cannot"),
        ({"task": "classification", "labelers": [SECTION.model_dump()]}, "cannot"),
        ({"regions": {"iou": 0.0}}, "greater than 0"),
        ({"regions": {"expected_recall": 1.0}}, "less than 1"),
    ],
)
def test_a_dataset_file_that_does_not_fit_its_task_is_refused(sections, expected):
    with pytest.raises(ValueError, match=expected):
        dataset(**sections)
