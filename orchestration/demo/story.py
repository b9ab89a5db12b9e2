"""The demo's story, told step by step: every step is a real run on the embedded lakeFS."""

import json
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assets.dataset_file.loading import load
from assets.dataset_file.models import Dataset
from assets.ports import DatasetStore
from assets.review.simulated import SimulatedReviewer
from assets.tracing import trace_item
from orchestration import frames
from orchestration.cli.look import show_trace
from orchestration.cli.output import console, progress
from orchestration.demo.cast import ANA, BEN, MIA, answer, newest_queue, retract
from orchestration.demo.digits import BATCHES, DemoBatch, write_batch
from orchestration.demo.summary import show_summary, summary
from orchestration.project import Project, connect, open_project
from orchestration.runner import Finished, RunFailed, Runner
from orchestration.scaffold import scaffold
from orchestration.settings import FILE_NAME
from orchestration.store import embedded

NAME = "digits"
MONDAY, SCANNER, TUESDAY, WEDNESDAY = BATCHES


@dataclass
class Demo:
    """The demo's project while the story is told."""

    project: Project
    dataset: Dataset
    runner: Runner
    truth: dict[str, str] = field(default_factory=dict)
    figures: dict[str, Any] = field(default_factory=dict)
    told: int = 0

    @property
    def memory(self) -> Path:
        """Where it is kept how far the story is told."""
        return self.project.root / ".hallmark" / "demo.json"

    def remember(self) -> None:
        """Keep how far the story is told, for the next call."""
        known = {"told": self.told, "figures": self.figures, "truth": self.truth}
        self.memory.write_text(json.dumps(known, indent=1), encoding="utf-8")

    @property
    def store(self) -> DatasetStore:
        """The store of the digits."""
        return connect(self.project).of(NAME)

    def run(self, job: str, partition: str | None = None) -> Finished:
        """Run one job of the digits."""
        with progress(job) as told:
            return self.runner.run(f"{NAME}_{job}", partition=partition, progress=told)

    def say(self, text: str) -> None:
        """Tell what happened."""
        console.print(f"   {text}", highlight=False)


def tell(folder: Path, *, reset: bool) -> dict[str, Any]:
    """Tell the whole story in a project folder; the measured figures.

    A story that was cut off goes on with the step that it was cut off in; one that was told to
    its end is summed up. Reset starts over.
    """
    if reset:
        _clear(folder)
    demo = _open(folder)
    for number, (title, step) in enumerate(STEPS):
        console.rule(f"[bold]{title}", align="left")
        if number < demo.told:
            demo.say("done before; RESET=1 make demo starts over")
            continue
        begun = time.perf_counter()
        step(demo)
        demo.figures["seconds"] = demo.figures.get("seconds", 0.0) + time.perf_counter() - begun
        demo.told = number + 1
        demo.remember()
    found = summary(demo.store, demo.truth, demo.figures)
    show_summary(found, folder)
    embedded.stop(demo.project.lakefs_data())
    return found


def _clear(folder: Path) -> None:
    """Delete a demo's project; a folder that is none is left alone."""
    if (folder / FILE_NAME).exists():
        embedded.stop((folder / ".hallmark" / "lakefs").resolve())
        shutil.rmtree(folder)


def _open(folder: Path) -> Demo:
    if not (folder / FILE_NAME).exists():
        scaffold(folder, NAME)
    project = open_project(folder)
    demo = Demo(project, load(project.datasets() / f"{NAME}.yaml"), Runner.of(project))
    if demo.memory.exists():
        known = json.loads(demo.memory.read_text(encoding="utf-8"))
        demo.truth, demo.figures, demo.told = known["truth"], known["figures"], known["told"]
    return demo


def _ingest(demo: Demo, batch: DemoBatch) -> None:
    demo.truth |= write_batch(batch, demo.project.inbox(NAME))
    arrived = _arrived(demo)
    if arrived is None:
        demo.say(f"'{batch.name}' was taken in before")
        return
    found = demo.run("ingest", arrived)
    items = found.metadata["items"]
    demo.say(
        f"{items['taken']} images of '{batch.name}' became items, {items['rejected']} rejected"
    )
    for asset, metadata in found.metadata.items():
        if asset.startswith("votes_"):
            cast = metadata.get("votes", 0)
            demo.say(f"{asset}: {cast} votes, {metadata.get('abstentions', 0)} abstentions")


def _arrived(demo: Demo) -> str | None:
    from assets.ingestion.inbox import arrivals

    inbox = demo.project.inbox(NAME)
    found = arrivals(inbox, 0, time.time(), cache=demo.project.cache())
    return found[0].batch if found else None


