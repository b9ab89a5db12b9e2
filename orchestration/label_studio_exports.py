"""Label Studio's exports as they come: full JSON, JSON_MIN, one annotation a record, JSON Lines."""

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from assets.ports import OpenTask, ReviewAnswer, ReviewFile, ReviewReject
from assets.review.errors import ReviewUnreadable
from assets.review.records import Broken, decoded, records
from orchestration.label_studio_regions import read_regions

CONTROL = "label"
OF_DATASET = "hallmark_dataset"
PREDICTION = "hallmark_prediction"
AWAITED = "hallmark_awaited"
# An item can be found by its whole text where the task does not name it.
LOOKUP_LENGTH = {True: 1024, False: 65_536}
_MARKS = {"data", "annotations", "completions", "result", "annotation_id"}
_OWN_FIELDS = {"id", "annotation_id", "annotator", "created_at", "updated_at", "lead_time", CONTROL}


@dataclass(frozen=True, slots=True)
class _Judgment:
    """What one annotation says.

    Attributes:
        label: The class, or the label of what was drawn; None for a skip.
        region: What was drawn, as canonical text.
        shown: The label that was proposed.
        fault: Why it cannot be read; None where it can.
    """

    label: str | None = None
    region: str | None = None
    shown: str | None = None
    fault: str | None = None


def read_export(content: bytes, *, task: str = "classification") -> ReviewFile:
    """Every judgment of an export, and what could not be read.

    Args:
        content: The file.
        task: What people were asked for: classification, boxes or spans.

    Raises:
        ReviewUnreadable: there is no task in it at all.
    """
    answers: list[ReviewAnswer] = []
    rejects: list[ReviewReject] = []
    unanswered: list[OpenTask] = []
    received = tasks = 0
    first_fault = "an empty list"
    for record in _tasks(decoded(content)):
        if isinstance(record, Broken):
            received += 1
            first_fault = record.reason
            rejects.append(ReviewReject("", "", record.reason))
            continue
        tasks += 1
        raw = _annotations(record)
        received += len(raw)
        if not raw:
            unanswered.append(_open_task(_data(record)))
        for read in _read_task(record, raw, task):
            if isinstance(read, ReviewAnswer):
                answers.append(read)
            else:
                rejects.append(read)
    if not tasks and received:
        raise ReviewUnreadable("a Label Studio export", first_fault)
    return ReviewFile(tuple(answers), tuple(rejects), received, tuple(unanswered))


def _tasks(text: str) -> Iterator[Mapping[str, Any] | Broken]:
    for record in records(text):
        page = record.get("tasks") if isinstance(record, dict) else None
        for task in page if isinstance(page, list) else [record]:
            if isinstance(task, Broken):
                yield task
            elif not isinstance(task, dict):
                yield Broken(0, f"expected a task, found {json.dumps(task)[:80]}")
            elif not _MARKS & task.keys():
                yield Broken(0, f"not a Label Studio task: its keys are {sorted(task)[:8]}")
            else:
                yield task


def _open_task(data: Mapping[str, Any]) -> OpenTask:
    awaited = data.get(AWAITED)
    return OpenTask(_text(data.get("item_id")), awaited if isinstance(awaited, int) else None)


def _annotations(record: Mapping[str, Any]) -> list[Any]:
    """The annotations of a task; a record that is an annotation itself is the only one."""
    if "result" in record or "annotation_id" in record:
        return [record]
    for key in ("annotations", "completions"):
        if isinstance(record.get(key), list):
            return list(record[key])
    return []


def _read_task(
    record: Mapping[str, Any], raw: Sequence[Any], asked: str
) -> Iterator[ReviewAnswer | ReviewReject]:
    data = _data(record)
    named = record.get("task") if "result" in record else record
    number = named.get("id") if isinstance(named, dict) else named
    task = _text(number) or _text(data.get("item_id")) or _digest(data)
    longest = LOOKUP_LENGTH["item_id" in data]
    fields = {
        key: value
        for key, value in ((k, _text(v)) for k, v in data.items())
        if value and len(value) <= longest
    }
    for annotation in raw:
        if isinstance(annotation, dict):
            judgment = _judgment(annotation, record, data, asked)
            yield _read_annotation(annotation, task, fields, judgment)
        else:
            yield ReviewReject(
                task,
                _text(annotation) or "",
                "only the annotation's id is in the file; export it with full annotations",
            )


