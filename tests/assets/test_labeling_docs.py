"""What docs/labeling.md shows is true."""

import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from assets.dataset_file.ontology import Ontology
from assets.labelers import Item, registry
from assets.labelers.interface import Labeler, LabelerInput

PAGE = Path(__file__).parents[2] / "docs" / "labeling.md"


def run_block(number: int) -> dict[str, Any]:
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, Any] = {"__name__": "labeling_docs"}
    exec(compile(blocks[number], str(PAGE), "exec"), names)  # noqa: S102 - the page's own code
    return names


def test_the_labeling_function_of_the_page_votes() -> None:
    denies_merit = run_block(0)["denies_merit"]
    assert denies_merit(Item("id", content="It is not funny")) == "negative"
    assert denies_merit(Item("id", content="It is funny")) is None


def test_the_new_kind_of_the_page_plugs_in_by_its_line_in_the_registry(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = run_block(1)
    monkeypatch.setattr(registry, "import_module", lambda _name: type("Module", (), names))
    monkeypatch.setitem(registry.FACTORIES, "terms", "labeling_docs:TermsLabeler")
    section = names["TermsSection"](name="terms", terms={"refund": "billing", "password": "access"})
    labeler = registry.make(section, Path())
    assert isinstance(labeler, Labeler)
    items = pl.DataFrame({"item_id": ["a", "b"], "content": ["A refund?", "Refund my password"]})
    given = LabelerInput(
        items, Ontology(classes=("billing", "access")), lambda: None, lambda _uri: b""
    )  # type: ignore[arg-type, return-value]
    assert labeler.vote(given).votes["label"].to_list() == ["billing", None]
