"""Boxes out of a file of COCO results (https://cocodataset.org/#format-results)."""

import io
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from assets.dataset_file.regions import CocoResultsLabeler as Section
from assets.labelers.errors import PredictionsUnreadable
from assets.labelers.interface import Ballots, LabelerInput
from assets.labelers.region_votes import SetAside, ballots, digest_of, file_below, parsed, shown
from quality.regions.errors import RegionInvalid
from quality.regions.region import Region, box

SLACK = 1.0
"""Pixels by which a box may stand over the edge; it is cut there. Detectors round."""


class CocoResults:
    """A detector that has spoken already; its version is the digest of its files."""

    def __init__(self, section: Section, root: Path) -> None:
        self._section = section
        self._root = root

    @property
    def actors(self) -> Mapping[str, str]:
        """The one actor. Raises PredictionsUnreadable."""
        return {f"model:{self._section.name}": self.version}

    @property
    def version(self) -> str:
        """Digest of both files and the settings. Raises PredictionsUnreadable."""
        return self._digest(*self._contents())

    def vote(self, items: LabelerInput) -> Ballots:
        """One set of boxes an item that the file of images lists; other items are abstentions.

        Boxes that cannot be are set aside and counted; the image's other boxes stay.

        Raises:
            PredictionsUnreadable: a file is not there or not of its format.
        """
        results, images = self._contents()
        aside = SetAside("box")
        listing = self._parsed(self._section.images, images)
        pictures = _Pictures(self._listed(listing, "images"), items, aside)
        names = self._classes(listing, items.classes)
        drawn: dict[str, list[Region]] = {item: [] for item in pictures.items.values()}
        for row in self._rows(results):
            item = pictures.items.get(row.get("image_id"))
            if item is None:
                pictures.explain(row)
                continue
            try:
                drawn[item] += self._boxes(row, names, pictures.sizes[item])
            except _Fault as fault:
                aside.add(fault.reason, item, fault.detail)
        actor, version = f"model:{self._section.name}", self._digest(results, images)
        return ballots(actor, version, items, drawn, aside)

    def _contents(self) -> tuple[bytes, bytes]:
        name, files = self._section.name, (self._section.path, self._section.images)
        results, images = (file_below(name, self._root, file) for file in files)
        return results, images

    def _digest(self, *contents: bytes) -> str:
        settings = self._section.model_dump_json(include={"min_score", "classes"})
        return digest_of(*contents, settings.encode())

    def _parsed(self, file: str, content: bytes) -> Any:
        return parsed(self._section.name, self._root / file, content)

    def _rows(self, content: bytes) -> Iterator[dict[str, Any]]:
        """The results, also out of a whole annotation file."""
        found = self._parsed(self._section.path, content)
        rows = found.get("annotations") if isinstance(found, dict) else found
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise self._unreadable(self._section.path, "expected a list of objects")
        yield from rows

    def _listed(self, listing: Any, name: str) -> list[dict[str, Any]]:
        rows = listing.get(name) if isinstance(listing, dict) else None
        if not isinstance(rows, list) or not all(isinstance(r, dict) and "id" in r for r in rows):
            reason = f"expected '{name}', a list of objects with an id"
            raise self._unreadable(self._section.images, reason)
        return rows

    def _unreadable(self, file: str, reason: str) -> PredictionsUnreadable:
        return PredictionsUnreadable(self._section.name, self._root / file, reason)

    def _classes(self, listing: Any, known: tuple[str, ...]) -> dict[Any, str | None]:
        """Class by category id; None where the ontology has no such class."""
        stated: dict[Any, Any] = dict(self._section.classes)
        if not stated:
            stated = {row["id"]: row.get("name") for row in self._listed(listing, "categories")}
        return {number: name if name in known else None for number, name in stated.items()}

    def _boxes(
        self, row: dict[str, Any], names: dict[Any, str | None], size: tuple[int, int]
    ) -> list[Region]:
        """The box of one result within its picture; none where its score is too low."""
        category = row.get("category_id")
        label = names.get(category) if isinstance(category, int | str) else None
        if label is None:
            raise _Fault("named no class of the ontology", f"category_id {shown(category)}")
        bbox = row.get("bbox")
        if not isinstance(bbox, list) or len(bbox) != 4:  # noqa: PLR2004 - x, y, width, height
            raise _Fault("gave no box", f"bbox {shown(bbox)}")
        try:
            x, y, width, height = bbox
            found = box(label, x, y, width, height, row.get("score"))
        except RegionInvalid as error:
            raise _Fault("gave a box that cannot be", f"{error.reason}: {shown(row)}") from error
        if found.score is not None and not 0 <= found.score <= 1:
            raise _Fault("gave a score that is no share", shown(row))
        if found.score is not None and found.score < self._section.min_score:
            return []
        return [_within(found, size)]


