"""Runs jobs of a project's code location in this process, as Dagster runs in its instance."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg
from dagster import DagsterEventType, DagsterInstance

from orchestration.errors import OrchestrationError
from orchestration.project import Project
from orchestration.resources import dagster_instance

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
POLL_SECONDS = 0.5
INTERRUPTS = ("KeyboardInterrupt", "DagsterExecutionInterruptedError")

Progress = Callable[[str], None]


class RunFailed(OrchestrationError):
    """A run ended in failure; main is as it was unless its publishing step had ended.

    Attributes:
        job: Name of the job.
        run_id: Its run.
        failures: Asset or step, with the reason.
        failed_checks: Asset checks that failed, each with what it says of it.
    """

    def __init__(
        self, job: str, run_id: str, failures: Mapping[str, str], failed_checks: Mapping[str, str]
    ) -> None:
        self.job = job
        self.run_id = run_id
        self.failures = dict(failures)
        self.failed_checks = dict(failed_checks)
        told = [f"{name}: {reason}" for name, reason in failures.items()]
        told += [f"{name} does not hold: {why}" for name, why in failed_checks.items() if why]
        told = told or [f"{name} does not hold" for name in failed_checks]
        super().__init__(f"{job} failed (run {run_id}). {'; '.join(told)}")


@dataclass(frozen=True)
class Finished:
    """A run that succeeded.

    Attributes:
        run_id: The run.
        metadata: By asset name, the metadata of its materialization.
        failed_checks: Checks that failed without blocking, each with what it says of it.
    """

    run_id: str
    metadata: Mapping[str, Mapping[str, Any]]
    failed_checks: Mapping[str, str]


@dataclass(frozen=True)
class Runner:
    """The jobs of a project, run in this process."""

    definitions: dg.Definitions
    instance: DagsterInstance

    @staticmethod
    def of(project: Project) -> "Runner":
        """A runner over the project's code location and its Dagster instance."""
        from orchestration.location import definitions

        return Runner(definitions(project), dagster_instance(project))

    def run(
        self,
        job: str,
        *,
        partition: str | None = None,
        progress: Progress | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> Finished:
        """Run one job to its end.

        Args:
            job: Name of the job.
            partition: Batch, for jobs of batches; it is made known first.
            progress: Called with the name of each asset when its step starts.
            tags: Of the run.

        Raises:
            RunFailed: names what failed and why.
            KeyboardInterrupt: somebody interrupted it; its branch stays, main is as it was.
        """
        definition = self.definitions.resolve_job_def(job)
        if partition is not None:
            self.instance.add_dynamic_partitions(_partitions_of(definition), [partition])
        with _Watch(self.instance, job, progress):
            result = definition.execute_in_process(
                run_config=QUIET,
                instance=self.instance,
                partition_key=partition,
                tags=dict(tags or {}),
                raise_on_error=False,
            )
        events = list(result.all_events)
        checks = [
            e.asset_check_evaluation_data
            for e in events
            if e.event_type == DagsterEventType.ASSET_CHECK_EVALUATION
        ]
        failed = {f"{c.asset_key.path[-1]}.{c.check_name}": _why(c) for c in checks if not c.passed}
        if any(_interrupted(event) for event in events):
            raise KeyboardInterrupt
        if not result.success:
            raise RunFailed(job, result.run_id, _failures(events), failed)
        return Finished(result.run_id, _metadata(events), failed)


def _partitions_of(job: dg.JobDefinition) -> str:
    definition = job.partitions_def
    if not isinstance(definition, dg.DynamicPartitionsDefinition) or definition.name is None:
        raise OrchestrationError(f"job '{job.name}' has no batches to choose one of")
    return definition.name


def _why(check: Any) -> str:
    """What a check says of its failure, under whichever of its two names."""
    told = check.metadata.get("failed") or check.metadata.get("what happened")
    return str(told.value) if told is not None else ""


def _metadata(events: Sequence[Any]) -> dict[str, dict[str, Any]]:
    return {
        event.asset_key.path[-1]: {
            name: value.value
            for name, value in event.step_materialization_data.materialization.metadata.items()
        }
        for event in events
        if event.event_type == DagsterEventType.ASSET_MATERIALIZATION
    }


def _interrupted(event: Any) -> bool:
    """Whether a step ended because somebody interrupted the run: Dagster tells it as a failure."""
    if event.event_type != DagsterEventType.STEP_FAILURE:
        return False
    error = event.step_failure_data.error
    while error is not None and error.cls_name not in INTERRUPTS:
        error = error.cause
    return error is not None


def _failures(events: Sequence[Any]) -> dict[str, str]:
    found = {}
    for event in events:
        if event.event_type == DagsterEventType.STEP_FAILURE:
            error = event.step_failure_data.error
            while error is not None and error.cause is not None:
                error = error.cause
            # What a blocking check found stands with the failed checks, in its own words.
            if error is not None and error.cls_name == "DagsterAssetCheckFailedError":
                continue
            data = event.step_failure_data.user_failure_data
            reason = (data.description if data else None) or (error.message if error else "")
            found[event.step_key.split("__")[-1]] = " ".join(str(reason).split())
    return found


class _Watch:
    """Tells a callback which step runs, by looking at the instance's event log."""

    def __init__(self, instance: DagsterInstance, job: str, progress: Progress | None) -> None:
        self._instance, self._job, self._progress = instance, job, progress
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> None:
        if self._progress is not None:
            self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._done.set()
        if self._progress is not None:
            self._thread.join()

    def _look(self) -> None:
        seen = ""
        while not self._done.wait(POLL_SECONDS):
            runs = self._instance.get_runs(dg.RunsFilter(job_name=self._job), limit=1)
            started = (
                [
                    s.step_key
                    for s in self._instance.get_run_step_stats(runs[0].run_id)
                    if s.start_time and not s.end_time
                ]
                if runs
                else []
            )
            if started and started[-1] != seen and self._progress is not None:
                seen = started[-1]
                self._progress(seen.split("__")[-1])
