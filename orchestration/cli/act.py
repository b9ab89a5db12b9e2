"""Commands that run the chain: ingest, snapshot, retrain, and review."""

import json
import re
import shutil
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import polars as pl
import typer

from assets.chain import trained_labelers
from assets.ingestion.inbox import look
from assets.review.files import waiting_reviews
from assets.review.retractions import ACTOR
from orchestration.cli.chosen import Chosen, choose
from orchestration.cli.options import DatasetArgument, DatasetOption, JsonOption, ProjectOption
from orchestration.cli.output import (
    WRONG_INPUT,
    answered,
    console,
    emit_json,
    errors,
    progress,
    show_rows,
)
from orchestration.errors import (
    NobodyVoted,
    NotAnActor,
    NothingLearns,
    OrchestrationError,
    ReviewFileMissing,
)
from orchestration.runner import Finished, Runner
from quality.schema import VOTES

review = typer.Typer(
    no_args_is_help=True, help="Send items out to people, and take their answers in."
)


def ingest(
    dataset: DatasetArgument = None,
    project: ProjectOption = None,
    now: Annotated[
        bool, typer.Option("--now", help="Take files that changed a moment ago, too.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Take in what lies complete in the inbox: one batch a file or folder.

    Example: hallmark ingest digits
    """
    with answered():
        chosen = choose(project, dataset)
        settle = 0.0 if now else chosen.dataset.ingestion.settle_seconds
        inbox = chosen.project.inbox(chosen.dataset.name)
        found = look(inbox, settle, time.time(), cache=chosen.project.cache())
        rows = [
            _batch(a.batch, _run(chosen, "ingest", partition=a.batch, quiet=as_json))
            for a in found.arrivals
        ]
        waiting = [{"file": w.name, "waits because": w.reason} for w in found.waiting]
    if as_json:
        emit_json({"batches": rows, "waiting": waiting})
        return
    show_rows(rows, empty=f"nothing new and complete in {inbox}")
    if waiting:
        show_rows(waiting, title="\nNot taken", empty="")
    if any(row["rejected"] for row in rows):
        rejects = chosen.project.rejects(chosen.dataset.name)
        console.print(f"why rows were rejected: {rejects}", soft_wrap=True)


def _batch(batch: str, run: Finished) -> dict[str, Any]:
    items = run.metadata.get("items", {})
    wanted = ("taken", "duplicates", "rejected")
    return {"batch": batch, **{name: items.get(name) for name in wanted}, "run": run.run_id[:8]}


def _run(chosen: Chosen, job: str, *, partition: str | None = None, quiet: bool) -> Finished:
    name = f"{chosen.dataset.name}_{job}"
    with progress(name, quiet=quiet) as tell:
        found = Runner.of(chosen.project).run(name, partition=partition, progress=tell)
    for check, why in found.failed_checks.items():
        told = f"look: {check} failed" + (f": {why}" if why else "")
        errors.print(told, style="yellow", markup=False, soft_wrap=True)
    return found


def snapshot(
    dataset: DatasetArgument = None, project: ProjectOption = None, as_json: JsonOption = False
) -> None:
    """Fold all votes into labels, judge them, and release them if they pass the gate.

    Exits with 3 where the gate refuses; main is then as it was.

    Example: hallmark snapshot digits
    """
    with answered():
        chosen = choose(project, dataset)
        released = _run(chosen, "snapshot", quiet=as_json).metadata["release"]
    answer = {name: released.get(name) for name in ("release", "changed", "commit")}
    if as_json:
        emit_json(answer)
    elif answer["changed"]:
        console.print(f"released [bold]{answer['release']}[/bold] at {str(answer['commit'])[:12]}")
    else:
        console.print(f"nothing changed: {answer['release']} stands")


def retrain(
    dataset: DatasetArgument = None, project: ProjectOption = None, as_json: JsonOption = False
) -> None:
    """Train a candidate of every trained labeler on the last release; the better one wins.

    Example: hallmark retrain digits
    """
    with answered():
        chosen = choose(project, dataset)
        if not trained_labelers(chosen.dataset):
            raise NothingLearns(chosen.dataset.name)
        found = _run(chosen, "retrain", quiet=as_json)
    rows = [
        {"champion": name.removesuffix("_champion"), **_told(metadata)}
        for name, metadata in found.metadata.items()
        if name.endswith("_champion")
    ]
    if as_json:
        emit_json(rows)
    else:
        show_rows(rows, empty="retraining is not due; `hallmark status` says what waits")


def _told(metadata: Any) -> dict[str, Any]:
    return {name: metadata.get(name) for name in ("promoted", "version", "accuracy", "reason")}


@review.command("export")
def review_export(
    dataset: DatasetArgument = None,
    project: ProjectOption = None,
    to: Annotated[
        Path | None, typer.Option("--to", help="Copy the newest tasks into this folder.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Pick what people should look at, and write it as tasks with predictions.

    What waits in an earlier file is not picked again.

    Example: hallmark review export digits --to /tmp/tasks
    """
    with answered():
        chosen = choose(project, dataset)
        run = _run(chosen, "queue", quiet=as_json)
        chosen.store.drop_branch(f"run-{run.run_id}")
        folder = chosen.project.queue(chosen.dataset.name)
        files = sorted(folder.glob("*.json"), key=lambda p: p.stat().st_mtime)
        if not files:
            raise OrchestrationError(
                "there is nothing that people should look at; `hallmark status` says what waits"
            )
        newest = files[-1]
        if to is not None:
            to.mkdir(parents=True, exist_ok=True)
            for part in (newest, *folder.glob("*.xml")):
                shutil.copy(part, to / part.name)
            newest = to / newest.name
    tasks = len(json.loads(newest.read_bytes()))
    if as_json:
        emit_json({"file": str(newest), "tasks": tasks})
    else:
        console.print(f"{tasks} tasks in {newest}")


@review.command("import")
def review_import(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Exports to drop into reviews/NAME first.")
    ] = None,
    dataset: DatasetOption = None,
    project: ProjectOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take in what people answered. The same file twice changes nothing.

    Exits with 2 where a file is no review export; it is kept as it came, the others are taken in.

    Example: hallmark review import export.json -d digits
    """
    with answered():
        chosen = choose(project, dataset)
        folder = chosen.project.reviews(chosen.dataset.name)
        folder.mkdir(parents=True, exist_ok=True)
        for path in files or []:
            if not path.is_file():
                raise ReviewFileMissing(path)
            shutil.copy(path, folder / path.name)
        if not waiting_reviews(folder, 0, time.time()):
            raise OrchestrationError(f"no review file waits in {folder}")
        found = _run(chosen, "import_reviews", quiet=as_json).metadata["human_votes"]
    wanted = ("tasks_in", "accepted", "duplicate", "conflict", "rejected")
    answer = {name: found.get(name) for name in wanted}
    if as_json:
        emit_json(answer | {name: found[name] for name in ("set_aside", "files_unreadable")})
    else:
        show_rows([answer], empty="")
        for reason, count in found["set_aside"].items():
            console.print(f"set aside {count}: {reason}", markup=False, soft_wrap=True)
        for name, reason in found["files_unreadable"].items():
            console.print(f"unreadable: {name}: {reason}", markup=False, soft_wrap=True)
    if found["files_unreadable"]:
        raise typer.Exit(WRONG_INPUT)


@review.command("retract")
def review_retract(
    actor: Annotated[str, typer.Argument(help="Whose votes, for example human:careless.")],
    by: Annotated[str, typer.Option("--by", help="Who decided, for example human:lead.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; it is kept with the votes.")],
    dataset: DatasetOption = None,
    project: ProjectOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take back all votes of an actor. They stay in the ledger and do not count.

    Exits with 2 where nobody of this name has voted.

    Example: hallmark review retract human:careless --by human:lead --reason "guessed"
    """
    with answered():
        chosen = choose(project, dataset)
        for name in (actor, by):
            if not re.fullmatch(ACTOR, name):
                raise NotAnActor(name)
        voters = _voters(chosen)
        if actor not in voters:
            raise NobodyVoted(actor, voters)
        folder = chosen.project.reviews(chosen.dataset.name)
        folder.mkdir(parents=True, exist_ok=True)
        now = datetime.now(UTC)
        order = {"actor": actor, "by": by, "reason": reason, "decided_at": now.isoformat()}
        path = folder / f"retract-{now:%Y%m%dT%H%M%S}.json"
        path.write_text(json.dumps({"retract": order}), encoding="utf-8")
    review_import(files=None, dataset=dataset, project=project, as_json=as_json)


def _voters(chosen: Chosen) -> tuple[str, ...]:
    """Everybody who has cast a vote, by name."""
    votes = chosen.store.table(chosen.store.head(), f"{VOTES.name}/")
    if votes is None:
        return ()
    cast = votes.filter(pl.col("kind") != "retract").select(pl.col("actor").unique().sort())
    return tuple(cast.collect()["actor"])
