"""Boxes and spans from the inbox to a release: the same chain, sets of regions as labels."""

import base64
import io
import json
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from PIL import Image, ImageDraw
from typer.testing import CliRunner

from assets.ingestion.inbox import arrivals
from assets.ports import DatasetStore, ReviewAnswer
from assets.release import receipt_holds
from assets.replay import replay
from assets.tracing import trace_item
from orchestration import frames
from orchestration.cli.app import app
from orchestration.label_studio import answered
from orchestration.project import connect, open_project
from orchestration.runner import Finished, Runner
from orchestration.store import embedded
from quality.regions.region import Region, box, label_of, span, to_text
from quality.schema import ITEMS

WIDTH, HEIGHT = 60, 40
SETTINGS = "executor: in_process\nlakefs: {patience_seconds: 2}\n"
COMMON = """\
ontology: {version: "1", classes: [%s]}
ingestion: {settle_seconds: 0.0}
consensus: {aggregator: majority, confidence_threshold: 0.6, weights: {human: 3.0}}
regions: {expected_recall: 0.9}
agreement: {replicates: 20}
review: {budget: 20}
storage: {buckets: 4}
"""
BOXES_FILE = (
    """\
name: pictures
task: boxes
modality: image
labelers:
  - {name: near, kind: coco_results, path: near.json, images: images.json}
  - {name: rough, kind: coco_results, path: rough.json, images: images.json}
"""
    + COMMON % "dark, light"
)
SPANS_FILE = (
    """\
name: letters
task: spans
modality: text
labelers: [{name: tagger, kind: span_predictions, path: tags.jsonl}]
"""
    + COMMON % "person, place"
)
# What the pictures and texts of these tests show; detectors and people are simulated.
DRAWN = {
    "a.png": [box("dark", 5, 5, 12, 12), box("light", 30, 10, 20, 15)],
    "b.png": [box("dark", 20, 8, 16, 16)],
    "c.png": [],
    "d.png": [box("light", 2, 20, 18, 14), box("dark", 40, 4, 10, 30)],
    "e.png": [box("light", 10, 10, 30, 20)],
}
LETTERS = {
    "Ana lives in Rome.": [span("person", 0, 3), span("place", 13, 17)],
    "Nobody is here \U0001f600.": [],
    "We met Ben Ott in Oslo": [span("person", 7, 14), span("place", 18, 22)],
}


@dataclass(frozen=True)
class Told:
    """A project with one dataset of regions, and what it really shows."""

    root: Path
    name: str
    truth: Mapping[str, list[Region]]

    @property
    def store(self) -> DatasetStore:
        return connect(open_project(self.root)).of(self.name)

    def run(self, job: str, partition: str | None = None) -> Finished:
        return Runner.of(open_project(self.root)).run(f"{self.name}_{job}", partition=partition)

    def ingest(self) -> Finished:
        project = open_project(self.root)
        inbox = project.inbox(self.name)
        (batch,) = arrivals(inbox, 0, time.time() + 1, cache=project.cache())
        return self.run("ingest", batch.batch)

    def review(self, author: str, truth: Mapping[str, list[Region]]) -> Finished:
        """Let a simulated reviewer draw the truth on every task of a new queue."""
        self.store.drop_branch(f"run-{self.run('queue').run_id}")
        folder = open_project(self.root).queue(self.name)
        queue = max(folder.glob("*.json"), key=lambda p: p.stat().st_mtime_ns).read_bytes()
        names = self.names()
        tasks = [task["data"]["item_id"] for task in json.loads(queue)]
        answers = [_drawn(author, item, truth[names[item]]) for item in tasks]
        dropped = self.root / "reviews" / self.name / f"{author}.json"
        dropped.write_bytes(answered(queue, answers))
        return self.run("import_reviews")

    def names(self) -> dict[str, str]:
        items = self.store.table(self.store.head(), f"{ITEMS.name}/")
        assert items is not None
        name = pl.coalesce("content", "source_uri")
        return dict(items.select("item_id", name).collect().iter_rows())

    def sql(self, query: str, at: str = "v0001") -> pl.DataFrame:
        return frames.query(self.store, query, at)

    def stop(self) -> None:
        embedded.stop(open_project(self.root).lakefs_data())


