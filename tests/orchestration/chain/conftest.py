"""A small project on scikit-learn's irises, whose whole chain runs in seconds."""

import csv
import io
import json
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assets.dataset_file.loading import load
from assets.dataset_file.models import Dataset
from assets.ingestion.inbox import arrivals
from assets.ports import DatasetStore
from assets.review.simulated import SimulatedReviewer
from orchestration.label_studio import LabelStudio, answered
from orchestration.project import Project, connect, open_project
from orchestration.runner import Finished, RunFailed, Runner
from orchestration.store import embedded
from quality.schema import ITEMS, LABELS

NAME = "irises"
COLUMNS = ("sepal_length", "sepal_width", "petal_length", "petal_width")
DATASET_FILE = """\
name: irises
owners: ["team:botany"]
modality: tabular
ontology:
  version: "1"
  classes: [setosa, versicolor, virginica]
ingestion: {settle_seconds: 0.0, reject_limit: 0.25}
labelers:
  - {name: rules, kind: functions, path: labeling/irises.py}
  - {name: linear, kind: sklearn, parameters: {max_iter: 300}}
consensus: {aggregator: majority, confidence_threshold: 0.55, weights: {human: 4.0}}
agreement: {min_actor_quality: 0.6, min_actor_votes: 10, replicates: 20}
review: {budget: 30}
drift: {permutations: 399, min_items: 20}
retraining: {min_new_labels: 20, replicates: 100}
storage: {buckets: 16}
"""
LABELING = '''\
"""What one sees of an iris at a glance."""

from assets.labelers import Item, labeling_function

KINDS = ("setosa", "versicolor", "virginica")


def _kind(value: float, small: float, large: float) -> str:
    return KINDS[(value > small) + (value > large)]


@labeling_function
def by_petal_length(item: Item) -> str:
    return _kind(item.row["petal_length"], 2.5, 4.8)


@labeling_function
def by_petal_width(item: Item) -> str:
    return _kind(item.row["petal_width"], 0.8, 1.7)


@labeling_function
def by_petal_area(item: Item) -> str:
    return _kind(item.row["petal_length"] * item.row["petal_width"], 2.0, 8.0)
'''
ANA = SimulatedReviewer("ana", error_rate=0.0, seed=1)
BEN = SimulatedReviewer("ben", error_rate=0.05, seed=2)
MIA = SimulatedReviewer("mia", error_rate=0.0, seed=3, careless=True)


@cache
def flowers() -> tuple[tuple[tuple[float, ...], str], ...]:
    """All irises in a settled order: their four measures and what they are."""
    from sklearn.datasets import load_iris

    bundle: Any = load_iris()
    order = np.random.default_rng(5).permutation(len(bundle.target))
    return tuple(
        (tuple(float(v) for v in bundle.data[i]), str(bundle.target_names[bundle.target[i]]))
        for i in order
    )


def as_csv(chosen: slice | Sequence[int]) -> str:
    """Some of the flowers as a CSV file, without what they are."""
    rows = flowers()
    picked = rows[chosen] if isinstance(chosen, slice) else [rows[i] for i in chosen]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(measures for measures, _ in picked)
    return out.getvalue()


