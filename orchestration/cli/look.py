"""Commands that look and change nothing: status, releases, sql, trace, diff."""

from dataclasses import asdict
from typing import Annotated, Any

import typer

from assets.tracing import trace_item
from orchestration import frames
from orchestration.cli.chosen import choose
from orchestration.cli.options import (
    AtOption,
    DatasetArgument,
    DatasetOption,
    JsonOption,
    ProjectOption,
)
from orchestration.cli.output import answered, console, emit_json, show_frame, show_rows
from orchestration.status import release_rows, status_of
from quality.lineage.differences import label_differences, label_flows
from quality.lineage.trace import Trace, TracedChange
from quality.schema import LABELS


def status(
    dataset: DatasetArgument = None, project: ProjectOption = None, as_json: JsonOption = False
) -> None:
    """What waits, what failed, and the last releases.

    Example: hallmark status digits
    """
    with answered():
        chosen = choose(project, dataset)
        found = status_of(chosen.project, chosen.dataset)
    if as_json:
        emit_json(asdict(found))
        return
    show_rows(
        [{"waits": name, "count": count} for name, count in found.waiting.items()],
        empty="nothing waits",
    )
    failed = [
        {name: run[name] for name in ("run", "job", "branch", "at")} for run in found.failed_runs
    ]
    show_rows(failed, title="\nFailed runs", empty="\nno run failed")
    show_rows(found.releases, title="\nLast releases", empty="\nnothing is released yet")


def releases(
    dataset: DatasetArgument = None, project: ProjectOption = None, as_json: JsonOption = False
) -> None:
    """All releases of a dataset, newest first.

    Example: hallmark releases digits --json
    """
    with answered():
        rows = release_rows(choose(project, dataset).store)
    if as_json:
        emit_json(rows)
    else:
        show_rows(rows, empty="nothing is released yet; `hallmark snapshot` makes a release")


def sql(
    query: Annotated[str, typer.Argument(help="One SQL statement over the dataset's tables.")],
    at: AtOption = "main",
    dataset: DatasetOption = None,
    project: ProjectOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask a dataset at any version in SQL (DuckDB).

    Tables: items, votes, labels, scores, history, predictions.

    Example: hallmark sql "SELECT label, count(*) FROM labels GROUP BY label" --at v0001
    """
    with answered():
        store = choose(project, dataset).store
        frame = frames.query(store, query, at)
    show_frame(frame, as_json=as_json)


def trace(
    item: Annotated[str, typer.Argument(help="Item id, its beginning, or the file it came from.")],
    at: AtOption = "main",
    dataset: DatasetOption = None,
    project: ProjectOption = None,
    as_json: JsonOption = False,
) -> None:
    """One label: every vote behind it, and every change it went through.

    Example: hallmark trace 3f9a02c1 --at v0002
    """
    with answered():
        found = trace_item(choose(project, dataset).store, item, at=at)
    if as_json:
        emit_json(asdict(found))
    else:
        show_trace(found)


def show_trace(found: Trace) -> None:
    """Print a trace for people."""
    sure = f", confidence {found.confidence:.3f}" if found.confidence is not None else ""
    console.print(f"item   {found.item_id}\nsource {found.source_uri}", highlight=False)
    for parent in found.parents:
        console.print(f"made of {parent}", highlight=False)
    console.print(f"label  [bold]{found.label}[/bold] ({found.state}, since {found.since}{sure})")
    regions = [
        {
            "region": r["label"],
            "where": " ".join(f"{side:g}" for side in r["geometry"]),
            "confidence": r["confidence"],
            "drawn by": ", ".join(r["actors"]),
            "tied": "yes" if r["tied"] else "",
        }
        for r in found.regions
    ]
    if regions:
        show_rows(regions, title="\nRegions", empty="")
    changes = [
        {
            "release": c.release,
            "from": c.from_label,
            "to": c.to_label,
            "cause": c.cause,
            "caused by": _behind(c),
        }
        for c in found.changes
    ]
    show_rows(changes, title="\nChanges", empty="\nthe label has never been set")
    votes = [
        {
            "vote": v.vote_id[:10],
            "actor": v.actor,
            "version": v.actor_version[:10],
            "kind": v.kind,
            "label": v.label,
            "score": v.score,
            "trained on": v.trained_on,
            "fate": v.fate,
        }
        for v in found.votes
        if v.label is not None or v.kind == "retract"
    ]
    show_rows(votes, title="\nVotes", empty="\nno votes")
    silent = len(found.votes) - len(votes)
    if silent:
        console.print(f"and {silent} abstentions; --json lists them")


def _behind(change: TracedChange) -> str:
    """A new item's first votes are not listed one by one."""
    first = change.cause == "new_item" and not change.caused_by
    return "its first votes" if first else _short(change.caused_by)


def _short(ids: tuple[str, ...], most: int = 3) -> str:
    shown = ", ".join(i[:10] for i in ids[:most])
    return shown + (f" and {len(ids) - most} more" if len(ids) > most else "")


def diff(
    left: Annotated[str, typer.Argument(help="The older release, commit or branch.")],
    right: Annotated[str, typer.Argument(help="The newer one.")],
    dataset: DatasetOption = None,
    project: ProjectOption = None,
    items: Annotated[bool, typer.Option("--items", help="List every item.")] = False,
    as_json: JsonOption = False,
) -> None:
    """What changed between two versions: labels added, removed, changed from class to class.

    Example: hallmark diff v0001 v0002 --items
    """
    with answered():
        store = choose(project, dataset).store
        tables = [store.table(store.head(ref), f"{LABELS.name}/") for ref in (left, right)]
        old, new = (LABELS.empty() if t is None else t.collect() for t in tables)
        found = label_differences(old, new)
    by_change = dict(found["change"].value_counts().sort("change").iter_rows())
    if as_json:
        answer: dict[str, Any] = {"counts": by_change, "flows": label_flows(found).to_dicts()}
        emit_json(answer | ({"items": found.to_dicts()} if items else {}))
        return
    show_rows(
        [{"change": name, "labels": n} for name, n in by_change.items()],
        empty=f"no label differs between {left} and {right}",
    )
    show_frame(found if items else label_flows(found), as_json=False, empty="")
