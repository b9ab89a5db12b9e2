"""What features/ raises."""

from assets.errors import AssetError


class FeaturesMismatch(AssetError):
    """The dataset's features cannot be made of its items.

    Attributes:
        kind: The kind of features that was asked for.
        modality: What the items are.
    """

    def __init__(self, kind: str, modality: str) -> None:
        self.kind = kind
        self.modality = modality
        super().__init__(
            f"features.kind '{kind}' cannot be made of {modality} items; expected 'auto', "
            "or 'pixels' for images, 'hashed_ngrams' for texts, 'columns' for tables, or "
            "'embeddings' for images and texts"
        )


class ItemUnreadable(AssetError):
    """An item that was taken in cannot be read any more.

    Attributes:
        item_id: The item.
        uri: Where its bytes are, None for an item without.
    """

    def __init__(self, item_id: str, uri: str | None, why: str) -> None:
        self.item_id = item_id
        self.uri = uri
        super().__init__(
            f"item {item_id} ({uri or 'no uri'}): {why}; it was readable when it was taken in, "
            "so run `hallmark doctor`"
        )
