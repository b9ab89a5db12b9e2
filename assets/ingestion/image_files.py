"""Images of an arrival as items: their bytes are kept as media, the names in a manifest."""

import json
from collections.abc import Sequence
from pathlib import PurePosixPath

import polars as pl

from assets.dataset_file.models import Dataset
from assets.ingestion.arrivals import Arrival
from assets.ingestion.files import copy_verified
from assets.ingestion.images import ImageRead, read_images
from assets.ingestion.preparation import Preparation
from assets.ingestion.rejects import Reason
from assets.ingestion.staged import STAGED, source_file

MANIFEST = "manifest.jsonl"
CHUNK_IMAGES = 4096


def take_images(arrival: Arrival, dataset: Dataset, preparation: Preparation) -> None:
    """Read all images of an arrival into a preparation.

    An item's bytes are kept once, as media; `manifest.jsonl` among the raw files says under which
    name they came. A file that is no item is kept among the raw files as it is.

    Raises:
        ArrivalChanged: a file is not what it was when it was found.
    """
    pending: list[ImageRead] = []
    spec = dataset.ingestion
    by_folder = spec.group_column is not None
    with (preparation.raw / MANIFEST).open("w", encoding="utf-8") as manifest:
        for image in read_images(arrival.inbox, arrival.files, spec, preparation.objects):
            preparation.read(1)
            kept = _kept(arrival, image, preparation)
            line = {"name": image.file.name, "sha256": image.file.sha256, "kept": kept}
            manifest.write(json.dumps(line, ensure_ascii=False) + "\n")
            pending += [image] if image.uri else []
            if len(pending) >= CHUNK_IMAGES:
                _take(pending, preparation, by_folder=by_folder)
                pending.clear()
    _take(pending, preparation, by_folder=by_folder)


def _take(images: Sequence[ImageRead], preparation: Preparation, *, by_folder: bool) -> None:
    preparation.add(_staged(images, by_folder=by_folder))
    preparation.fixed([image.fix for image in images if image.fix])


def _kept(arrival: Arrival, image: ImageRead, preparation: Preparation) -> str | None:
    """Where a file's own bytes are kept; None where they stay outside."""
    if image.uri is None:
        return _reject(arrival, image, preparation)
    if image.fix is None:
        return image.uri
    target = preparation.raw / image.file.name
    copy_verified(arrival.inbox / image.file.name, target, image.file.sha256)
    return target.relative_to(preparation.objects).as_posix()


def _reject(arrival: Arrival, image: ImageRead, preparation: Preparation) -> str | None:
    """Set an image file aside; where its bytes are kept, None where they stay outside."""
    if image.fault is None:
        raise ValueError(f"'{image.file.name}' has no fault")
    if image.fault.reason == Reason.OVERSIZED_FILE:
        preparation.reject_file(image.file, image.fault, None)
        return None
    target = preparation.raw / image.file.name
    copy_verified(arrival.inbox / image.file.name, target, image.file.sha256)
    preparation.reject_file(image.file, image.fault, target)
    return target.relative_to(preparation.objects).as_posix()


def _staged(images: Sequence[ImageRead], *, by_folder: bool) -> pl.DataFrame:
    rows = []
    for image in images:
        name, digest = image.file.name, image.file.sha256
        group = PurePosixPath(name).parent.as_posix() if by_folder else image.item_id
        rows.append((image.item_id, None, image.uri, source_file(name), digest, group, name, None))
    return pl.DataFrame(rows, schema=STAGED, orient="row")
