"""Label Studio as the review tool: tasks with predictions out, exports in."""

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree import ElementTree as ET

from assets.ports import ReviewAnswer, ReviewFile, ReviewTask
from orchestration.label_studio_exports import AWAITED, CONTROL, OF_DATASET, PREDICTION, read_export
from orchestration.label_studio_regions import TAGS, drawn_results, picture_size

OBJECT = "item"
ASSIGNEE = "assignee"
_IMAGE_TYPES = {
    b"\x89PNG": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF8": "image/gif",
    b"RIFF": "image/webp",
}
_QUESTIONS = {
    "classification": "which class is it?",
    "boxes": "draw a box around each; none where there is nothing",
    "spans": "mark each; none where there is nothing",
}
_OBJECT_TAGS = {"text": "Text", "image": "Image", "tabular": "Table"}


class LabelStudio:
    """The file formats of Label Studio (ReviewTool)."""

    def tasks(self, tasks: Sequence[ReviewTask], *, dataset: str) -> bytes:
        """A JSON file for Label Studio's import, one task an item.

        Images travel as data URIs, so no file server is needed. The prediction stands in
        `predictions`, where Label Studio shows it, and in `data`, because Label Studio's
        exports keep only the ids of predictions. `assignee` is there to filter by; an item that
        several people are asked about is a task for each. What is read back is named
        `hallmark_...`, so that no column of the source is taken for it.
        """
        rows = [json.dumps(_task(task, dataset), ensure_ascii=False) for task in tasks]
        return ("[\n" + ",\n".join(rows) + "\n]\n").encode()

    def setup(
        self,
        *,
        dataset: str,
        modality: str,
        classes: Mapping[str, str],
        task: str = "classification",
    ) -> tuple[str, bytes]:
        """The labeling configuration: the classes to choose or to draw, descriptions as hints."""
        view = ET.Element("View")
        ET.SubElement(view, "Header", value=f"{dataset}: {_QUESTIONS[task]}")
        value = {"name": OBJECT, "value": f"${_field(modality)}"}
        ET.SubElement(view, _OBJECT_TAGS[modality], value)
        tag, each, how = "Choices", "Choice", {"choice": "single", "required": "true"}
        if task in TAGS:
            tag, each, how = TAGS[task], "Label", {}
        control = ET.SubElement(view, tag, {"name": CONTROL, "toName": OBJECT, **how})
        for name, description in classes.items():
            hint = {"hint": description} if description else {}
            ET.SubElement(control, each, {"value": name, **hint})
        ET.indent(view)
        return "labeling-config.xml", ET.tostring(view, encoding="utf-8") + b"\n"

    def answers(self, content: bytes, *, task: str = "classification") -> ReviewFile:
        """What people answered. Raises ReviewUnreadable."""
        return read_export(content, task=task)


def answered(queue: bytes, answers: Sequence[ReviewAnswer]) -> bytes:
    """The export that Label Studio would write of a queue with these answers.

    For reviewers that are no people, such as the demo's simulated one.
    """
    by_item: dict[str | None, list[ReviewAnswer]] = {}
    for answer in answers:
        by_item.setdefault(answer.item_id, []).append(answer)
    tasks = [
        {
            "id": int(given[0].task),
            "data": task["data"],
            "predictions": [],
            "annotations": [_annotation(answer, task["data"]) for answer in given],
        }
        for task in json.loads(queue)
        if (given := by_item.get(task["data"]["item_id"]))
    ]
    return json.dumps(tasks, ensure_ascii=False, indent=1).encode()


def _field(modality: str) -> str:
    return {"text": "text", "image": "image", "tabular": "table"}[modality]


def _task(task: ReviewTask, dataset: str) -> dict[str, Any]:
    data: dict[str, Any] = {
        "item_id": task.item_id,
        OF_DATASET: dataset,
        AWAITED: task.awaited,
        "reason": task.reason,
        "priority": task.priority,
        _field(task.modality): _shown(task),
    }
    if task.assignee is not None:
        data |= {ASSIGNEE: task.assignee}
    if task.prediction is None:
        return {"data": data}
    data |= {PREDICTION: task.prediction, "predicted_by": task.predicted_by}
    prediction = {
        "model_version": task.predicted_by,
        "score": task.score,
        "result": _results(task.prediction, task.region, data),
    }
    return {"data": data, "predictions": [prediction]}


def _shown(task: ReviewTask) -> Any:
    if task.image is not None:
        kinds = (kind for magic, kind in _IMAGE_TYPES.items() if task.image.startswith(magic))
        kind = next(kinds, "application/octet-stream")
        return f"data:{kind};base64,{base64.b64encode(task.image).decode()}"
    if task.modality == "tabular":
        row = json.loads(task.content or "{}")
        return row if isinstance(row, dict) else {"value": row}
    return task.content or ""


def _result(label: str) -> dict[str, Any]:
    return {
        "from_name": CONTROL,
        "to_name": OBJECT,
        "type": "choices",
        "value": {"choices": [label]},
    }


def _results(label: str | None, region: str | None, data: Mapping[str, Any]) -> list[Any]:
    """What shows a judgment: one choice, or the regions where they are in the task's data."""
    if region is None:
        return [] if label is None else [_result(label)]
    size, text = picture_size(data.get("image")), data.get("text")
    return drawn_results(region, control=CONTROL, target=OBJECT, size=size, text=text)


def _annotation(answer: ReviewAnswer, data: Mapping[str, Any]) -> dict[str, Any]:
    when = answer.cast_at.isoformat() if answer.cast_at else None
    return {
        "id": int(answer.annotation),
        "completed_by": answer.completed_by,
        "was_cancelled": answer.kind == "skip",
        "ground_truth": False,
        "result": _results(answer.label, answer.region, data),
        "lead_time": answer.lead_time_s,
        "created_at": when,
        "updated_at": when,
    }