def _review(demo: Demo, reviewers: Sequence[SimulatedReviewer]) -> None:
    found = demo.run("queue")
    demo.store.drop_branch(f"run-{found.run_id}")
    queue = newest_queue(demo.project, demo.dataset)
    demo.say(f"{found.metadata['review_queue']['dagster/row_count']} tasks in {queue.name}")
    demo.say(f"drift: {found.metadata['drift']['verdict']}")
    differ = found.metadata["agreement"].get("models_differ")
    if differ is not None:
        demo.say(f"where two models vote they differ on {differ:.1%}")
    names = " and ".join(r.author for r in reviewers)
    given = answer(demo.project, demo.dataset, queue, reviewers, demo.truth)
    demo.say(f"{names} gave {given} answers")
    _import(demo)
    demo.figures["human_votes"] = demo.figures.get("human_votes", 0) + given


def _import(demo: Demo) -> None:
    books = demo.run("import_reviews").metadata["human_votes"]
    demo.say(
        f"{books['tasks_in']} in = {books['accepted']} accepted + {books['duplicate']} duplicate "
        f"+ {books['conflict']} conflict + {books['rejected']} rejected"
    )


def _release(demo: Demo) -> None:
    found = demo.run("snapshot").metadata
    unseen = found["consensus"]
    made = found.get("synthetic_items", {}).get("dagster/row_count", 0)
    how = "calibrated" if unseen["calibrated"] else "as the dataset file says"
    demo.say(
        f"{unseen['judged_blind']} items judged blind; labels that nobody looked at count from "
        f"confidence {unseen['accepted_from']:.3g}, {how}"
    )
    if made:
        demo.say(f"{made} synthetic digits made of the last release's labels")
    released = found["release"]
    demo.say(f"released [bold]{released['release']}[/bold] at {released['commit'][:12]}")


def _first_batch(demo: Demo) -> None:
    _ingest(demo, MONDAY)


def _first_review(demo: Demo) -> None:
    _review(demo, (ANA, BEN))


def _drifted_batch(demo: Demo) -> None:
    _ingest(demo, SCANNER)
    _review(demo, (ANA, BEN))


def _poisoned_batch(demo: Demo) -> None:
    _ingest(demo, TUESDAY)
    _review(demo, (ANA, BEN, MIA))
    before = demo.store.head()
    try:
        demo.run("snapshot")
    except RunFailed as refused:
        for check, why in refused.failed_checks.items():
            if check.startswith("snapshot."):
                demo.say(f"the gate refused: {why}")
        demo.figures["refused"] = refused.failed_checks
    untouched = demo.store.head() == before
    demo.figures["main_untouched"] = untouched
    demo.say(f"main is {'untouched' if untouched else 'NOT as it was'}")


def _second_release(demo: Demo) -> None:
    retract(demo.project, demo.dataset, MIA)
    _import(demo)
    _release(demo)


def _retraining(demo: Demo) -> None:
    found = demo.run("retrain")
    for asset, metadata in found.metadata.items():
        if asset.endswith("_champion"):
            verdict = "promoted" if metadata["promoted"] else "not promoted"
            accuracy = f", accuracy {metadata['accuracy']:.3f}" if "accuracy" in metadata else ""
            demo.say(
                f"{asset.removesuffix('_champion')}: {verdict}{accuracy}; {metadata['reason']}"
            )
            demo.figures[asset] = {k: metadata.get(k) for k in ("promoted", "accuracy", "reason")}


def _with_champions(demo: Demo) -> None:
    _ingest(demo, WEDNESDAY)
    for batch in _batches(demo, (MONDAY, TUESDAY)):
        cast = demo.run("relabel", batch).metadata
        votes = sum(metadata.get("votes", 0) for metadata in cast.values())
        demo.say(f"the champions cast {votes} votes on '{batch}', too")
    _review(demo, (ANA, BEN))
    _release(demo)


def _batches(demo: Demo, batches: Sequence[DemoBatch]) -> list[str]:
    """Names under which batches of the demo are on main."""
    paths = [o.path for o in demo.store.listing(demo.store.head(), "items/")]
    names = {path.split("/")[1].removeprefix("batch=") for path in paths}
    return sorted(n for n in names if n.startswith(tuple(b.name for b in batches)))


def _trace(demo: Demo) -> None:
    changed = frames.query(
        demo.store,
        "SELECT item_id FROM history JOIN labels USING (item_id) "
        "WHERE from_label IS NOT NULL AND to_label IS NOT NULL "
        "ORDER BY state IN ('human', 'auto') DESC, release DESC, item_id LIMIT 1",
    )
    if changed.is_empty():
        demo.say("no label changed its class between the releases")
        return
    show_trace(trace_item(demo.store, changed.item(), at="main"))


STEPS = (
    ("1. A batch comes in, functions vote", _first_batch),
    ("2. What is unclear goes to people (simulated ones here)", _first_review),
    ("3. First release", _release),
    ("4. A batch from a new scanner: drift is noticed", _drifted_batch),
    ("5. A careless annotator (simulated): the gate refuses", _poisoned_batch),
    ("6. Her votes are taken back: second release", _second_release),
    ("7. Retraining on the release", _retraining),
    ("8. The champions vote on new and old batches: third release", _with_champions),
    ("9. One label, traced", _trace),
)
