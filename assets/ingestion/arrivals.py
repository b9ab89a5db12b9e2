"""What is taken in as one batch: files under a name, told apart by their content."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class ArrivedFile:
    """One file of an arrival; name is its path below the inbox, with slashes."""

    name: str
    size: int
    mtime_ns: int
    sha256: str


@dataclass(frozen=True)
class Arrival:
    """What is taken in as one batch.

    Attributes:
        inbox: The dataset's inbox.
        name: The file's or folder's name, `images` for all loose images together.
        digest: SHA-256 over name and content; fit for a run key.
        batch: Name of the batch, a valid partition key, made of name and digest.
        files: All files, by name.
    """

    inbox: Path
    name: str
    digest: str
    batch: str
    files: tuple[ArrivedFile, ...]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)

    def as_json(self) -> dict[str, Any]:
        """What `from_json` makes the same arrival of."""
        return {**asdict(self), "inbox": str(self.inbox)}

    @staticmethod
    def from_json(data: dict[str, Any]) -> "Arrival":
        """The arrival that `as_json` wrote."""
        files = tuple(ArrivedFile(**file) for file in data["files"])
        return Arrival(Path(data["inbox"]), data["name"], data["digest"], data["batch"], files)


def named_arrival(inbox: Path, name: str, files: Sequence[ArrivedFile]) -> Arrival:
    """The arrival of a name and its files; batch and digest follow from them alone."""
    ordered = tuple(sorted(files, key=lambda file: file.name))
    content = "".join(f"{file.name}\0{file.sha256}\0" for file in ordered)
    digest = hashlib.sha256(f"{name}\0{content}".encode()).hexdigest()
    slug = re.sub(r"[^a-z0-9]+", "-", Path(name).stem.lower()).strip("-")[:60].rstrip("-")
    return Arrival(inbox, name, digest, f"{slug or 'batch'}-{digest[:12]}", ordered)
