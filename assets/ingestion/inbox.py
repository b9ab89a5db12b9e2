"""What lies in an inbox: what is complete and may be taken, and what waits, and why."""

import os
import stat
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from assets.ingestion.arrivals import Arrival, ArrivedFile, named_arrival
from assets.ingestion.images import IMAGES
from assets.ingestion.marker import marker
from assets.ingestion.memory import Group, Memory

TEMPORARY = (".part", ".partial", ".tmp", ".temp", ".crdownload", ".download", ".filepart", "~")
LOOSE_IMAGES = "images"


@dataclass(frozen=True)
class Waiting:
    """What lies in the inbox but is not taken, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class Inbox:
    """All that lies in an inbox: what may be taken now, and what waits."""

    arrivals: tuple[Arrival, ...]
    waiting: tuple[Waiting, ...]


def arrivals(inbox: Path, settle_seconds: float, now: float, *, cache: Path) -> list[Arrival]:
    """What is complete and may be taken; see `look`."""
    return list(look(inbox, settle_seconds, now, cache=cache).arrivals)


def look(inbox: Path, settle_seconds: float, now: float, *, cache: Path) -> Inbox:
    """All that lies in an inbox. A file is read only when its size or time has changed.

    Files that were once found together stay one arrival until they are taken; what is added to
    a folder meanwhile is an arrival of its own.

    Args:
        inbox: The folder; one that is not there is an empty one.
        settle_seconds: What changed within this time may still be being written and waits.
        now: Seconds since the epoch.
        cache: A folder where digests are kept between calls; it may be lost at any time.
    """
    view = _View(inbox, Memory.load(memory_path(inbox, cache)), settle_seconds, now)
    view.see()
    view.memory.save()
    return Inbox(tuple(view.arrivals), tuple(view.waiting))


def found_before(
    inbox: Path, batches: Collection[str], now: float, *, cache: Path, anew: bool = False
) -> tuple[Arrival, ...]:
    """Those of the batches that an earlier look found and that still lie there as they were.

    Nothing is remembered of this, and nothing that still arrives is read, unless the memory was
    lost: then all is read, and names come out the same, for they follow from content.

    Args:
        inbox: The folder.
        batches: Names of batches.
        now: Seconds since the epoch.
        cache: Where earlier looks kept their digests.
        anew: Whether to read all also where the memory only knows none of these batches.
    """
    view = _View(inbox, Memory.load(memory_path(inbox, cache)), 0, now)
    for group in view.memory.groups:
        if group.batch in batches:
            view.attempt(group.name, list(group.files))
    if not view.arrivals and (anew or not view.memory.groups):
        view.see()
    return tuple(arrival for arrival in view.arrivals if arrival.batch in batches)


def memory_path(inbox: Path, cache: Path) -> Path:
    """Where an inbox's digests are kept."""
    return cache / "inbox" / f"{inbox.name}.json"


class _NotYet(Exception):
    """Why something is not taken now."""


@dataclass
class _View:
    """One look at an inbox."""

    inbox: Path
    memory: Memory
    settle_seconds: float
    now: float
    arrivals: list[Arrival] = field(default_factory=list)
    waiting: list[Waiting] = field(default_factory=list)

    def see(self) -> None:
        """Look at all that lies there."""
        for name, paths in _entries(self.inbox):
            try:
                files = [file for path in paths for file in _files(path)]
            except OSError as error:
                self.waiting.append(Waiting(name, f"cannot be read: {error.strerror}"))
                continue
            names = [file.relative_to(self.inbox).as_posix() for file in files]
            for group in self._groups(name, names):
                self.attempt(name, group)

    def _groups(self, name: str, names: list[str]) -> Iterator[list[str]]:
        """The groups found before that are still whole, then all the rest."""
        rest = set(names)
        for group in self.memory.groups:
            if group.name == name and rest >= {*group.files}:
                yield list(group.files)
                rest -= {*group.files}
        if rest or not names:
            yield sorted(rest)

    def attempt(self, name: str, names: list[str]) -> None:
        """Add these files as an arrival, or to what waits."""
        try:
            arrival = self._arrival(name, names)
            self.arrivals.append(arrival)
            self.memory.found.append(Group(name, arrival.batch, tuple(names)))
        except _NotYet as reason:
            self.waiting.append(Waiting(name, str(reason)))
        except OSError as error:
            self.waiting.append(Waiting(name, f"cannot be read: {error.strerror}"))

    def _arrival(self, name: str, names: list[str]) -> Arrival:
        if not names:
            raise _NotYet("the folder is empty")
        for each in (name, *names):
            _check_name(each)
        arrival = named_arrival(self.inbox, name, [self._resting(each) for each in names])
        if marker(self.inbox, arrival.batch).exists():
            raise _NotYet(f"was taken as batch '{arrival.batch}': it may be deleted here")
        return arrival

    def _resting(self, name: str) -> ArrivedFile:
        path = self.inbox / name
        facts = path.stat()
        if not stat.S_ISREG(facts.st_mode):
            raise _NotYet(f"'{name}' is not a regular file")
        entry = self.memory.entry(name, facts, self.now)
        changed = max(facts.st_mtime, facts.st_ctime)
        # A time ahead of ours says nothing: then count from when this state was first seen.
        since = changed if changed <= self.now else entry.seen_at
        if self.now - since < self.settle_seconds:
            raise _NotYet(f"'{name}' changed within the last {self.settle_seconds:g} seconds")
        sha256 = entry.sha256 or self.memory.read(name, path)
        return ArrivedFile(name, facts.st_size, facts.st_mtime_ns, sha256)


def _entries(inbox: Path) -> Iterator[tuple[str, list[Path]]]:
    found = sorted(inbox.iterdir()) if inbox.is_dir() else []
    visible = [path for path in found if not path.name.startswith(".")]
    loose = [path for path in visible if path.suffix.lower() in IMAGES and path.is_file()]
    if loose:
        yield LOOSE_IMAGES, loose
    for path in sorted({*visible} - {*loose}):
        yield path.name, [path]


def _files(path: Path) -> list[Path]:
    """The file itself, or all files below a folder; links to folders are not followed."""
    if not path.is_dir():
        return [path]
    files: list[Path] = []
    for parent, folders, names in os.walk(path, onerror=_raise):
        folders[:] = [name for name in folders if not name.startswith(".")]
        links = [name for name in folders if Path(parent, name).is_symlink()]
        files += [Path(parent, name) for name in names + links if not name.startswith(".")]
    return files


def _raise(error: OSError) -> None:
    raise error


def _check_name(name: str) -> None:
    if name.lower().endswith(TEMPORARY):
        raise _NotYet(f"'{name}' has the name of a file that is still being written")
    if not name.isprintable():
        raise _NotYet(f"{name!r} is not a name in UTF-8 without control characters: rename it")