class _Fault(Exception):
    """Why one result is set aside."""

    def __init__(self, reason: str, detail: str) -> None:
        self.reason = reason
        self.detail = detail
        super().__init__(reason, detail)


class _Pictures:
    """Which of the file's images are items of the batch.

    Attributes:
        items: Item by image id.
        sizes: Width and height of each of those items, in pixels.
    """

    def __init__(self, rows: list[dict[str, Any]], items: LabelerInput, aside: SetAside) -> None:
        self.items: dict[Any, str] = {}
        self.sizes: dict[str, tuple[int, int]] = {}
        self._aside = aside
        self._listed = {row["id"] for row in rows if isinstance(row["id"], int | str)}
        by_name = _by_name(items)
        for row in rows:
            found = by_name.get(str(row.get("file_name")), ())
            if len(found) > 1:
                detail = f"{shown(row.get('file_name'))} could be {len(found)} items"
                aside.add("named an image that is several items", shown(row["id"]), detail)
            elif found and row["id"] in self._listed:
                self._place(row, found[0], items)
        if rows and not self.items:
            detail = f"{len(rows)} images, the first is {shown(rows[0].get('file_name'))}"
            aside.add("lists no image of this batch", shown(rows[0]["id"]), detail)

    def _place(self, row: dict[str, Any], found: tuple[str, str], items: LabelerInput) -> None:
        item, uri = found
        size = _size(items.media(uri))
        stated = tuple(row.get(name) or own for name, own in zip(_SIDES, size, strict=True))
        if stated != size:
            detail = f"{stated[0]} x {stated[1]}, the picture is {size[0]} x {size[1]}"
            self._aside.add("saw the picture in another size", item, detail)
            return
        self.items[row["id"]] = item
        self.sizes[item] = size

    def explain(self, row: dict[str, Any]) -> None:
        """Set a result of no image aside; one of an image that is elsewhere is no fault."""
        image = row.get("image_id")
        if not isinstance(image, int | str) or image not in self._listed:
            self._aside.add("named an unknown image", shown(image), f"image_id {shown(image)}")


_SIDES = ("width", "height")


def _by_name(items: LabelerInput) -> dict[str, list[tuple[str, str]]]:
    """Item and media by each name that its file goes by: its path, and the ends of that."""
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for item, uri, source in items.items.select("item_id", "uri", "source_uri").iter_rows():
        parts = str(source).split("/")
        for start in range(len(parts)):
            found["/".join(parts[start:])].append((item, uri))
    return found


def _size(picture: bytes) -> tuple[int, int]:
    from PIL import Image

    with Image.open(io.BytesIO(picture)) as image:
        return (int(image.width), int(image.height))


def _within(found: Region, size: tuple[int, int]) -> Region:
    """The box, cut at the picture's edge where it stands over it a little."""
    left, top, right, bottom = found.sides
    over = max(-left, -top, right - size[0], bottom - size[1])
    if over > SLACK:
        picture = f"{size[0]} x {size[1]}"
        detail = f"{list(found.geometry)} is {over:g} pixels outside of {picture}"
        raise _Fault("drew outside of the picture", detail)
    if over <= 0:
        return found
    left, top = max(left, 0.0), max(top, 0.0)
    right, bottom = min(right, size[0]), min(bottom, size[1])
    try:
        return box(found.label, left, top, right - left, bottom - top, found.score)
    except RegionInvalid as error:
        raise _Fault("drew outside of the picture", shown(found.geometry)) from error
