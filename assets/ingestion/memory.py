"""What is remembered of an inbox between looks: digests, and which files make up a batch."""

import hashlib
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Entry:
    """What is known of one file: when this very state was first seen, its digest once read."""

    signature: tuple[int, int, int]
    seen_at: float
    sha256: str | None = None


@dataclass(frozen=True)
class Group:
    """Files that were found together as one batch and stay together until they are taken."""

    name: str
    batch: str
    files: tuple[str, ...]


@dataclass
class Memory:
    """An inbox as the last look saw it; lost, it is made again at the price of reading all files.

    Digests are valid as long as a file's size, times and inode stay.
    """

    path: Path
    known: dict[str, Entry] = field(default_factory=dict)
    groups: list[Group] = field(default_factory=list)
    seen: dict[str, Entry] = field(default_factory=dict)
    found: list[Group] = field(default_factory=list)

    @staticmethod
    def load(path: Path) -> "Memory":
        """The memory as it was saved; an absent or damaged one is empty."""
        try:
            return _parsed(path, json.loads(path.read_bytes()))
        except (OSError, ValueError, TypeError, KeyError):
            return Memory(path)

    def entry(self, name: str, facts: os.stat_result, now: float) -> Entry:
        """What is known of a file in this state, seen now at the latest."""
        signature = (facts.st_size, max(facts.st_mtime_ns, facts.st_ctime_ns), facts.st_ino)
        entry = self.known.get(name)
        if entry is None or entry.signature != signature or entry.seen_at > now:
            entry = Entry(signature, now)
        self.seen[name] = entry
        return entry

    def read(self, name: str, path: Path) -> str:
        """Read a file and keep its digest."""
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        entry = self.seen[name]
        self.seen[name] = Entry(entry.signature, entry.seen_at, sha256)
        return sha256

    def save(self) -> None:
        """Keep what this look saw; what is gone is forgotten."""
        if (self.seen, self.found) == (self.known, self.groups):
            return
        files = {name: [*e.signature, e.seen_at, e.sha256] for name, e in self.seen.items()}
        groups = [[g.name, g.batch, g.files] for g in self.found]
        self.path.parent.mkdir(parents=True, exist_ok=True)
        partial = self.path.with_suffix(f".{os.getpid()}.partial")
        partial.write_text(json.dumps({"files": files, "groups": groups}))
        partial.replace(self.path)


def _parsed(path: Path, stored: Any) -> Memory:
    known = {
        name: Entry((size, changed, inode), seen_at, sha256)
        for name, (size, changed, inode, seen_at, sha256) in stored["files"].items()
    }
    groups = [Group(name, batch, tuple(files)) for name, batch, files in stored["groups"]]
    return Memory(path, known, groups)
