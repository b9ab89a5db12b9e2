"""What the review stage raises."""

from assets.errors import AssetError


class ReviewUnreadable(AssetError):
    """A review file as a whole could not be read; it is kept as it came.

    Attributes:
        expected: What a readable file is.
        found: What the file is instead.
    """

    def __init__(self, expected: str, found: str) -> None:
        self.expected = expected
        self.found = found
        super().__init__(
            f"not a review file: expected {expected}, found {found}; "
            "the file is kept as it came: export it again and drop the new one beside it"
        )


class LedgerUnbalanced(AssetError):
    """What came in is not what was accounted for; nothing of the file was written.

    Attributes:
        name: Name of the review file.
        received: Judgments in the file.
        accounted: Accepted, duplicate, conflicting and rejected ones together.
    """

    def __init__(self, name: str, received: int, accounted: int) -> None:
        self.name = name
        self.received = received
        self.accounted = accounted
        super().__init__(
            f"review file '{name}': {received} judgments came in but {accounted} are accounted "
            "for; nothing was written, the file is kept: report it with the file's digest"
        )
