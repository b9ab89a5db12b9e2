"""An encoder ready for use: inputs of items, and embeddings of inputs."""

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assets.dataset_file.encoder import Encoder
from assets.encoders.errors import EncoderUnusable, InputsTooLarge
from assets.encoders.source import EncoderFiles, find

if TYPE_CHECKING:
    from torch import nn

LARGEST_INPUTS_BYTES = 4 * 2**30
AT_ONCE = 256
TOKENIZERS = ("modules.json", "tokenizer.json", "tokenizer_config.json", "vocab.txt")


class OpenEncoder:
    """An encoder of texts or images; its weights are read when they are first needed.

    Attributes:
        files: Its files.
        modality: text where there is a tokenizer among them, else image.
    """

    def __init__(self, spec: Encoder, root: Path, modality: str | None = None) -> None:
        """Find the encoder.

        Raises:
            EncoderMissing: it is not here.
            EncoderUnusable: its files cannot be used, or not for items of this modality.
        """
        self.files: EncoderFiles = find(spec, root)
        tokenizer = any((self.files.folder / name).is_file() for name in TOKENIZERS)
        self.modality = "text" if tokenizer and not spec.backbone else "image"
        if modality not in (None, self.modality):
            reason = f"it is an encoder of {self.modality} items, and these are {modality} items"
            raise EncoderUnusable(spec.source, reason)

    @property
    def version(self) -> str:
        """Digest of all that the embeddings depend on, other than the content."""
        return self.files.version

    @cached_property
    def width(self) -> int:
        """How many numbers an embedding has."""
        return int(self._embedded(np.zeros((1, self.columns), dtype=np.float32)).shape[1])

    @cached_property
    def columns(self) -> int:
        """How many numbers the inputs of an item have."""
        if self.modality == "text":
            return int(self.tokens([]).shape[1])
        from assets.encoders.pictures import preparation

        asked = preparation(self.files)
        return len(asked.mean) * asked.side**2

    def network(self, *, fresh: bool = False) -> "nn.Module":
        """The network, the caller's own; `fresh` without what it learned."""
        from assets.encoders.networks import TextNetwork

        if self.modality == "text":
            from assets.encoders.texts import sentence_encoder

            return TextNetwork(sentence_encoder(self.files, fresh=fresh))
        from assets.encoders.pictures import picture_network

        return picture_network(self.files, fresh=fresh)

    def inputs(self, items: pl.DataFrame, media: Callable[[str], bytes]) -> NDArray[np.float32]:
        """What the encoder takes in of each item [n, columns].

        Token ids, -1 behind the last; or pixels 0 to 255, channel by channel.

        Args:
            items: Rows of the items table: item_id, content, uri.
            media: Bytes of an image, by uri.

        Raises:
            ItemUnreadable: an image cannot be decoded.
            InputsTooLarge: they do not fit into memory.
        """
        needed = items.height * self.columns * 4
        if needed > LARGEST_INPUTS_BYTES:
            raise InputsTooLarge(self.files.spec.source, needed, LARGEST_INPUTS_BYTES)
        if self.modality == "text":
            return self.tokens(items["content"].fill_null("").to_list())
        from assets.encoders.pictures import preparation
        from assets.features.pictures import of_pictures

        made = list(of_pictures(items, media, preparation(self.files).pixels))
        return np.stack(made) if made else np.zeros((0, self.columns), dtype=np.float32)

    def tokens(self, texts: list[str]) -> NDArray[np.float32]:
        """Token ids of texts [n, columns]."""
        from assets.encoders.texts import token_ids

        network: Any = self._network
        return token_ids(network.sentences, texts, self.files.spec.max_tokens)

    def embeddings(self, items: pl.DataFrame, media: Callable[[str], bytes]) -> NDArray[np.float32]:
        """Embedding of each item [n, width], a function of its content alone."""
        chunks = [self._embedded(self.inputs(part, media)) for part in items.iter_slices(AT_ONCE)]
        return np.concatenate([np.zeros((0, self.width), dtype=np.float32), *chunks])

    def embeddings_of(self, texts: list[str]) -> NDArray[np.float32]:
        """Embedding of each text [n, width]."""
        return self._embedded(self.tokens(texts))

    def _embedded(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        from assets.encoders.networks import embedded

        return embedded(self._network, inputs, self.files.spec.device)

    @cached_property
    def _network(self) -> "nn.Module":
        return self.network()
