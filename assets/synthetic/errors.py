"""What assets/synthetic/ raises."""

from assets.errors import AssetError


class NothingToMakeOf(AssetError):
    """A source cannot make items of a class.

    Attributes:
        source: Name of the section.
        label: The class.
        reason: Why not.
    """

    def __init__(self, source: str, label: str, reason: str) -> None:
        self.source = source
        self.label = label
        self.reason = reason
        super().__init__(f"synthetic:{source} makes nothing of class '{label}': {reason}")
