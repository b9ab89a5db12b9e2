"""What waits, what failed, what was released: what `hallmark status` answers."""

import json
import time
from dataclasses import asdict, dataclass
from typing import Any

from assets.dataset_file.models import Dataset
from assets.ingestion.inbox import look
from assets.ports import DatasetStore
from assets.review.files import waiting_reviews
from orchestration.failed_runs import last_failed
from orchestration.project import Project, connect
from orchestration.resources import dagster_instance
from quality.schema import LABEL_STATES

LAST = 5


@dataclass(frozen=True)
class Status:
    """One dataset's state of affairs.

    Attributes:
        waiting: How much waits, by what it waits for.
        failed_runs: The last failed runs, newest first.
        releases: The last releases, newest first.
    """

    dataset: str
    waiting: dict[str, int]
    failed_runs: list[dict[str, Any]]
    releases: list[dict[str, Any]]


def status_of(project: Project, dataset: Dataset) -> Status:
    """The state of affairs of one dataset."""
    store = connect(project).of(dataset.name)
    inbox = look(
        project.inbox(dataset.name),
        dataset.ingestion.settle_seconds,
        time.time(),
        cache=project.cache(),
    )
    reviews = waiting_reviews(project.reviews(dataset.name), 0, time.time())
    return Status(
        dataset=dataset.name,
        waiting={
            "batches in the inbox": len(inbox.arrivals),
            "files still being written": len(inbox.waiting),
            "review files to import": len(reviews),
            "run branches to look at": len(store.run_branches()),
        },
        failed_runs=[
            asdict(one)
            for one in last_failed(project, dagster_instance(project), dataset.name, LAST)
        ],
        releases=release_rows(store)[:LAST],
    )


def release_rows(store: DatasetStore) -> list[dict[str, Any]]:
    """One row a release, newest first: when, which commit, how many labels in which state."""
    rows = []
    for name, commit in reversed(store.releases().items()):
        described = store.commit_at(commit)
        receipt = json.loads(store.read(commit, "receipts/gate.json"))
        rows.append(
            {
                "release": name,
                "created": described.created_at,
                "commit": commit[:12],
                **{state: receipt["states"].get(state, 0) for state in LABEL_STATES},
                "run": described.metadata.get("run_id", "")[:8],
            }
        )
    return rows
