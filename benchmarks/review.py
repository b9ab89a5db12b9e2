"""Review exports read and imported, beside the JSON parser alone.

python -m benchmarks.review
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime

import polars as pl

from assets.dataset_file.models import Dataset
from assets.review.balance import ReviewImport
from assets.review.imports import import_review_file
from benchmarks.measure import contest
from orchestration.label_studio import LabelStudio
from quality.schema import VOTES

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SPEC = {"name": "bench", "modality": "text", "ontology": {"classes": ["good", "bad"]}}
ANNOTATORS = 3


def export(tasks: int) -> bytes:
    """An export in Label Studio's own form: texts of 400 characters, three annotations each."""
    return json.dumps([task(number) for number in range(tasks)]).encode()


def task(number: int) -> dict[str, object]:
    """One task of the export."""
    return {
        "id": number,
        "data": {"item_id": f"{number:064x}", "text": "a film that goes on " * 20},
        "predictions": [number],
        "annotations": [annotation(number, who) for who in range(ANNOTATORS)],
    }


def annotation(number: int, who: int) -> dict[str, object]:
    """One annotation of a task."""
    label = "good" if (number + who) % ANNOTATORS else "bad"
    result = {"from_name": "label", "to_name": "item", "type": "choices"}
    return {
        "id": number * ANNOTATORS + who,
        "completed_by": who,
        "was_cancelled": False,
        "created_at": "2026-01-01T10:00:00.123456Z",
        "updated_at": "2026-01-01T10:00:00.123456Z",
        "lead_time": 2.5,
        "result": [{**result, "value": {"choices": [label]}}],
    }


def parsed(tasks: int) -> Callable[[], int]:
    """The JSON parser alone, the whole file at once; annotations."""
    content = export(tasks)
    return lambda: sum(len(each["annotations"]) for each in json.loads(content))


def read(tasks: int) -> Callable[[], int]:
    """The export read task by task; annotations."""
    content = export(tasks)
    return lambda: len(LabelStudio().answers(content).answers)


def imported(tasks: int) -> Callable[[], int]:
    """The export as votes; accepted."""
    content, items = export(tasks), known(tasks)
    return lambda: bring(content, items, VOTES.empty()).balance.accepted


def imported_again(tasks: int) -> Callable[[], int]:
    """The same export once more; duplicates."""
    content, items = export(tasks), known(tasks)
    votes = bring(content, items, VOTES.empty()).votes
    return lambda: bring(content, items, votes).balance.duplicate


def known(tasks: int) -> pl.DataFrame:
    """The items that the export is about."""
    names = [f"{number:064x}" for number in range(tasks)]
    return pl.DataFrame({"item_id": names, "source_uri": [f"f.csv#id={name}" for name in names]})


def bring(content: bytes, items: pl.DataFrame, votes: pl.DataFrame) -> ReviewImport:
    """One import."""
    return import_review_file(
        content,
        "export.json",
        Dataset.model_validate(SPEC),
        tool=LabelStudio(),
        items=items,
        votes=votes,
        imported_at=NOW,
        run_id="bench",
        code_version="bench",
    )


def main() -> None:
    """Print a line for each size and step."""
    for tasks in (10_000, 100_000):
        for step in ("read", "imported", "imported_again"):
            title = f"{step}: {tasks:,} tasks, {tasks * ANNOTATORS:,} annotations"
            ours, alone = f"benchmarks.review:{step}", "benchmarks.review:parsed"
            contest(title, ours, alone, repeats=3, tasks=tasks)


if __name__ == "__main__":
    main()
