"""Why a language model gave no vote on an item."""


class NoVote(Exception):
    """The item gets an abstention.

    Attributes:
        reason: In a few words that are the same for items that fail alike.
        detail: What happened on this one.
    """

    def __init__(self, reason: str, detail: str) -> None:
        self.reason = reason
        self.detail = detail
        super().__init__(f"{reason}: {detail}")
