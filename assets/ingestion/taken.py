"""What was taken in: moved out of the way, below the inbox's `.taken/`."""

import json
import os
from collections.abc import Collection
from pathlib import Path

from assets.ingestion.arrivals import Arrival
from assets.ingestion.errors import ArrivalMissing
from assets.ingestion.files import whole
from assets.ingestion.inbox import found_before
from assets.ingestion.marker import TAKEN, marker


def find_arrival(inbox: Path, batch: str, *, now: float, cache: Path) -> Arrival:
    """The arrival of a batch name, whether it still lies in the inbox or was taken already.

    Raises:
        ArrivalMissing: its files are not there any more, or have changed.
    """
    if marker(inbox, batch).exists():
        return Arrival.from_json(json.loads(marker(inbox, batch).read_bytes()))
    for arrival in found_before(inbox, [batch], now, cache=cache, anew=True):
        return arrival
    raise ArrivalMissing(batch, inbox)


def mark_published(inbox: Path, batches: Collection[str], *, now: float, cache: Path) -> list[str]:
    """Mark those of the batches taken that still lie in the inbox; their names.

    May be given all batches that were ever published.
    """
    lying = found_before(inbox, batches, now, cache=cache)
    for arrival in lying:
        mark_taken(arrival)
    return [arrival.batch for arrival in lying]


def mark_taken(arrival: Arrival) -> None:
    """Move an arrival's files to `.taken/BATCH/`; may be run again, also after a crash.

    A file that changed since it was found stays where it is: it is a new arrival.
    """
    with whole(marker(arrival.inbox, arrival.batch)) as path:
        path.write_text(json.dumps(arrival.as_json()))
    for file in arrival.files:
        source = arrival.inbox / file.name
        if source.is_file() and _state(source) == (file.size, file.mtime_ns):
            target = arrival.inbox / TAKEN / arrival.batch / file.name
            target.parent.mkdir(parents=True, exist_ok=True)
            source.replace(target)
    _drop_empty_folders(arrival.inbox / arrival.name)


def _state(path: Path) -> tuple[int, int]:
    facts = path.stat()
    return facts.st_size, facts.st_mtime_ns


def _drop_empty_folders(top: Path) -> None:
    for parent, _, _ in os.walk(top, topdown=False):
        if not any(Path(parent).iterdir()):
            Path(parent).rmdir()