@dataclass(frozen=True)
class Irises:
    """The project in a folder, and what a person would do with it."""

    root: Path

    @staticmethod
    def make(root: Path, dataset_file: str = DATASET_FILE) -> "Irises":
        """A new project that holds nothing yet."""
        for folder in ("datasets", "labeling", "inbox/irises", "reviews/irises"):
            (root / folder).mkdir(parents=True)
        (root / "hallmark.yaml").write_text(
            "executor: in_process\nlakefs: {patience_seconds: 2}\n", encoding="utf-8"
        )
        (root / "labeling" / "irises.py").write_text(LABELING, encoding="utf-8")
        made = Irises(root)
        made.dataset_path.write_text(dataset_file, encoding="utf-8")
        return made

    @property
    def project(self) -> Project:
        return open_project(self.root)

    @property
    def dataset_path(self) -> Path:
        return self.root / "datasets" / f"{NAME}.yaml"

    @property
    def dataset(self) -> Dataset:
        return load(self.dataset_path)

    @property
    def store(self) -> DatasetStore:
        return connect(self.project).of(NAME)

    @property
    def inbox(self) -> Path:
        return self.project.inbox(NAME)

    @property
    def reviews(self) -> Path:
        return self.project.reviews(NAME)

    def run(self, job: str, partition: str | None = None) -> Finished:
        return Runner.of(self.project).run(f"{NAME}_{job}", partition=partition)

    def batches(self) -> list[str]:
        """Names of the batches that lie in the inbox."""
        found = arrivals(self.inbox, 0, time.time() + 1, cache=self.project.cache())
        return [arrival.batch for arrival in found]

    def ingest(self, **files: str | bytes) -> Finished:
        """Drop files (`monday_csv` is monday.csv) and run the only batch that they make."""
        for name, content in files.items():
            raw = content.encode() if isinstance(content, str) else content
            (self.inbox / ".".join(name.rsplit("_", 1))).write_bytes(raw)
        (batch,) = self.batches()
        return self.run("ingest", batch)

    def truth(self) -> dict[str, str]:
        """What each item on main really is."""
        named = {tuple(sorted(zip(COLUMNS, m, strict=True))): kind for m, kind in flowers()}
        items = self.store.table(self.store.head(), f"{ITEMS.name}/")
        rows = [] if items is None else items.select("item_id", "content").collect().iter_rows()
        return {i: named[tuple(sorted(json.loads(content).items()))] for i, content in rows}

    def answer(self, *reviewers: SimulatedReviewer) -> None:
        """Let simulated reviewers answer the newest queue into reviews/irises."""
        folder = self.project.queue(NAME)
        queue = max(folder.glob("*.json"), key=lambda p: p.stat().st_mtime_ns).read_bytes()
        for reviewer in reviewers:
            tasks, at = LabelStudio().answers(queue), datetime.now(UTC) - timedelta(hours=1)
            answers = reviewer.answers(tasks, self.truth(), self.dataset.classes, at)
            self.drop_review(f"{reviewer.author}-{time.time_ns()}.json", answered(queue, answers))

    def drop_review(self, name: str, content: bytes) -> Path:
        path = self.reviews / name
        path.write_bytes(content)
        return path

    def vote(self, author: str, item_id: str, label: str) -> None:
        """Drop an export in which one person names one item's class."""
        number = time.time_ns()
        annotation = {
            "id": number,
            "completed_by": author,
            "result": [{"from_name": "label", "type": "choices", "value": {"choices": [label]}}],
            "updated_at": datetime.now(UTC).isoformat(),
        }
        task = {"id": number, "data": {"item_id": item_id}, "annotations": [annotation]}
        self.drop_review(f"{author}-{number}.json", json.dumps([task]).encode())

    def sure_setosa(self) -> str:
        """The first item that the rules alone call a setosa."""
        labels = self.store.table(self.store.head(), f"{LABELS.name}/")
        assert labels is not None
        sure = labels.filter(label="setosa", state="auto").select("item_id").collect()
        return str(sure["item_id"].sort()[0])

    def retract(self, reviewer: SimulatedReviewer) -> None:
        """Drop the decision to take back all votes of a simulated reviewer."""
        self.retract_actor(f"human:{reviewer.author}")

    def retract_actor(self, actor: str) -> None:
        """Drop the decision to take back all votes of somebody."""
        order = {
            "actor": actor,
            "by": "human:simulated_lead",
            "decided_at": datetime.now(UTC).isoformat(),
            "reason": "answers look like guesses",
        }
        self.drop_review(f"retract-{time.time_ns()}.json", json.dumps({"retract": order}).encode())

    def review(self, *reviewers: SimulatedReviewer) -> Finished:
        """Queue, answers, import."""
        queued = self.run("queue")
        self.store.drop_branch(f"run-{queued.run_id}")
        self.answer(*reviewers)
        return self.run("import_reviews")

    def stop(self) -> None:
        embedded.stop(self.project.lakefs_data())


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Irises:
    """A project with one release, its server stopped: tests work on copies."""
    made = Irises.make(tmp_path_factory.mktemp("template") / "project")
    made.ingest(monday_csv=as_csv(slice(0, 90)))
    made.review(ANA, BEN)
    made.run("snapshot")
    made.stop()
    return made


