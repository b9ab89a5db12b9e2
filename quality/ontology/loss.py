"""What a new version of an ontology does to the votes and labels given in older ones.

With X the class that a vote names and Y what it is now, a function of X, the entropy lost is
H(X | Y) = H(X) - H(Y): what can no longer be told apart. A class split into k classes loses
nothing, but each of its votes asks for up to log2(k) bits more (Cover and Thomas, Elements of
Information Theory, 2006, chapter 2).
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import log2
from typing import Any

import polars as pl

from quality.ontology.mapping import ClassMapping, Fate

FLOWS = {
    "ontology_version": pl.String(),
    "from_class": pl.String(),
    "fate": pl.String(),
    "to_classes": pl.List(pl.String),
    "votes": pl.UInt32(),
    "human_votes": pl.UInt32(),
    "labels": pl.UInt32(),
}

_Place = tuple[str, str]


@dataclass(frozen=True)
class MappingLoss:
    """Where the votes and labels of older versions go.

    Attributes:
        version: The current version.
        flows: Rows of FLOWS, one for each class of each older version, with what it is now, how
            many votes (of people) name it, and how many labels of the last release are it.
        bits_before: Entropy of the classes that these votes name, in bits a vote; versions are
            looked at by themselves and weighed by their votes.
        bits_lost: What of it is lost, in bits a vote.
        bits_to_ask: What people would have to add because classes were split, in bits a vote.
    """

    version: str
    flows: pl.DataFrame
    bits_before: float
    bits_lost: float
    bits_to_ask: float

    def count(self, fate: Fate, of: str = "votes") -> int:
        """Votes, human_votes or labels of the classes with a fate."""
        return int(self.flows.filter(pl.col("fate") == fate)[of].sum())

    def to_json(self) -> dict[str, Any]:
        """The report as plain JSON values."""
        return {
            "version": self.version,
            "flows": self.flows.to_dicts(),
            "bits_before": self.bits_before,
            "bits_lost": self.bits_lost,
            "bits_to_ask": self.bits_to_ask,
        }

    def to_markdown(self) -> str:
        """The report as a page for people."""
        summary = (
            f"{self.flows['votes'].sum():,} votes of older versions: "
            f"{self.count('split'):,} ambiguous because their class was split, "
            f"{self.count('dropped'):,} of dropped classes, {self.count('unknown'):,} of classes "
            "that the mapping does not name. "
            f"The classes told {self.bits_before:.3f} bits a vote; {self.bits_lost:.3f} are lost, "
            f"and {self.bits_to_ask:.3f} have to be asked of people."
        )
        head = [f"# From older ontologies to version {self.version}", "", summary, ""]
        columns = "| version | class | fate | now | votes | of people | labels |"
        lines = [*head, columns, "|---|---|---|---|---:|---:|---:|"]
        return "\n".join(lines + [_line(row) for row in self.flows.iter_rows(named=True)]) + "\n"

    def picture(self) -> bytes:
        """PNG of the votes' way from the old classes to the new ones."""
        from quality.pictures.flow import label_flow

        moves = self.flows.select(
            from_label="from_class",
            to_label=pl.col("to_classes").list.join(" or ").replace("", None),
            n_items="votes",
        )
        return label_flow(
            moves,
            left="as cast",
            right=f"in version {self.version}",
            title="Votes of older ontologies",
            what="votes",
        )


def mapping_loss(mapping: ClassMapping, votes: pl.DataFrame, labels: pl.DataFrame) -> MappingLoss:
    """Where votes and labels of older versions go; no rows where all are of the current one.

    Args:
        mapping: What older classes are now.
        votes: label (as cast), ontology_version, actor_kind of the votes that are folded.
        labels: label, ontology_version of the last release.
    """
    named = pl.col("label").is_not_null() & (pl.col("ontology_version") != mapping.version)
    cast, taught = votes.filter(named), labels.filter(named)
    counts = [_counted(cast), _counted(cast.filter(pl.col("actor_kind") == "human"))]
    counts.append(_counted(taught))
    listed = {(version, name) for version, each in mapping.older.items() for name in each}
    places = sorted(listed.union(*counts))
    sources = Counter((v, target) for v, name in places for target in mapping.now(v, name) or ())
    rows = []
    for place in places:
        fate, now = _fate(mapping, place, sources), list(mapping.now(*place) or ())
        rows.append((*place, fate, now, *(counted[place] for counted in counts)))
    flows = pl.DataFrame(rows, schema=FLOWS, orient="row")
    return MappingLoss(mapping.version, flows, *_bits(mapping, counts[0]))


def _counted(rows: pl.DataFrame) -> Counter[_Place]:
    """How many rows name each class of each version."""
    sizes = rows.group_by("ontology_version", "label").len().rows()
    return Counter({(version, label): n for version, label, n in sizes})


def _fate(mapping: ClassMapping, place: _Place, sources: Mapping[_Place, int]) -> Fate:
    version, name = place
    now = mapping.now(version, name)
    if now is None:
        return "unknown"
    if len(now) != 1:
        return "split" if now else "dropped"
    if sources[version, now[0]] > 1:
        return "merged"
    return "kept" if now[0] == name else "renamed"


def _bits(mapping: ClassMapping, cast: Counter[_Place]) -> tuple[float, float, float]:
    """Bits a vote before, lost and to be asked."""
    total = cast.total()
    before = lost = to_ask = 0.0
    for version in sorted({version for version, _ in cast}):
        old = Counter({name: n for (v, name), n in cast.items() if v == version})
        new: Counter[tuple[str, ...]] = Counter()
        for name, n in old.items():
            now = mapping.now(version, name) or ()
            new[now] += n
            to_ask += n / total * log2(len(now)) if now else 0.0
        share = old.total() / total
        before += share * _entropy(old.values())
        lost += share * (_entropy(old.values()) - _entropy(new.values()))
    return before, max(lost, 0.0), to_ask


def _entropy(counts: Iterable[int]) -> float:
    """Of the shares that the counts are, in bits."""
    numbers = list(counts)
    total = sum(numbers)
    return -sum(n / total * log2(n / total) for n in numbers if n)


def _line(row: Mapping[str, Any]) -> str:
    now = " or ".join(row["to_classes"]) or "(none)"
    cells = [row["ontology_version"], row["from_class"], row["fate"], now]
    numbers = [f"{row[name]:,}" for name in ("votes", "human_votes", "labels")]
    return "| " + " | ".join([*(cell.replace("|", "\\|") for cell in cells), *numbers]) + " |"
