"""Review files: which wait in reviews/NAME, and where they go once their votes are on main."""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

TAKEN = ".taken"
SUFFIXES = (".json", ".jsonl")


@dataclass(frozen=True)
class ReviewPath:
    """A review file that waits, with the SHA-256 of its bytes."""

    path: Path
    sha256: str


def waiting_reviews(folder: Path, settle_seconds: float, now: float) -> list[ReviewPath]:
    """The review files of a folder that have not changed for a while, by name.

    Args:
        folder: Where exports are dropped; it need not exist.
        settle_seconds: How long a file must not have changed.
        now: Seconds since the epoch.
    """
    if not folder.is_dir():
        return []
    files = sorted(p for p in folder.iterdir() if p.suffix in SUFFIXES and p.is_file())
    settled = [
        p for p in files if not p.name.startswith(".") and now - p.stat().st_mtime >= settle_seconds
    ]
    return [ReviewPath(p, hashlib.sha256(p.read_bytes()).hexdigest()) for p in settled]


def mark_reviews_taken(folder: Path, kept: Collection[str]) -> None:
    """Move the files that are kept elsewhere to `.taken`; what came meanwhile stays.

    Args:
        folder: Where exports are dropped.
        kept: First 16 digits of the digests of the files that are kept.
    """
    (folder / TAKEN).mkdir(parents=True, exist_ok=True)
    for file in waiting_reviews(folder, 0, float("inf")):
        if file.sha256[:16] in kept:
            file.path.replace(folder / TAKEN / f"{file.sha256[:12]}-{file.path.name}")
