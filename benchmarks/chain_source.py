"""A generated dataset for the chain's benchmarks: rows of numbers, six rules, a reviewer."""

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import polars as pl

NAME = "bench"
CLASSES = ("a", "b", "c", "d")
COLUMNS = 10
RULES = 6
DATASET = f"""
name: {NAME}
modality: tabular
ontology: {{classes: [{", ".join(CLASSES)}]}}
labelers:
  - {{name: rules, kind: functions, path: labeling/rules.py}}
  - {{name: linear, kind: sklearn}}
consensus: {{aggregator: majority, confidence_threshold: 0.6, weights: {{human: 20}}}}
"""
# Every rule looks at the four columns that make the class, each through a pair of glasses.
LABELING = f"""
from assets.labelers import Item, labeling_function


def rule(number: int) -> None:
    @labeling_function(name=f"rule_{{number}}")
    def judge(item: Item) -> str | None:
        row = item.row
        seen = [row[f"x{{k}}"] + 0.8 * row[f"x{{4 + (number + k) % {RULES}}}"] for k in range(4)]
        best = max(range(4), key=seen.__getitem__)
        return "{"".join(CLASSES)}"[best] if seen[best] > 0.5 else None


for number in range({RULES}):
    rule(number)
"""
SETTINGS = "executor: in_process\n"


def write_project(root: Path) -> Path:
    """A project folder with the dataset; the folder."""
    for folder in (f"inbox/{NAME}", f"reviews/{NAME}", "datasets", "labeling"):
        (root / folder).mkdir(parents=True)
    (root / "hallmark.yaml").write_text(SETTINGS, encoding="utf-8")
    (root / "datasets" / f"{NAME}.yaml").write_text(DATASET, encoding="utf-8")
    (root / "labeling" / "rules.py").write_text(LABELING, encoding="utf-8")
    return root


def write_items(path: Path, rows: int, *, seed: int = 0) -> None:
    """Ten columns of random numbers and a name for each row, as CSV."""
    rng = np.random.default_rng(seed)
    numbers = rng.normal(size=(rows, COLUMNS)).round(6)
    frame = pl.DataFrame(numbers, schema=[f"x{k}" for k in range(COLUMNS)])
    frame.with_columns(pl.format("s{}", pl.int_range(rows)).alias("id")).write_csv(path)


def export(answers: Iterable[tuple[str, str]], *, reviewer: str) -> bytes:
    """A Label Studio export in which one reviewer names a class of each item."""
    tasks = []
    for number, (item_id, label) in enumerate(answers, start=1):
        choice = {"from_name": "label", "to_name": "object", "type": "choices"}
        result = [{**choice, "value": {"choices": [label]}}]
        annotation = {
            "id": number,
            "completed_by": reviewer,
            "result": result,
            "created_at": "2024-01-01T00:00:00Z",
        }
        tasks.append({"id": number, "data": {"item_id": item_id}, "annotations": [annotation]})
    return json.dumps(tasks).encode()
