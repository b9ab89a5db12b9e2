"""Tasks of the whole chain go to named people, by what each is good at."""

import json
from collections import Counter
from typing import Any

import polars as pl

from assets.consensus import SKILLS_REPORT
from quality.consensus.skills import SKILLS

REVIEWERS = "reviewers: [{name: simulated_ana, capacity: 12}, {name: zoe, capacity: 5}]"


def test_a_queue_is_shared_among_the_reviewers_by_room_and_skill(irises: Any) -> None:
    text = irises.dataset_path.read_text(encoding="utf-8")
    text = text.replace("budget: 30}", f"budget: 20, {REVIEWERS}}}")
    irises.dataset_path.write_text(text, encoding="utf-8")
    before = set(irises.project.queue("irises").glob("*.json"))
    done = irises.run("queue")
    (path,) = set(irises.project.queue("irises").glob("*.json")) - before
    found = Counter(task["data"].get("assignee") for task in json.loads(path.read_bytes()))
    assert found["simulated_ana"] == 12
    assert found["zoe"] == 5
    assert "zoe" in done.metadata["review_queue"]["for"]


def test_the_scorecards_show_every_actors_error_by_class(irises: Any) -> None:
    done = irises.run("snapshot")
    store = irises.store
    skills = SKILLS.check(
        pl.read_parquet(store.fetch(store.head(), [SKILLS_REPORT])[SKILLS_REPORT])
    )
    assert set(skills["class"]) == {"setosa", "versicolor", "virginica"}
    actors = {"function:by_petal_length", "human:simulated_ana", "human"}
    assert actors <= set(skills["actor"])
    assert all(actor in done.metadata["scorecards"]["skills"] for actor in actors)