CopyTo = Callable[[Path], Irises]


@pytest.fixture(scope="session")
def copy_to(template: Irises) -> Iterator[CopyTo]:
    """Copies the project with one release into a folder; its server ends with the session."""
    copies: list[Irises] = []

    def copy(root: Path) -> Irises:
        shutil.copytree(template.root, root)
        copies.append(Irises(root))
        return copies[-1]

    yield copy
    for made in copies:
        made.stop()


@pytest.fixture
def irises(copy_to: CopyTo, tmp_path: Path) -> Iterator[Irises]:
    """A copy of the project with one release, to be changed at will."""
    copy = copy_to(tmp_path / "project")
    yield copy
    copy.stop()


@dataclass(frozen=True)
class Story:
    """What happened to the project after its first release, in this order.

    Attributes:
        told: The project as it is at the end.
        refused: The snapshot with a careless annotator's votes.
        before, after: Main before and after that.
        doubted: The item that one person, zoe, called by another name.
        second: The release with the careless votes taken back, and with zoe's.
        third: The release with zoe's vote taken back.
        idle: A snapshot of nothing new.
    """

    told: Irises
    refused: RunFailed
    before: str
    after: str
    doubted: str
    second: Finished
    third: Finished
    idle: Finished


@pytest.fixture(scope="session")
def story(copy_to: CopyTo, tmp_path_factory: pytest.TempPathFactory) -> Story:
    """Three releases and a refusal, for tests that only look."""
    told = copy_to(tmp_path_factory.mktemp("story") / "project")
    told.ingest(tuesday_csv=as_csv(slice(90, 130)))
    told.review(ANA, BEN, MIA)
    before = told.store.head()
    with pytest.raises(RunFailed) as refused:
        told.run("snapshot")
    after = told.store.head()
    told.retract(MIA)
    doubted = told.sure_setosa()
    told.vote("zoe", doubted, "virginica")
    told.run("import_reviews")
    second = told.run("snapshot")
    told.retract_actor("human:zoe")
    told.run("import_reviews")
    third, idle = told.run("snapshot"), told.run("snapshot")
    return Story(told, refused.value, before, after, doubted, second, third, idle)


@dataclass(frozen=True)
class Loop:
    """Two rounds of predict, accept, ask, retrain.

    Attributes:
        told: The project as it is at the end. In the first round rules voted; in the second the
            champion, too, and a precision was asked for.
        second: The release after the second round.
    """

    told: Irises
    second: Finished


@pytest.fixture(scope="session")
def loop(copy_to: CopyTo, tmp_path_factory: pytest.TempPathFactory) -> Loop:
    """The project with one release, retrained, asked for a precision, and a second release."""
    told = copy_to(tmp_path_factory.mktemp("loop") / "project")
    asking = DATASET_FILE.replace(
        "weights: {human: 4.0}}", "weights: {human: 4.0}, precision: 0.8}"
    ).replace("{budget: 30}", "{budget: 40, explore: 0.75}")
    told.dataset_path.write_text(asking, encoding="utf-8")
    told.run("retrain")
    told.ingest(tuesday_csv=as_csv(slice(90, 150)))
    told.review(ANA)
    return Loop(told, told.run("snapshot"))
