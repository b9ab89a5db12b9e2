"""What is wrong with a dataset file: each fault with its place, value and what was expected."""

from dataclasses import dataclass
from pathlib import Path

from assets.dataset_file.document import KeyPath
from assets.errors import AssetError


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong.

    Attributes:
        path: The dataset file.
        line: Line, counted from 1.
        column: Column, counted from 1; None where only the line is known.
        key: Key path, for example ("labelers", 0, "path"); empty for the file as a whole.
        value: The value as it is written; None where there is none.
        expected: What should be there.
    """

    path: Path
    line: int
    column: int | None
    key: KeyPath
    value: str | None
    expected: str

    @property
    def key_path(self) -> str:
        """The key path as people write it: `labelers[0].path`."""
        parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in self.key)
        return "".join(parts).removeprefix(".")

    def __str__(self) -> str:
        where = f"{self.path}:{self.line}" + (f":{self.column}" if self.column else "")
        what = f"{self.key_path}: " if self.key else ""
        got = "" if self.value is None else f"found {self.value!r}, "
        return f"{where}: {what}{got}expected {self.expected}"


class DatasetFileInvalid(AssetError, ValueError):
    """A dataset file cannot be used as it is.

    Attributes:
        path: The dataset file.
        faults: All that is wrong with it, in the file's order.
    """

    def __init__(self, path: Path, faults: tuple[Fault, ...]) -> None:
        self.path = path
        self.faults = faults
        count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        super().__init__("\n  ".join([f"{path}: {count}", *map(str, faults)]))
