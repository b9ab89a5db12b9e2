"""What is asked about the items of a batch."""

from collections.abc import Iterator
from typing import Any

from assets.chat import ChatRequest
from assets.dataset_file.language_models import LanguageModelLabeler
from assets.labelers.interface import LabelerInput
from assets.labelers.llm.examples import balanced, chosen, labeled_by_people
from assets.labelers.llm.prompt import request_of, rules


class Questions:
    """As many requests for each item as the section wants samples.

    Attributes:
        told: All that the prompts are made of but the items, as plain JSON values.
    """

    def __init__(self, section: LanguageModelLabeler, items: LabelerInput) -> None:
        few, classes = section.examples, items.classes
        pool = labeled_by_people(items.known(), classes) if few.count else []
        shown = balanced(pool, few, classes, section.seed) if few.choice == "balanced" else pool
        self.told: Any = [
            rules(section, items.ontology),
            items.ontology.version,
            [[e.item_id, e.label] for e in shown],
        ]
        self._section = section
        self._ontology = items.ontology
        self._contents = items.items["content"].fill_null("").to_list()
        self._examples = chosen(pool, items.items, few, classes, section.seed)

    def of(self, row: int) -> Iterator[ChatRequest]:
        """The requests about the item in a row."""
        content, examples = self._contents[row], self._examples(row)
        for sample in range(self._section.samples):
            yield request_of(self._section, self._ontology, content, examples, sample=sample)

    def __iter__(self) -> Iterator[ChatRequest]:
        for row in range(len(self._contents)):
            yield from self.of(row)
