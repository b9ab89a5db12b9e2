"""Boxes and spans in Label Studio's formats: out as predictions, back as votes."""

import io
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from assets.ports import ReviewAnswer, ReviewTask
from orchestration.label_studio import LabelStudio, answered
from quality.regions.region import box, from_text, label_of, span, to_text

CLASSES = {"circle": "A disc.", "square": ""}
NOW = datetime(2026, 11, 3, 12, tzinfo=UTC)
WIDTH, HEIGHT = 97, 61
TEXT = "Ana \U0001f600 lives in Rome, Ben in \U0001f4a9 Oslo."


def picture():
    buffer = io.BytesIO()
    Image.new("RGB", (WIDTH, HEIGHT), "white").save(buffer, "PNG")
    return buffer.getvalue()


PNG = picture()


def asked(region, task="boxes"):
    facts = {"item_id": "i1", "priority": 1.0, "reason": "?", "awaited": 1, "score": 0.5}
    shown = {"modality": "image", "content": None, "image": PNG}
    if task == "spans":
        shown = {"modality": "text", "content": TEXT, "image": None}
    named = {"prediction": label_of(from_text(region)), "predicted_by": "consensus:majority"}
    return LabelStudio().tasks([ReviewTask(**facts, **shown, **named, region=region)], dataset="d")


def answer(region):
    label = None if region is None else label_of(from_text(region))
    kind = "skip" if region is None else "vote"
    return ReviewAnswer(task="1", annotation="2", item_id="i1", item_fields={}, completed_by="ana",
                        label=label, kind=kind, shown_prediction=None, lead_time_s=1.0,
                        cast_at=NOW, region=region)  # fmt: skip


def read(*results, task="boxes", **annotation):
    data = {"item_id": "i1", "text": TEXT}
    made = {"id": 2, "completed_by": "ana", "result": list(results), **annotation}
    export = [{"id": 1, "data": data, "annotations": [made]}]
    return LabelStudio().answers(json.dumps(export).encode(), task=task)


def rectangle(x=10.0, y=10.0, width=20.0, height=20.0, **more):
    value = {"x": x, "y": y, "width": width, "height": height, "rectanglelabels": ["circle"]}
    value |= {k: more.pop(k) for k in ("rotation", "rectanglelabels") if k in more}
    sizes = {"original_width": WIDTH, "original_height": HEIGHT}
    return {"type": "rectanglelabels", "from_name": "label", **sizes, "value": value, **more}


def marked(start, end, text=None, labels=("circle",)):
    value = {"start": start, "end": end, "labels": list(labels)}
    value |= {} if text is None else {"text": text}
    return {"type": "labels", "from_name": "label", "value": value}


inside = st.tuples(st.floats(0, WIDTH - 1), st.floats(0, HEIGHT - 1), st.floats(0.01, 1),
                   st.floats(0.01, 1)).map(
    lambda p: (p[0], p[1], max(0.01, (WIDTH - p[0]) * p[2]), max(0.01, (HEIGHT - p[1]) * p[3]))
)  # fmt: skip
boxes = st.builds(lambda n, p: box(n, *p), st.sampled_from([*CLASSES]), inside)
spans = st.tuples(st.integers(0, len(TEXT) - 1), st.integers(1, len(TEXT)), st.sampled_from(
    [*CLASSES])).map(lambda p: span(p[2], p[0], min(p[0] + p[1], len(TEXT))))  # fmt: skip


@given(st.lists(boxes, max_size=5))
@settings(deadline=None)
def test_boxes_come_back_from_per_cent_as_they_went_out(drawn):
    region = to_text(drawn)
    (found,) = (
        LabelStudio().answers(answered(asked(region), [answer(region)]), task="boxes").answers
    )
    assert found.region == region
    assert found.label == found.shown_prediction == label_of(from_text(region))


@given(st.lists(spans, max_size=5))
@settings(deadline=None)
def test_spans_come_back_as_they_went_out(drawn):
    region = to_text(drawn)
    export = answered(asked(region, "spans"), [answer(region)])
    (found,) = LabelStudio().answers(export, task="spans").answers
    assert found.region == region


def test_a_task_shows_the_predicted_boxes_in_per_cent():
    (task,) = json.loads(asked(to_text([box("circle", 9.7, 6.1, 19.4, 12.2, 0.8)])))
    (result,) = task["predictions"][0]["result"]
    percent = [result["value"][side] for side in ("x", "y", "width", "height")]
    assert percent == pytest.approx([10, 10, 20, 20])
    assert (result["original_width"], result["value"]["rectanglelabels"]) == (WIDTH, ["circle"])


@pytest.mark.parametrize(("task", "tag"), [("boxes", "RectangleLabels"), ("spans", "Labels")])
def test_the_configuration_asks_for_regions(task, tag):
    _, setup = LabelStudio().setup(
        dataset="d", modality={"boxes": "image", "spans": "text"}[task], classes=CLASSES, task=task
    )
    assert f'<{tag} name="label" toName="item">'.encode() in setup
    assert b'<Label value="circle" hint="A disc." />' in setup


def test_submitted_without_a_region_says_that_there_is_none():
    (found,) = read().answers
    assert (found.label, found.region, found.kind) == ("nothing", "[]", "vote")


def test_a_skip_says_nothing():
    (found,) = read(was_cancelled=True).answers
    assert (found.label, found.region, found.kind) == (None, None, "skip")


def test_remarks_beside_regions_are_no_regions():
    remark = {"type": "textarea", "from_name": "note", "value": {"text": ["blurred"]}}
    (found,) = read(rectangle(), remark).answers
    assert found.label.startswith("circle x1")


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        (rectangle(rotation=12), "turned by 12"),
        (rectangle(x=95), "outside of its picture"),
        (rectangle(width=-5), "above 0"),
        (rectangle(x=None), "no number"),
        (rectangle(rectanglelabels=[]), "0 classes"),
        (rectangle(rectanglelabels=["circle", "square"]), "2 classes"),
        (rectangle(original_width=None), "without the size"),
        (rectangle(type="polygonlabels"), "polygonlabels; expected RectangleLabels"),
        (7, "without a value"),
    ],
)
def test_a_box_that_cannot_be_read_is_rejected_with_its_reason(result, reason):
    found = read(result)
    assert found.received == 1
    assert found.answers == ()
    assert reason in found.rejects[0].reason


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        (marked(0, 99), "ends at 99"),
        (marked(3, 3), "after"),
        (marked("x", 3), "whole number"),
        (marked(0, 3, text="Zoe"), "is not at"),
        (marked(0, 3, labels=()), "0 classes"),
        (rectangle(), "expected Labels"),
    ],
)
def test_a_span_that_cannot_be_read_is_rejected_with_its_reason(result, reason):
    assert reason in read(result, task="spans").rejects[0].reason


def test_offsets_that_count_an_emoji_as_two_are_put_right_by_the_text():
    """Label Studio counted UTF-16 units once, and counts characters now."""
    start = TEXT.index("Oslo")
    for shift in (0, 2):
        (found,) = read(marked(start + shift, start + shift + 4, text="Oslo"), task="spans").answers
        assert from_text(found.region)[0].geometry == (start, start + 4)


def test_the_small_export_reads_like_the_full_one():
    record = {**rectangle()["value"], "original_width": WIDTH, "original_height": HEIGHT}
    export = [{"item_id": "i1", "annotation_id": 2, "annotator": "ana", "label": [record]}]
    (found,) = LabelStudio().answers(json.dumps(export).encode(), task="boxes").answers
    assert found.region == read(rectangle()).answers[0].region