def _drawn(author: str, item: str, regions: list[Region]) -> ReviewAnswer:
    number = zlib.crc32(f"{author} {item}".encode())
    return ReviewAnswer(task=str(number), annotation=str(number), item_id=item, item_fields={},
                        completed_by=author, label=label_of(regions), kind="vote",
                        shown_prediction=None, lead_time_s=3.0,
                        cast_at=datetime.now(UTC) - timedelta(minutes=5),
                        region=to_text(regions))  # fmt: skip


def _moved(regions: list[Region], by: float) -> list[Region]:
    return [
        box(r.label, r.geometry[0] + by, r.geometry[1], r.geometry[2], r.geometry[3])
        for r in regions
    ]


def _picture(regions: list[Region], number: int) -> bytes:
    image = Image.new("L", (WIDTH, HEIGHT), 120 + number)
    for region in regions:
        left, top, right, bottom = region.sides
        shade = 20 if region.label == "dark" else 230
        ImageDraw.Draw(image).rectangle((left, top, right - 1, bottom - 1), fill=shade)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def _results(drawn: Mapping[str, list[Region]]) -> str:
    classes = ["dark", "light"]
    return json.dumps([
        {"image_id": n, "category_id": classes.index(r.label), "bbox": list(r.geometry),
         "score": 0.9}
        for n, regions in enumerate(drawn.values()) for r in regions
    ])  # fmt: skip


