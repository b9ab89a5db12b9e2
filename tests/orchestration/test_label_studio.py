"""Label Studio's formats, out and in."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.ports import OpenTask, ReviewTask
from assets.review.errors import ReviewUnreadable
from orchestration.label_studio import LabelStudio

PNG = b"\x89PNG\r\n\x1a\n rest"
READ = LabelStudio().answers


REAL = Path(__file__).parent / "label_studio_1.23.2"


def said(name: str) -> list[tuple]:
    answers = READ((REAL / name).read_bytes()).answers
    return [(a.label, a.kind, a.shown_prediction, a.completed_by) for a in answers]


def test_what_a_real_server_exported_is_read():
    assert said("export.json") == [
        ("good", "vote", "good", "1"),
        ("bad", "vote", "bad", "1"),
        ("good", "vote", "good", "1"),
        (None, "skip", "bad", "1"),
        ("good", "vote", None, "1"),
    ]


def test_a_real_snapshot_names_the_author_by_address_and_by_number():
    answers = READ((REAL / "snapshot.json").read_bytes()).answers
    assert {(a.completed_by, a.also_named) for a in answers} == {("ana@example.com", "1")}


def test_real_forms_of_one_project_agree_on_each_annotation():
    forms = [READ((REAL / name).read_bytes()) for name in ("export.json", "snapshot.json")]
    whole, snapshot = ([(a.task, a.annotation, a.cast_at) for a in f.answers] for f in forms)
    small = READ((REAL / "min.json").read_bytes())
    assert whole == snapshot
    assert {(a.task, a.annotation, a.cast_at) for a in small.answers} < set(whole)


def test_a_real_edit_keeps_the_annotation_and_moves_its_time():
    before, after = (
        READ((REAL / n).read_bytes()).answers[2] for n in ("export.json", "later.json")
    )
    assert (before.annotation, before.label) == (after.annotation, "good")
    assert after.label == "bad"
    assert before.cast_at < after.cast_at


def asked(**fields) -> ReviewTask:
    stated = {
        "item_id": "i1",
        "modality": "text",
        "content": "a film & <more>",
        "image": None,
        "prediction": "good",
        "score": 0.8,
        "predicted_by": "consensus:majority",
        "priority": 0.5,
        "reason": "unsure",
        "awaited": 1,
    }
    return ReviewTask(**{**stated, **fields})


def sent(task: ReviewTask) -> dict:
    return json.loads(LabelStudio().tasks([task], dataset="films"))[0]


def read_one(annotation: dict, **task):
    (answer,) = READ(
        json.dumps([{"id": 1, "data": {"item_id": "i1"}, "annotations": [annotation], **task}])
        .encode()
    ).answers  # fmt: skip
    return answer


def chose(label, control="label") -> dict:
    return {"id": 5, "result": [{"from_name": control, "value": {"choices": [label]}}]}


def test_a_task_carries_its_prediction_where_it_is_shown_and_where_it_survives():
    task = sent(asked())
    (prediction,) = task["predictions"]
    assert (prediction["model_version"], prediction["score"]) == ("consensus:majority", 0.8)
    assert prediction["result"][0]["value"] == {"choices": ["good"]}
    assert task["data"]["hallmark_prediction"] == "good"


def test_an_item_without_a_label_goes_out_without_a_prediction():
    assert "predictions" not in sent(asked(prediction=None, score=None))


def test_an_image_travels_within_the_task():
    image = sent(asked(modality="image", image=PNG, content=None))["data"]["image"]
    assert image.startswith("data:image/png;base64,iVBORw0KGgo")


def test_a_row_of_features_is_shown_as_a_table():
    row = sent(asked(modality="tabular", content='{"width": 3}'))["data"]["table"]
    assert row == {"width": 3}


@pytest.mark.parametrize(
    ("modality", "tag"), [("text", "Text"), ("image", "Image"), ("tabular", "Table")]
)
def test_the_configuration_offers_each_class_with_its_description(modality, tag):
    name, content = LabelStudio().setup(
        dataset="films", modality=modality, classes={"good": 'likes it & "more"', "bad": ""}
    )
    view = ET.fromstring(content)  # noqa: S314 - our own file
    assert name == "labeling-config.xml"
    assert view.find(tag) is not None
    choices = [(c.get("value"), c.get("hint")) for c in view.iter("Choice")]
    assert choices == [("good", 'likes it & "more"'), ("bad", None)]


def test_a_queue_read_back_is_all_unanswered():
    file = READ(LabelStudio().tasks([asked(), asked(item_id="i2")], dataset="films"))
    assert (file.received, file.answers, file.unanswered) == (
        0,
        (),
        (OpenTask("i1", 1), OpenTask("i2", 1)),
    )


def test_the_prediction_that_an_annotation_started_from_is_the_one_shown():
    given = chose("bad") | {"parent_prediction": 9, "prediction": {}}
    predictions = [
        {"id": 8, "result": chose("bad")["result"]},
        {"id": 9, "result": chose("good")["result"]},
    ]
    assert read_one(given, predictions=predictions).shown_prediction == "good"


def test_predictions_reduced_to_ids_leave_what_was_sent_with_the_task():
    task = {"data": {"item_id": "i1", "hallmark_prediction": "good"}, "predictions": [286]}
    assert read_one(chose("bad") | {"parent_prediction": 286}, **task).shown_prediction == "good"


def test_a_page_of_tasks_is_read_and_what_is_no_task_in_it_is_rejected():
    file = READ(json.dumps({"total": 2, "tasks": [5, {"data": {}, "annotations": []}]}).encode())
    assert (len(file.rejects), len(file.unanswered), file.received) == (1, 1, 1)


def test_json_lines_are_read():
    line = json.dumps({"id": 1, "data": {"item_id": "i1"}, "annotations": [chose("good")]})
    assert len(READ(f"{line}\n{line}\n".encode()).answers) == 2


def test_a_record_that_is_one_annotation_with_its_task_is_read():
    record = chose("good") | {"task": {"id": 594, "data": {"item_id": "i1"}}, "completed_by": 3}
    (answer,) = READ(json.dumps(record).encode()).answers
    assert (answer.task, answer.annotation, answer.item_id, answer.label) == (
        *("594", "5", "i1"),
        "good",
    )


@pytest.mark.parametrize("label", ["good", {"choices": ["good"]}])
def test_json_min_is_read_where_the_control_is_ours(label):
    record = {
        "item_id": "i1",
        "id": 4,
        "label": label,
        "annotator": 2,
        "annotation_id": 11,
        "updated_at": "2026-02-01T10:00:00.25Z",
        "lead_time": 1.5,
    }
    (answer,) = READ(json.dumps([record]).encode()).answers
    assert (answer.task, answer.annotation, answer.completed_by, answer.label) == (
        *("4", "11", "2"),
        "good",
    )


def test_json_min_of_another_control_is_rejected_with_the_way_out():
    record = {"text": "x", "id": 4, "sentiment": "good", "annotation_id": 11}
    (reject,) = READ(json.dumps([record]).encode()).rejects
    assert "export the project as JSON" in reject.reason


@pytest.mark.parametrize(
    ("annotation", "reason"),
    [
        ({"id": 1, "result": []}, "submitted without a choice"),
        ({"id": 1, "result": [{"value": {"choices": ["a", "b"]}}]}, "2 classes chosen"),
        ({"id": 1, "result": [{"type": "rating", "value": {"rating": 3}}]}, "no choice among"),
        ({"id": 1, "result": chose("a", "x")["result"] + chose("b", "y")["result"]}, "several"),
        ({"id": 1, "result": None}, "no list"),
        (17, "only the annotation's id"),
    ],
)
def test_an_annotation_that_is_no_single_choice_is_rejected_with_its_reason(annotation, reason):
    export = [{"id": 1, "data": {"item_id": "i1"}, "annotations": [annotation]}]
    file = READ(json.dumps(export).encode())
    assert (len(file.answers), len(file.rejects), file.received) == (0, 1, 1)
    assert reason in file.rejects[0].reason


def test_another_question_beside_ours_does_not_matter():
    both = chose("good") | {"result": chose("good")["result"] + chose("x", "other")["result"]}
    assert read_one(both).label == "good"


def test_an_export_cut_off_gives_the_tasks_before_the_cut_and_says_so():
    whole = json.dumps(
        [{"id": n, "data": {"item_id": f"i{n}"}, "annotations": [chose("good")]} for n in range(5)]
    ).encode()
    file = READ(whole[:-30])
    assert (len(file.answers), len(file.rejects), file.received) == (4, 1, 5)
    assert "cut off" in file.rejects[0].reason
    assert "no end" in READ(whole[:-1]).rejects[0].reason


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "an empty file"),
        (b"PK\x03\x04....", "a ZIP archive"),
        (b"\x1f\x8b....", "a gzip archive"),
        (b"\xff\xfa\x00", "at byte 0"),
        (b'[{"data": ', "no JSON at line 1"),
        (b'{"a": 1}', "its keys are"),
        (b"3", "expected a task, found 3"),
    ],
)
def test_a_file_that_is_no_export_is_refused(content, found):
    with pytest.raises(ReviewUnreadable) as caught:
        READ(content)
    assert found in caught.value.found


def test_an_empty_export_holds_nothing_and_is_no_error():
    assert READ(b"[]").received == 0


def test_text_that_utf8_cannot_hold_does_not_stop_the_import():
    assert read_one(chose("good") | {"completed_by": "\ud800x"}).completed_by == "?x"


@pytest.mark.parametrize("strange", [-1, True, "3", None, float("inf")])
def test_a_lead_time_that_is_none_is_left_out(strange):
    assert read_one(chose("good") | {"lead_time": strange}).lead_time_s is None


KEYS = [
    "id",
    "data",
    "annotations",
    "result",
    "value",
    "choices",
    "completed_by",
    "task",
    "annotation_id",
    "label",
    "predictions",
    "prediction",
    "updated_at",
    "item_id",
]
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(KEYS),
            inner,
            max_size=5,
        ),
    ),
    max_leaves=25,
)


@settings(max_examples=150, deadline=None)
@given(st.lists(VALUES, max_size=4), st.booleans())
def test_whatever_a_file_holds_is_read_or_refused(values, as_lines):
    rows = [json.dumps(value) for value in values]
    content = "\n".join(rows) if as_lines else "[" + ",".join(rows) + "]"
    try:
        file = READ(content.encode())
    except ReviewUnreadable:
        return
    assert file.received == len(file.answers) + len(file.rejects)


def test_a_million_lines_of_nonsense_are_refused_and_not_pondered():
    with pytest.raises(ReviewUnreadable):
        READ(b"nonsense\n" * 1_000_000)
