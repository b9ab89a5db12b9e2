"""What the Dagster UI shows of a chain, beside what was agreed on: chain_specs.json.

A change of that file is a change of what data teams see, so it is read in review.
`HALLMARK_WRITE_SPECS=1 pytest tests/orchestration/chain/test_chain_specs.py` writes it anew.
"""

import json
import os
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from orchestration.location import definitions

AGREED = Path(__file__).with_name("chain_specs.json")


@pytest.fixture(scope="module")
def found(template: Any) -> dict[str, Any]:
    """Assets with their checks, and jobs with what they select, of the small project."""
    shown = definitions(template.project)
    graph = shown.get_repository_def().asset_graph
    specs = {spec.key: spec for definition in shown.assets or () for spec in checked(definition)}
    names = sorted(graph.get_all_asset_keys(), key=str)
    return {
        "assets": {key.to_user_string(): asset(graph, specs, key) for key in names},
        "jobs": {
            job.name: sorted(key.to_user_string() for key in job.asset_layer.executable_asset_keys)
            for job in shown.get_repository_def().get_all_jobs()
            if not job.name.startswith("__")
        },
    }


def checked(definition: Any) -> Any:
    """The checks that stand beside an asset."""
    return definition.check_specs


def asset(graph: Any, specs: Any, key: dg.AssetKey) -> dict[str, Any]:
    """What is shown of one asset."""
    node = graph.get(key)
    checks = [specs[check] for check in node.check_keys]
    automation = node.automation_condition
    return {
        "description": node.description,
        "group": node.group_name,
        "kinds": sorted(t.removeprefix("dagster/kind/") for t in node.tags if "kind" in t),
        "owners": list(node.owners),
        "after": sorted(parent.to_user_string() for parent in node.parent_keys),
        "partitioned": node.partitions_def is not None,
        "automated": automation is not None,
        "checks": {
            spec.name: {"blocking": spec.blocking, "description": spec.description}
            for spec in sorted(checks, key=lambda spec: spec.name)
        },
    }


def test_the_chain_is_shown_as_agreed(found: dict[str, Any]) -> None:
    if os.environ.get("HALLMARK_WRITE_SPECS"):
        AGREED.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    assert found == json.loads(AGREED.read_text(encoding="utf-8"))


def test_every_asset_says_what_it_is_and_who_owns_it(found: dict[str, Any]) -> None:
    for name, shown in found["assets"].items():
        assert shown["description"], name
        assert shown["owners"] == ["team:botany"], name


def test_every_check_says_what_it_claims(found: dict[str, Any]) -> None:
    silent = [
        f"{name}.{check}"
        for name, shown in found["assets"].items()
        for check, spec in shown["checks"].items()
        if not spec["description"]
    ]
    assert silent == []
