"""The demo's cast: simulated reviewers who answer queues, and say so in their names."""

import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from assets.dataset_file.models import Dataset
from assets.review.simulated import SimulatedReviewer
from orchestration.label_studio import LabelStudio, answered
from orchestration.project import Project

ANA = SimulatedReviewer("ana", error_rate=0.02, seed=1)
BEN = SimulatedReviewer("ben", error_rate=0.04, seed=2)
MIA = SimulatedReviewer("mia", error_rate=0.0, seed=3, careless=True)


def newest_queue(project: Project, dataset: Dataset) -> Path:
    """The queue file that was written last."""
    files = project.queue(dataset.name).glob("*.json")
    return max(files, key=lambda path: path.stat().st_mtime_ns)


def answer(
    project: Project,
    dataset: Dataset,
    queue: Path,
    reviewers: Sequence[SimulatedReviewer],
    truth: dict[str, str],
) -> int:
    """Let simulated reviewers answer a queue, each as an export in reviews/NAME; answers given."""
    tool = LabelStudio()
    folder = project.reviews(dataset.name)
    folder.mkdir(parents=True, exist_ok=True)
    given = 0
    for reviewer in reviewers:
        tasks = tool.answers(queue.read_bytes())
        answers = reviewer.answers(
            tasks, truth, dataset.classes, datetime.now(UTC) - timedelta(hours=1)
        )
        name = f"{reviewer.author}-{time.time_ns()}.json"
        (folder / name).write_bytes(answered(queue.read_bytes(), answers))
        given += len(answers)
    return given


def retract(project: Project, dataset: Dataset, reviewer: SimulatedReviewer) -> None:
    """Drop the decision to take back all votes of a reviewer into reviews/NAME."""
    order = {
        "actor": f"human:{reviewer.author}",
        "by": "human:simulated_lead",
        "decided_at": datetime.now(UTC).isoformat(),
        "reason": "answers look like guesses",
    }
    path = project.reviews(dataset.name) / f"retract-{reviewer.author}.json"
    path.write_text(json.dumps({"retract": order}), encoding="utf-8")
