"""Which runs failed, by Dagster's history and by our own notes, which outlive its pruning."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg

from orchestration.project import Project

DATASET_TAG = "hallmark/dataset"


@dataclass(frozen=True)
class FailedRun:
    """One run that failed.

    Attributes:
        run: Its id.
        job: Name of the job; `automation` where assets were asked for by their conditions.
        dataset: Whose it was; empty where it was of none.
        branch: The run's branch, where what it had written can be looked at.
        at: When it was known to have failed, ISO 8601 in UTC.
        message: What Dagster said.
    """

    run: str
    job: str
    dataset: str
    branch: str
    at: str
    message: str = ""


def failed_run(run: dg.DagsterRun, at: datetime, message: str = "") -> FailedRun:
    """A run of Dagster's as one that failed."""
    assets = sorted(key.path[0] for key in run.asset_selection or ())
    return FailedRun(
        run=run.run_id,
        job="automation" if run.job_name.startswith("__") else run.job_name,
        dataset=run.tags.get(DATASET_TAG) or (assets[0] if assets else ""),
        branch=f"run-{run.root_run_id or run.run_id}",
        at=at.astimezone(UTC).isoformat(timespec="seconds"),
        message=message,
    )


def note(project: Project, failed: FailedRun) -> None:
    """Append a failed run to the project's own list, a JSON object a line."""
    path = _list_of(project)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as out:
        out.write(json.dumps(asdict(failed)) + "\n")


def last_failed(
    project: Project, instance: dg.DagsterInstance, dataset: str, most: int
) -> list[FailedRun]:
    """The last failed runs of a dataset, newest first."""
    records = instance.get_run_records(
        dg.RunsFilter(tags={DATASET_TAG: dataset}, statuses=[dg.DagsterRunStatus.FAILURE]),
        limit=most,
    )
    known = [failed_run(r.dagster_run, r.update_timestamp) for r in records]
    noted = (one for one in _noted(project) if one.dataset == dataset)
    by_run = {one.run: one for one in [*known, *noted]}
    return sorted(by_run.values(), key=lambda one: one.at, reverse=True)[:most]


def _noted(project: Project) -> Iterator[FailedRun]:
    path = _list_of(project)
    if not path.exists():
        return
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            yield FailedRun(**json.loads(line))
        except (ValueError, TypeError):
            # Cut off by a crash, or of an older Hallmark; Dagster's history may have the run.
            continue


def _list_of(project: Project) -> Path:
    return project.root / ".hallmark" / "failed_runs.jsonl"
