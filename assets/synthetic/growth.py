"""Growth: what the sources still have to make, made and counted."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

import polars as pl

from assets.dataset_file.models import Dataset
from assets.dataset_file.synthetic import SyntheticSource
from assets.synthetic.errors import NothingToMakeOf
from assets.synthetic.makers import Made, Maker, Media, maker
from quality.synthetic.origin import Origin, draw
from quality.synthetic.plan import wanted

TRIES_AN_ITEM = 10


@dataclass(frozen=True)
class NewItem:
    """An item that was made."""

    made: Made
    origin: Origin
    actor: str

    @property
    def item_id(self) -> str:
        """The digest of its content."""
        return self.made.item_id


@dataclass
class Growth:
    """What was made, and what was not.

    Attributes:
        items: The new items.
        skipped: How many draws were skipped, by source, class and reason.
        lacking: Items that are still wanted, by source, class and reason.
    """

    items: list[NewItem] = field(default_factory=list)
    skipped: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    lacking: Counter[tuple[str, str, str]] = field(default_factory=Counter)


@dataclass(frozen=True)
class Stock:
    """What there is already.

    Attributes:
        examples: Accepted items of the train split: rows of the items table with `label`.
        standing: Synthetic items that stand: actor, label, number.
        real: Ids of all real items.
        made: Ids of the synthetic items that stand.
    """

    examples: pl.DataFrame
    standing: pl.DataFrame
    real: Collection[str]
    made: Collection[str]

    def counts(self, dataset: Dataset) -> Counter[str]:
        """Examples by class, classes without any included."""
        found = Counter(dict.fromkeys(dataset.classes, 0))
        found.update(self.examples["label"].to_list())
        return found

    def next_number(self, actor: str, label: str) -> int:
        """The first number that no standing item of a source and class has or is below."""
        own = self.standing.filter(actor=actor, label=label)["number"]
        highest = own.max()
        return int(highest) + 1 if isinstance(highest, int) else 0


@dataclass(frozen=True)
class _Task:
    """So many items of one class that one source is to make."""

    source: SyntheticSource
    label: str
    number: int


def grown(dataset: Dataset, stock: Stock, media: Media) -> Growth:
    """What the dataset's sources still have to make of a stock, in the file's order."""
    growth, labels = Growth(), stock.counts(dataset)
    made = Counter(stock.standing["label"].to_list())
    taken = set(stock.made)
    for source in dataset.synthetic:
        own = Counter(stock.standing.filter(actor=source.actor)["label"].to_list())
        missing = wanted(
            labels, made, own, classes=source.classes, count=source.count, up_to=source.up_to
        )
        for label, number in missing.items():
            examples = stock.examples.filter(pl.col("label") == label).sort("item_id")
            try:
                making = maker(source, label, examples, dataset, media)
            except NothingToMakeOf as nothing:
                growth.lacking[source.name, label, nothing.reason] += number
                continue
            new = [*_made(_Task(source, label, number), making, stock, taken, growth)]
            made[label] += len(new)
            growth.items += new
    return growth


def _made(
    task: _Task, making: Maker, stock: Stock, taken: set[str], growth: Growth
) -> Iterator[NewItem]:
    """So many new items, or fewer where draws keep giving what there is already."""
    source, label = task.source, task.label
    start, missing = stock.next_number(source.actor, label), task.number
    for at in range(start, start + task.number * TRIES_AN_ITEM):
        made = making.make(draw(source.seed, label, at))
        if made.item_id in stock.real or made.item_id in taken:
            reason = "content of a real item" if made.item_id in stock.real else "made before"
            growth.skipped[source.name, label, reason] += 1
            continue
        taken.add(made.item_id)
        origin = Origin(source.name, source.kind, label, made.parents, at)
        yield NewItem(made, origin, source.actor)
        missing -= 1
        if not missing:
            return
    reason = f"{task.number * TRIES_AN_ITEM} draws gave no more that is new"
    growth.lacking[source.name, label, reason] += missing


def counted(found: Mapping[tuple[str, str, str], int]) -> pl.DataFrame:
    """Counts by source, class and reason as a table."""
    rows = [(*key, count) for key, count in sorted(found.items())]
    names = {"source": pl.String, "class": pl.String, "reason": pl.String, "items": pl.Int64}
    return pl.DataFrame(rows, schema=names, orient="row")