def _project(root: Path, name: str, dataset_file: str) -> None:
    for folder in ("datasets", f"inbox/{name}", f"reviews/{name}"):
        (root / folder).mkdir(parents=True)
    (root / "hallmark.yaml").write_text(SETTINGS, encoding="utf-8")
    (root / "datasets" / f"{name}.yaml").write_text(dataset_file, encoding="utf-8")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Two releases of boxes; ana draws the truth, then ben another box on d.png."""
    root = tmp_path_factory.mktemp("boxes") / "project"
    _project(root, "pictures", BOXES_FILE)
    for number, (name, regions) in enumerate(DRAWN.items()):
        (root / "inbox/pictures" / name).write_bytes(_picture(regions, number))
    images = [{"id": n, "file_name": name} for n, name in enumerate(DRAWN)]
    categories = [{"id": n, "name": name} for n, name in enumerate(["dark", "light"])]
    (root / "images.json").write_text(json.dumps({"images": images, "categories": categories}))
    near = {name: _moved(regions, 0.5) for name, regions in DRAWN.items()}
    rough = near | {"b.png": [box("light", 19, 8, 16, 16)], "c.png": [box("dark", 1, 1, 9, 9)]}
    (root / "near.json").write_text(_results(near))
    (root / "rough.json").write_text(_results(rough))
    told = Told(root, "pictures", DRAWN)
    told.ingest()
    told.review("simulated_ana", DRAWN)
    told.run("snapshot")
    yield told
    told.stop()


@pytest.fixture(scope="module")
def letters(tmp_path_factory):
    """One release of spans."""
    root = tmp_path_factory.mktemp("spans") / "project"
    _project(root, "letters", SPANS_FILE)
    rows = [json.dumps({"text": text}) for text in LETTERS]
    (root / "inbox/letters/letters.jsonl").write_text("\n".join(rows), encoding="utf-8")
    tags = [
        {"text": text, "start": r.geometry[0], "end": r.geometry[1], "label": r.label}
        for text, regions in LETTERS.items()
        for r in regions[:1]
    ]
    tags += [{"text": text} for text in LETTERS]
    (root / "tags.jsonl").write_text("\n".join(map(json.dumps, tags)), encoding="utf-8")
    told = Told(root, "letters", LETTERS)
    told.ingest()
    told.review("simulated_ana", LETTERS)
    told.run("snapshot")
    yield told
    told.stop()


@pytest.mark.parametrize("project", ["pictures", "letters"])
def test_what_people_drew_is_released_where_they_drew_it(project, request):
    told = request.getfixturevalue(project)
    found = told.sql("SELECT item_id, label, geometry FROM regions")
    names = told.names()
    by_name = {name: set() for name in told.truth}
    for item, label, geometry in found.iter_rows():
        by_name[names[item]].add((label, *geometry))
    for name, regions in told.truth.items():
        assert by_name[name] == {(r.label, *r.geometry) for r in regions}, name


@pytest.mark.parametrize("project", ["pictures", "letters"])
def test_labels_are_accepted_by_people_who_drew_the_same(project, request):
    told = request.getfixturevalue(project)
    labels = dict(told.sql("SELECT item_id, label FROM labels WHERE state = 'human'").iter_rows())
    expected = {item: label_of(told.truth[name]) for item, name in told.names().items()}
    assert labels == expected


@pytest.mark.parametrize("project", ["pictures", "letters"])
def test_a_release_of_regions_replays_and_its_receipt_holds(project, request):
    told = request.getfixturevalue(project)
    assert replay(told.store, "v0001").matches
    assert receipt_holds(told.store, told.store.releases()["v0001"])


def test_a_box_is_traced_to_every_vote_behind_it(pictures):
    found = trace_item(pictures.store, "b.png", at="v0001")
    assert {v.actor for v in found.votes} == {"model:near", "model:rough", "human:simulated_ana"}
    (region,) = found.regions
    assert region["actors"] == ["human:simulated_ana", "model:near", "model:rough"]
    ana = next(v for v in found.votes if v.actor == "human:simulated_ana")
    assert (ana.kind, json.loads(ana.region)[0]["box"]) == ("fix", [20.0, 8.0, 16.0, 16.0])
    assert found.changes[0].to_label == found.label == label_of(DRAWN["b.png"])


def test_stages_that_know_classes_only_say_so(pictures):
    done = pictures.run("queue")
    assert "set of regions" in done.metadata["label_issues"]["note"]
    pictures.store.drop_branch(f"run-{done.run_id}")


def test_retraining_where_nothing_learns_says_so(pictures):
    typed = ["retrain", "pictures", "--project", str(pictures.root)]
    told = CliRunner().invoke(app, typed)
    assert told.exit_code in (1, 2)
    assert "no labeler of 'pictures' learns" in " ".join(told.output.split())


def test_what_people_dispute_is_asked_first(pictures):
    """Before ana answered, the two detectors tied on b.png and on c.png."""
    queues = (pictures.root / "queue/pictures").glob("*.json")
    queue = min(queues, key=lambda p: p.stat().st_mtime_ns)
    names = pictures.names()
    first = [names[task["data"]["item_id"]] for task in json.loads(queue.read_bytes())]
    assert set(first[:2]) == {"b.png", "c.png"}


def test_agreement_on_regions_is_reported(pictures):
    at = pictures.store.head("v0001")
    report = json.loads(pictures.store.read(at, "reports/agreement.json"))
    alpha = report["figures"]["model-model"]["krippendorff_alpha"]["value"]
    assert 0 < alpha < 1
    scores = pictures.sql("SELECT agreement FROM scores WHERE agreement < 1")
    assert scores.height == 2


def test_a_box_that_moves_is_a_new_label_with_its_cause(pictures):
    moved = dict(DRAWN) | {"e.png": [box("light", 14, 10, 30, 20)]}
    item = next(i for i, name in pictures.names().items() if name == "e.png")
    for author in ("simulated_ben", "simulated_cleo"):
        vote = _drawn(author, item, moved["e.png"])
        task = {"data": {"item_id": item, "image": _data_uri(_picture(DRAWN["e.png"], 4))}}
        export = answered(json.dumps([task]).encode(), [vote])
        (pictures.root / "reviews/pictures" / f"{author}-again.json").write_bytes(export)
    pictures.run("import_reviews")
    pictures.run("snapshot")
    change = trace_item(pictures.store, "e.png", at="v0002").changes[-1]
    assert (change.release, change.cause) == ("v0002", "review")
    assert change.from_label == label_of(DRAWN["e.png"])
    asked = "SELECT item_id, geometry FROM regions"
    now, before = (dict(pictures.sql(asked, at).iter_rows()) for at in ("v0002", "v0001"))
    assert (now[item], before[item]) == ([14, 10, 30, 20], [10, 10, 30, 20])


def _data_uri(content: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(content).decode()}"
