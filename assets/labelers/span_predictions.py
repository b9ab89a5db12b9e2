"""Spans out of JSON Lines, one a line."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from assets.dataset_file.regions import SpanPredictionsLabeler as Section
from assets.labelers.errors import PredictionsUnreadable
from assets.labelers.interface import Ballots, LabelerInput
from assets.labelers.region_votes import SetAside, ballots, digest_of, file_below, shown
from quality.regions.errors import RegionInvalid
from quality.regions.region import Region, span

_OF_SPAN = ("start", "end", "label", "score")
_OF_ITEM = ("item_id", "source_uri", "id", "text")


class SpanPredictions:
    """A tagger that has spoken already; its version is the digest of its file."""

    def __init__(self, section: Section, root: Path) -> None:
        self._section = section
        self._root = root

    @property
    def actors(self) -> Mapping[str, str]:
        """The one actor. Raises PredictionsUnreadable."""
        return {f"model:{self._section.name}": self.version}

    @property
    def version(self) -> str:
        """Digest of the file and the settings. Raises PredictionsUnreadable."""
        return self._digest(self._content())

    def vote(self, items: LabelerInput) -> Ballots:
        """One set of spans an item that the file names; other items are abstentions.

        Lines that cannot be are set aside and counted; the item's other spans stay.

        Raises:
            PredictionsUnreadable: the file is not there, or no line of it is an object.
        """
        content = self._content()
        aside = SetAside("line")
        texts = dict(items.items.select("item_id", "content").iter_rows())
        names = _Names(items)
        drawn: dict[str, list[Region]] = {}
        lines = 0
        for number, row in self._rows(content, aside):
            lines += 1
            found = names.of(row)
            if len(found) > 1:
                aside.add("named several items", f"line {number}", shown(row))
            if len(found) != 1:
                continue
            (item,) = found
            spans = drawn.setdefault(item, [])
            try:
                spans += self._spans(row, texts[item], items.classes)
            except RegionInvalid as error:
                aside.add("gave a span that cannot be", item, f"line {number}: {error.reason}")
        if lines and not drawn:
            aside.add("names no item of this batch", "line 1", f"{lines} lines")
        actor = f"model:{self._section.name}"
        return ballots(actor, self._digest(content), items, drawn, aside)

    def _content(self) -> bytes:
        return file_below(self._section.name, self._root, self._section.path)

    def _digest(self, content: bytes) -> str:
        return digest_of(content, str(self._section.min_score).encode())

    def _rows(self, content: bytes, aside: SetAside) -> Iterator[tuple[int, dict[str, Any]]]:
        """Lines that are objects, with their numbers; others are set aside."""
        found = 0
        lines = content.decode("utf-8-sig", "replace").split("\n")
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except (ValueError, RecursionError):
                row = None
            if isinstance(row, dict):
                found += 1
                yield number, row
            else:
                aside.add("wrote a line that is no JSON object", f"line {number}", line[:80])
        if lines and not found:
            raise PredictionsUnreadable(
                self._section.name,
                self._root / self._section.path,
                "no line is a JSON object with an item, start, end, label and score",
            )

    def _spans(self, row: dict[str, Any], text: str, known: tuple[str, ...]) -> list[Region]:
        """The span of one line; none where it says so or its score is too low."""
        if all(row.get(name) is None for name in _OF_SPAN):
            return []
        label = row.get("label")
        if label not in known:
            raise RegionInvalid(label, f"{shown(label)} is no class of the ontology")
        found = span(str(label), row.get("start"), row.get("end"), row.get("score"))  # type: ignore[arg-type]
        if found.geometry[1] > len(text):
            raise RegionInvalid(row, f"it ends at {found.geometry[1]} of {len(text)} characters")
        if found.score is not None and not 0 <= found.score <= 1:
            raise RegionInvalid(row, f"its score {found.score} is no share")
        if found.score is not None and found.score < self._section.min_score:
            return []
        return [found]


class _Names:
    """The items by all that a line may call them."""

    def __init__(self, items: LabelerInput) -> None:
        self._items: dict[tuple[str, str], set[str]] = defaultdict(set)
        for item, source in items.items.select("item_id", "source_uri").iter_rows():
            fragment = str(source).partition("#")[2]
            self._items["item_id", item].add(item)
            self._items["source_uri", str(source)].add(item)
            if fragment.startswith("id="):
                self._items["id", fragment.removeprefix("id=")].add(item)

    def of(self, row: Mapping[str, Any]) -> set[str]:
        """The items that a line can mean, by the first of its names that is one's."""
        for name in _OF_ITEM:
            value = row.get(name)
            if value is None:
                continue
            if name == "text":
                name, value = "item_id", hashlib.sha256(str(value).encode()).hexdigest()  # noqa: PLW2901 - an item's id is the digest of its text
            found = self._items.get((name, str(value)))
            if found:
                return found
        return set()
