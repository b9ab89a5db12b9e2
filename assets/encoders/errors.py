"""What encoders/ raises."""

from collections.abc import Iterable

from assets.errors import AssetError


class EncoderError(AssetError):
    """An encoder cannot be used.

    Attributes:
        source: What the dataset file names.
        reason: Why.
    """

    def __init__(self, source: str, reason: str) -> None:
        self.source = source
        self.reason = reason
        super().__init__(f"encoder '{source}': {reason}")


class EncoderMissing(EncoderError, LookupError):
    """The encoder, or a package that it needs, is not here."""


class EncoderUnusable(EncoderError, ValueError):
    """The encoder is here, and its files are not what they should be."""


class PickleRefused(EncoderUnusable):
    """The encoder's weights are pickles that the dataset file does not allow.

    Attributes:
        names: The files.
    """

    def __init__(self, source: str, names: Iterable[str]) -> None:
        self.names = tuple(sorted(names))
        super().__init__(
            source,
            f"its weights are pickles, {', '.join(self.names)}: loading one can run any code. "
            "Take weights in safetensors format, or, where you trust whoever made them, name "
            f"the files in the dataset file: pickles: [{', '.join(self.names)}]",
        )


class InputsTooLarge(EncoderUnusable):
    """What the encoder takes in does not fit into memory for all items at once.

    Attributes:
        needed: Bytes that it would take.
        limit: Bytes that it may take.
    """

    def __init__(self, source: str, needed: int, limit: int) -> None:
        self.needed = needed
        self.limit = limit
        super().__init__(
            source,
            f"its inputs would take {needed:,} bytes, at most {limit:,}; take strategy: probe, "
            "which keeps embeddings only, or lower encoder.image_side or encoder.max_tokens",
        )
