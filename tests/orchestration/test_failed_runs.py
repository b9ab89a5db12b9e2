"""Failed runs are told of as long as the project is there, whatever Dagster remembers."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from orchestration.failed_runs import DATASET_TAG, FailedRun, failed_run, last_failed, note
from orchestration.location import definitions
from orchestration.project import Project, open_project

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
DATASET = """\
name: films
modality: text
ontology: {classes: [a, b]}
labelers: [{name: linear, kind: sklearn}]
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "hallmark.yaml").write_text("label_studio: {url: 'http://x', projects: {films: 3}}")
    (tmp_path / "datasets").mkdir()
    (tmp_path / "datasets" / "films.yaml").write_text(DATASET)
    return open_project(tmp_path, {})


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test() as made:
        yield made


def fails(instance: dg.DagsterInstance, dataset: str = "films") -> dg.DagsterRun:
    @dg.op
    def breaks() -> None:
        raise ValueError("broken")

    @dg.job(tags={DATASET_TAG: dataset})
    def films_snapshot() -> None:
        breaks()

    ended = films_snapshot.execute_in_process(instance=instance, raise_on_error=False)
    run = instance.get_run_by_id(ended.run_id)
    assert run is not None
    return run


def test_a_failed_run_is_known_when_dagster_has_forgotten_it(
    project: Project, instance: dg.DagsterInstance
) -> None:
    run = fails(instance)
    note(project, failed_run(run, LONG_AGO, "broken"))
    instance.delete_run(run.run_id)
    (told,) = last_failed(project, instance, "films", 5)
    assert (told.run, told.job, told.message) == (run.run_id, "films_snapshot", "broken")


def test_a_run_that_both_know_is_told_once(project: Project, instance: dg.DagsterInstance) -> None:
    run = fails(instance)
    note(project, failed_run(run, datetime.now(UTC)))
    assert [one.run for one in last_failed(project, instance, "films", 5)] == [run.run_id]


def test_another_datasets_failures_are_not_told(
    project: Project, instance: dg.DagsterInstance
) -> None:
    note(project, failed_run(fails(instance, "songs"), LONG_AGO))
    assert last_failed(project, instance, "films", 5) == []


def test_the_newest_come_first_and_no_more_than_asked(
    project: Project, instance: dg.DagsterInstance
) -> None:
    for day in (2, 3, 1):
        at = (LONG_AGO + timedelta(days=day)).isoformat()
        note(project, FailedRun(f"r{day}", "films_ingest", "films", f"run-r{day}", at))
    assert [one.run for one in last_failed(project, instance, "films", 2)] == ["r3", "r2"]


def test_a_line_that_cannot_be_read_hides_no_other(
    project: Project, instance: dg.DagsterInstance
) -> None:
    notes = project.root / ".hallmark" / "failed_runs.jsonl"
    notes.parent.mkdir()
    notes.write_text('{"run_id": "old form"}\n{"run": "cut o\n')
    note(project, FailedRun("r", "films_ingest", "films", "run-r", LONG_AGO.isoformat()))
    assert [one.run for one in last_failed(project, instance, "films", 5)] == ["r"]


def test_a_run_asked_for_by_automation_is_its_assets_datasets() -> None:
    run = dg.DagsterRun(
        job_name="__ASSET_JOB", asset_selection=frozenset({dg.AssetKey(["films", "training_set"])})
    )
    told = failed_run(run, LONG_AGO)
    assert (told.job, told.dataset) == ("automation", "films")


def test_every_sensor_schedule_and_job_says_what_it_is_for(project: Project) -> None:
    found = definitions(project)
    named = [*(found.sensors or []), *(found.schedules or []), *(found.jobs or [])]
    assert len(named) > 10
    assert not [one.name for one in named if not one.description]