def _data(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the task showed: `data`, of the task within an annotation, or JSON_MIN's own fields."""
    task = record["task"] if isinstance(record.get("task"), dict) else record
    data = task.get("data")
    if isinstance(data, dict):
        return data
    if "annotation_id" not in record:
        return {}
    return {key: value for key, value in record.items() if key not in _OWN_FIELDS}


def _predictions(record: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    task = record["task"] if isinstance(record.get("task"), dict) else record
    predictions = task.get("predictions")
    return [p for p in predictions if isinstance(p, dict)] if isinstance(predictions, list) else []


def _read_annotation(
    annotation: Mapping[str, Any],
    task: str,
    fields: Mapping[str, str],
    judgment: _Judgment,
) -> ReviewAnswer | ReviewReject:
    name = _text(annotation.get("annotation_id", annotation.get("id"))) or _digest(annotation)
    if judgment.fault is not None:
        return ReviewReject(task, name, judgment.fault)
    authors = _authors(annotation.get("completed_by", annotation.get("annotator")))
    return ReviewAnswer(
        task=task,
        annotation=name,
        item_id=fields.get("item_id"),
        item_fields=fields,
        completed_by=authors[0] if authors else None,
        label=judgment.label,
        kind="skip" if judgment.label is None else "vote",
        shown_prediction=judgment.shown,
        lead_time_s=_seconds(annotation.get("lead_time")),
        cast_at=_time(annotation.get("updated_at")) or _time(annotation.get("created_at")),
        dataset=fields.get(OF_DATASET),
        also_named=authors[1] if len(authors) > 1 else None,
        region=judgment.region,
    )


def _judgment(
    annotation: Mapping[str, Any], record: Mapping[str, Any], data: Mapping[str, Any], asked: str
) -> _Judgment:
    """What an annotation says, and what was proposed; a skip says nothing."""
    sent = _text(data.get(PREDICTION))
    skipped = annotation.get("was_cancelled") is True or annotation.get("skipped") is True
    if asked != "classification":
        drawn = None if skipped else read_regions(annotation, data.get("text"), asked)
        if isinstance(drawn, str):
            return _Judgment(fault=drawn)
        label, region = drawn or (None, None)
        return _Judgment(label=label, region=region, shown=sent)
    chosen = [] if skipped else _choices(annotation)
    if isinstance(chosen, str) or (not skipped and len(chosen) != 1):
        return _Judgment(fault=chosen if isinstance(chosen, str) else _not_one(chosen))
    shown = _shown(annotation, sent, _predictions(record))
    return _Judgment(label=chosen[0] if chosen else None, shown=shown)


def _not_one(chosen: Sequence[str]) -> str:
    if not chosen:
        return "submitted without a choice"
    return f"{len(chosen)} classes chosen ({list(chosen)[:5]}), expected one"


def _choices(annotation: Mapping[str, Any]) -> list[str] | str:
    """The classes chosen, or why that cannot be told."""
    if "result" not in annotation:
        return _choices_of_min(annotation)
    results = annotation["result"]
    if not isinstance(results, list):
        return "its result is no list"
    controls: dict[str, list[str]] = {}
    for result in results:
        value = result.get("value") if isinstance(result, dict) else None
        if isinstance(value, dict) and isinstance(value.get("choices"), list):
            chosen = [_text(c) or json.dumps(c)[:80] for c in value["choices"]]
            controls.setdefault(_text(result.get("from_name")) or CONTROL, []).extend(chosen)
    if len(controls) > 1 and CONTROL not in controls:
        return f"several controls answered ({sorted(controls)}); name the class's one '{CONTROL}'"
    if results and not controls:
        kinds = sorted({str(r.get("type")) for r in results if isinstance(r, dict)})
        return f"no choice among its results (types {kinds}); expected Choices"
    return controls.get(CONTROL) or next(iter(controls.values()), [])


def _choices_of_min(annotation: Mapping[str, Any]) -> list[str] | str:
    answer = annotation.get(CONTROL)
    if isinstance(answer, str):
        return [_clean(answer)]
    if isinstance(answer, dict) and isinstance(answer.get("choices"), list):
        return [_text(c) or "" for c in answer["choices"]]
    if CONTROL in annotation:
        return []
    return (
        f"JSON_MIN does not say which field is the answer: none is named '{CONTROL}'; "
        "export the project as JSON"
    )


def _shown(
    annotation: Mapping[str, Any],
    sent: str | None,
    predictions: Sequence[Mapping[str, Any]],
) -> str | None:
    """The class proposed to the person.

    Label Studio's export reduces a task's predictions to ids; what was sent out with the task
    (PREDICTION in its data) survives.
    """
    parent = annotation.get("parent_prediction")
    started_from = annotation.get("prediction")
    candidates = [
        *([started_from] if isinstance(started_from, dict) else []),
        *(p for p in predictions if parent is not None and p.get("id") == parent),
    ]
    classes = [_predicted(c) for c in candidates] + [sent]
    classes += [_predicted(p) for p in predictions]
    return next((c for c in classes if c), None)


def _predicted(prediction: Mapping[str, Any]) -> str | None:
    chosen = _choices(prediction) if "result" in prediction else []
    return chosen[0] if isinstance(chosen, list) and len(chosen) == 1 else None


def _authors(value: Any) -> list[str]:
    """Who completed it, as the file says: e-mail address, name, number, those that it gives."""
    stated = [value]
    if isinstance(value, dict):
        stated = [value.get(key) for key in ("email", "username", "id")]
    names = ("_".join((_text(name) or "").split()) for name in stated)
    return [name for name in names if name]


def _text(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return _clean(str(value))


def _clean(text: str) -> str:
    """The text without lone surrogates, which JSON can hold and UTF-8 cannot."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _seconds(value: Any) -> float | None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if number and math.isfinite(value) and value >= 0 else None


def _time(value: Any) -> datetime | None:
    """An ISO 8601 time; without a zone it is UTC, as Label Studio writes it."""
    if not isinstance(value, str):
        return None
    try:
        time = datetime.fromisoformat(value)
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _digest(value: Any) -> str:
    """A name for what has none; the same content has the same one."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]
