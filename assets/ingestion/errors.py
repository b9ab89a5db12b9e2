"""What ingestion raises; whatever is wrong with single rows or files is rejected instead."""

from pathlib import Path

from assets.errors import AssetError


class IngestionError(AssetError):
    """A batch cannot be taken in; its files stay in the inbox as they are."""


class ArrivalMissing(IngestionError, LookupError):
    """No files in the inbox make up this batch.

    Attributes:
        batch: Name of the batch.
        inbox: Where it was looked for.
    """

    def __init__(self, batch: str, inbox: Path) -> None:
        self.batch = batch
        self.inbox = inbox
        super().__init__(
            f"no files in '{inbox}' make up batch '{batch}': they were taken, removed or changed; "
            "changed files are taken as a new batch by themselves"
        )


class ArrivalChanged(IngestionError):
    """A file is not what it was when it was found.

    Attributes:
        path: The file.
        expected_sha256: Its digest when it was found.
        actual_sha256: Its digest now, None where it is gone.
    """

    def __init__(self, path: Path, expected: str, actual: str | None) -> None:
        self.path = path
        self.expected_sha256 = expected
        self.actual_sha256 = actual
        now = f"SHA-256 {actual}" if actual else "gone"
        super().__init__(
            f"'{path}' had SHA-256 {expected} when it was found and is {now}; nothing was taken, "
            "it is found again as a new batch once it rests"
        )


class DiskFull(IngestionError, OSError):
    """There is no room to prepare a batch.

    Attributes:
        path: Where was written.
        free_bytes: What is free there.
        needed_bytes: What the batch needs at least, None where that is not known.
    """

    def __init__(self, path: Path, free_bytes: int, needed_bytes: int | None = None) -> None:
        self.path = path
        self.free_bytes = free_bytes
        self.needed_bytes = needed_bytes
        needed = f", about {needed_bytes:,} are needed" if needed_bytes else ""
        super().__init__(
            f"no space left below '{path}': {free_bytes:,} bytes are free{needed}; nothing was "
            "taken, the files are still in the inbox: make room and run the batch again"
        )


class CountsDoNotBalance(IngestionError):
    """What went in is not what came out: a fault of ingestion itself, nothing is published.

    Attributes:
        read: Rows and files that were read.
        accounted: How many of them were taken, duplicate, known or rejected.
    """

    def __init__(self, read: int, accounted: int) -> None:
        self.read = read
        self.accounted = accounted
        super().__init__(
            f"{read} rows were read but {accounted} are accounted for; nothing was taken, "
            "please report it with the file"
        )
