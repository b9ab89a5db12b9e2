"""What featurizing needs beside items: where encoders are, and where embeddings are kept."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


def _quiet(_text: str) -> None:
    """Nobody listens."""


@dataclass(frozen=True)
class Workspace:
    """Where encoders are looked for, and what can be made again is kept.

    Attributes:
        root: The project's folder.
        cache: Folder for what can be made again; None keeps nothing.
        tell: Told how many embeddings were kept and how many are made.
    """

    root: Path = Path()
    cache: Path | None = None
    tell: Callable[[str], None] = _quiet


NOWHERE = Workspace()
