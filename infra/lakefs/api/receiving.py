"""Taking in an object's bytes: small ones in memory, large ones into a file as they come."""

import asyncio
from collections.abc import AsyncIterator, Callable

from infra.lakefs.blobs import INLINE_BYTES, Blobs, Content, content_of

_PIECE_BYTES = 1 << 20


async def receive(
    blobs: Blobs, chunks: AsyncIterator[bytes], *, admit: Callable[[], None]
) -> Content:
    """Bytes that are hashed and, if they are many, on disk.

    Args:
        blobs: Where files go.
        chunks: The body.
        admit: Raises if a large body is not worth taking; asked before the first byte is stored.
    """
    head = bytearray()
    async for chunk in chunks:
        head += chunk
        if len(head) > INLINE_BYTES:
            await asyncio.to_thread(admit)
            return await _to_file(blobs, head, chunks)
    return content_of(bytes(head))


async def _to_file(blobs: Blobs, head: bytearray, chunks: AsyncIterator[bytes]) -> Content:
    incoming = await asyncio.to_thread(blobs.incoming)
    piece = head
    try:
        async for chunk in chunks:
            piece += chunk
            if len(piece) >= _PIECE_BYTES:
                await asyncio.to_thread(incoming.write, piece)
                piece = bytearray()
        await asyncio.to_thread(incoming.write, piece)
        return await asyncio.to_thread(incoming.finish)
    finally:
        incoming.discard()
