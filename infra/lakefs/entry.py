"""One object of a version: what is known about it, and what makes it the same as another."""

import json
from dataclasses import dataclass, field
from hashlib import blake2b

from infra.lakefs.tree import IDENTITY_BYTES

DEFAULT_TYPE = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Entry:
    """An object's record.

    Attributes:
        size: Bytes.
        checksum: Hex MD5 of the content, or whatever a client that linked the object said.
        sha256: Name of the blob that holds the bytes; None where nothing was ever uploaded.
        content_type: Media type.
        metadata: User metadata.
        mtime: Unix seconds.
        address: Physical address, where it is not that of the blob.
    """

    size: int
    checksum: str
    sha256: str | None
    content_type: str = DEFAULT_TYPE
    metadata: dict[str, str] = field(default_factory=dict)
    mtime: int = 0
    address: str | None = None

    def pack(self) -> bytes:
        """The tree's value: identity, then everything."""
        pairs = sorted(self.metadata.items())
        same = [self.size, self.checksum, self.sha256, self.content_type, pairs]
        identity = blake2b(json.dumps(same).encode(), digest_size=IDENTITY_BYTES).digest()
        return (
            identity
            + json.dumps(
                [
                    self.size,
                    self.checksum,
                    self.sha256,
                    self.content_type,
                    self.metadata,
                    self.mtime,
                    self.address,
                ],
                separators=(",", ":"),
            ).encode()
        )


def unpack(value: bytes) -> Entry:
    """The entry that `Entry.pack` wrote."""
    return Entry(*json.loads(value[IDENTITY_BYTES:].decode()))
