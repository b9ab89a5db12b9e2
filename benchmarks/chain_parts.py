"""What benchmarks.chain measures, each part in a process of its own: ROOT PART ARGUMENTS."""

import json
import os
import resource
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from assets.ports import DatasetStore
from benchmarks.chain_source import CLASSES, NAME, export, write_items, write_project
from orchestration.project import Project, connect, open_project
from orchestration.store import embedded

MB = 1e6


def plain(root: Path, rows: int) -> dict[str, Any]:
    """The plain script, cold: its imports are in its figures as they are in the chain's."""
    from benchmarks import chain_plain

    write_project(root)
    write_items(root / "inbox" / NAME / "items.csv", rows)
    begun = time.perf_counter()
    stages = chain_plain.run(root)
    return {"seconds": time.perf_counter() - begun, "stages": stages, **_spent()}


def throughput(root: Path, rows: int) -> dict[str, Any]:
    """Ingestion, votes, snapshot and first release; then a second one with 1 % changed."""
    project = open_project(write_project(root))
    write_items(project.inbox(NAME) / "items.csv", rows)
    with _Server(project) as server:
        begun = time.perf_counter()
        stages = {**_ingest(project), **_snapshot(project)}
        first = {
            "seconds": time.perf_counter() - begun,
            "stages": stages,
            **_spent(server),
        }
        return first | {"second": _second(project, rows // 100)}


def _ingest(project: Project) -> dict[str, float]:
    from assets.ingestion.inbox import arrivals

    (one,) = arrivals(project.inbox(NAME), 0, time.time() + 60, cache=project.cache())
    return _run(project, "ingest", partition=one.batch)


def _snapshot(project: Project) -> dict[str, float]:
    return _run(project, "snapshot")


def _run(project: Project, job: str, partition: str | None = None) -> dict[str, float]:
    """Run a job; seconds by asset, and those that belong to none under the job's name."""
    from orchestration.runner import Runner

    begun = time.perf_counter()
    runner = Runner.of(project)
    finished = runner.run(f"{NAME}_{job}", partition=partition)
    seconds = time.perf_counter() - begun
    steps = {
        step.step_key.split("__")[-1]: step.end_time - step.start_time
        for step in runner.instance.get_run_step_stats(finished.run_id)
        if step.end_time and step.start_time
    }
    return {**steps, f"around {job}": seconds - sum(steps.values())}


def _second(project: Project, changed: int) -> dict[str, Any]:
    """What a second release costs in which people changed so many labels."""
    store = connect(project).of(NAME)
    labels = _table(store, "v0001", "labels/")
    labeled = labels.filter(pl.col("label").is_not_null()).sort("vote_set_sha256")
    taken = labeled.head(changed).select("item_id", "label")
    following = dict(zip(CLASSES, [*CLASSES[1:], CLASSES[0]], strict=True))
    answers = [(item, following[label]) for item, label in taken.iter_rows()]
    (project.reviews(NAME) / "answers.json").write_bytes(export(answers, reviewer="r0"))
    stored = _stored(project)
    begun = time.perf_counter()
    stages = _run(project, "import_reviews")
    stages |= _snapshot(project)
    seconds = time.perf_counter() - begun
    return {
        "seconds": seconds,
        "stages": stages,
        "labels_changed": _changed_labels(store),
        "first": _written(store, "v0001"),
        "second": _written(store, "v0002", before="v0001"),
        "stored_mb": (_stored(project) - stored) / MB,
    }


def _changed_labels(store: DatasetStore) -> int:
    return _table(store, "v0002", "history/").filter(pl.col("release") == "v0002").height


def _table(store: DatasetStore, ref: str, prefix: str) -> pl.DataFrame:
    found = store.table(store.head(ref), prefix)
    return pl.DataFrame() if found is None else found.collect()


def _written(store: DatasetStore, release: str, before: str | None = None) -> dict[str, Any]:
    """Objects and megabytes by table that a release has and the one before has not."""
    had = {o.path: o.sha256 for o in store.listing(store.head(before))} if before else {}
    objects, size = Counter[str](), Counter[str]()
    for one in store.listing(store.head(release)):
        if had.get(one.path) != one.sha256:
            table = one.path.split("/")[0]
            objects[table] += 1
            size[table] += one.size
    return {
        "objects": objects.total(),
        "mb": size.total() / MB,
        "by_table_mb": {table: round(n / MB, 3) for table, n in size.items()},
    }


def _stored(project: Project) -> int:
    return sum(p.stat().st_size for p in project.lakefs_data().rglob("*") if p.is_file())


def traces(root: Path, releases: int, rows: int) -> dict[str, Any]:
    """Seconds of `trace` after a few and after many releases.

    The releases after the first are made by the store and the tables' own functions, without
    runs: in each one vote file comes and one label of a hundred changes.
    """
    project = open_project(write_project(root))
    write_items(project.inbox(NAME) / "items.csv", rows)
    with _Server(project):
        _ingest(project)
        _snapshot(project)
        store = connect(project).of(NAME)
        item = _one_item(store)
        found = {}
        for number in range(2, releases + 1):
            _release(store, number)
            if number in {3, releases}:
                found[str(number)] = _latencies(project, item)
    return found


def _one_item(store: DatasetStore) -> str:
    return str(_table(store, "main", "items/")["item_id"].min())


def _latencies(project: Project, item: str) -> dict[str, float]:
    """Seconds by a process that never read anything, and by one that did."""
    from assets.tracing import trace_item
    from orchestration.store.stores import LakeFSStores

    connection = connect(project).of(NAME).repository.connection  # type: ignore[attr-defined]
    cold = []
    for attempt in range(3):
        empty = project.root / "empty" / f"{time.time_ns()}-{attempt}"
        store = LakeFSStores(connection, empty, repository_prefix="", storage_namespace="").of(NAME)
        cold.append(_seconds(lambda store=store: trace_item(store, item, at="main")))
    warm = [_seconds(lambda: trace_item(store, item, at="main")) for _ in range(9)]
    changes = len(trace_item(store, item, at="main").changes)
    return {
        "cold": statistics.median(cold),
        "warm": statistics.median(warm),
        "changes": changes,
    }


def _seconds(task: Callable[[], object]) -> float:
    begun = time.perf_counter()
    task()
    return time.perf_counter() - begun


def _release(store: DatasetStore, number: int) -> None:
    """One more release: some votes, one label of a hundred changed, its history, a tag."""
    from quality.lineage.buckets import cut, to_parquet
    from quality.lineage.labels import history_rows
    from quality.schema import HISTORY, LABELS, VOTES

    at, name = store.head(), f"v{number:04d}"
    labels, votes, history = (
        table.check(store.table(at, f"{table.name}/").collect())  # type: ignore[union-attr]
        for table in (LABELS, VOTES, HISTORY)
    )
    position = pl.int_range(pl.len())
    touched = (position % 100 == number % 100) | (position == 0)
    other = pl.when(pl.col("label") == "a").then(pl.lit("b")).otherwise(pl.lit("a"))
    now = labels.sort("item_id").with_columns(
        pl.when(touched).then(other).otherwise("label").alias("label"),
        pl.when(touched).then(pl.lit(name)).otherwise("since").alias("since"),
    )
    new_votes = _votes_on(votes, now.filter(pl.col("since") == name), number)
    changed = history_rows(
        now, labels, new_votes, release=name, recipe_changed=False, recipe_sha256=""
    )
    objects = {
        **dict(cut(now, "labels", 16)),
        **dict(cut(pl.concat([history, changed]), "history", 16)),
        f"votes/review={number:016d}/part.parquet": to_parquet(new_votes),
    }
    branch = store.branch(name)
    store.write(branch.name, objects, message=name)
    merged = store.publish(store.update(branch.name), name, message=name, metadata={})
    store.tag(name, merged.id)
    store.drop_branch(branch.name)


def _votes_on(votes: pl.DataFrame, changed: pl.DataFrame, number: int) -> pl.DataFrame:
    from quality.ledger import with_vote_ids
    from quality.schema import VOTES

    like = votes.unique("item_id", keep="first").drop("label")
    when = pl.lit(datetime(2024, 1, 1, number // 60, number % 60, tzinfo=UTC))
    rows = like.join(changed.select("item_id", "label"), on="item_id").with_columns(
        actor=pl.lit("human:r0"),
        actor_kind=pl.lit("human"),
        cast_at=when.cast(VOTES.columns["cast_at"]),
    )
    return VOTES.check(with_vote_ids(rows).select(list(VOTES.columns)).sort("item_id"))


class _Server:
    """The embedded server of a project, running before anything is timed."""

    def __init__(self, project: Project) -> None:
        self._project = project

    def __enter__(self) -> int:
        from infra.lakefs import process

        connect(self._project)
        server = process.find(self._project.lakefs_data())
        return server.pid if server else 0

    def __exit__(self, *_: object) -> None:
        embedded.stop(self._project.lakefs_data())


def _spent(server: int | None = None) -> dict[str, float]:
    """CPU seconds and peak memory of this process with its children, and of the server."""
    own, below = (
        resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    found = {
        "cpu": own.ru_utime + own.ru_stime + below.ru_utime + below.ru_stime,
        "peak_mb": own.ru_maxrss * 1024 / MB,
    }
    if server:
        numbers = Path(f"/proc/{server}/stat").read_text().rpartition(")")[2].split()
        ticks = int(numbers[11]) + int(numbers[12])
        status = dict(
            line.split(":", 1) for line in Path(f"/proc/{server}/status").read_text().splitlines()
        )
        found["server_cpu"] = ticks / os.sysconf("SC_CLK_TCK")
        found["server_peak_mb"] = int(status["VmHWM"].split()[0]) * 1024 / MB
    return found


PARTS: Mapping[str, Callable[..., dict[str, Any]]] = {
    "plain": plain,
    "throughput": throughput,
    "traces": traces,
}

if __name__ == "__main__":
    root, part, *numbers = sys.argv[1:]
    answer = PARTS[part](Path(root), *map(int, numbers))
    Path(root, "answer.json").write_text(json.dumps(answer), encoding="utf-8")
