"""The recipe: all that a snapshot is a function of, other than its votes."""

import hashlib
import json
import platform
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from assets.dataset_file.models import Dataset

RECIPE = "recipe/recipe.json"
WRITERS = ("polars", "numpy", "scipy", "scikit-learn", "torch")


def canonical_json(value: Any) -> bytes:
    """JSON with sorted keys, one line a key, so that equal values are equal bytes."""
    return (json.dumps(value, sort_keys=True, indent=1, ensure_ascii=False) + "\n").encode()


def digest(value: Any) -> str:
    """SHA-256 of the canonical JSON."""
    return hashlib.sha256(canonical_json(value)).hexdigest()


@cache
def code_version() -> str:
    """Digest of the code that makes labels of votes: quality/ and assets/."""
    root = Path(__file__).parents[1]
    total = hashlib.sha256()
    for path in sorted([*root.glob("quality/**/*.py"), *root.glob("assets/**/*.py")]):
        total.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return total.hexdigest()[:16]


def recipe(dataset: Dataset, aggregator_parameters: dict[str, Any]) -> dict[str, Any]:
    """The recipe of a snapshot, JSON-able; equal recipes and votes give equal labels."""
    return {
        "dataset_file": dataset.model_dump(mode="json"),
        "dataset_file_sha256": digest(dataset.model_dump(mode="json")),
        "aggregator": dataset.consensus.aggregator,
        "aggregator_parameters": aggregator_parameters,
        "code_version": code_version(),
        "hallmark": version("hallmark"),
        "python": platform.python_version(),
        "writers": {name: version(name) for name in WRITERS},
    }
