"""The one part named "content" of a multipart/form-data upload, as it comes."""

import re
from collections.abc import AsyncIterator

from infra.lakefs.errors import BadRequestError

_BOUNDARY = re.compile(r'boundary=(?:"([^"]+)"|([^;\s]+))', re.IGNORECASE)
_NAME = re.compile(rb'\bname="?content"?\s*(;|$)', re.IGNORECASE)
_HEADER_BYTES = 16 * 1024


def boundary(content_type: str) -> bytes:
    """What separates the parts.

    Raises:
        BadRequestError: The header does not say.
    """
    match = _BOUNDARY.search(content_type)
    if match is None:
        raise BadRequestError("multipart request without a boundary")
    return (match[1] or match[2]).encode()


class Parts:
    """Walks through the parts of a body."""

    def __init__(self, chunks: AsyncIterator[bytes], separator: bytes) -> None:
        self._chunks = chunks
        self._mark = b"\r\n--" + separator
        # The first separator has no line before it.
        self._buffer = bytearray(b"\r\n")

    async def open_content(self) -> str | None:
        """Go to the body of the part named "content"; gives its type, if it says one.

        Raises:
            BadRequestError: There is no such part, or the body is cut off.
        """
        async for _ in self._until(self._mark):
            pass
        while await self._take(2) == b"\r\n":
            headers = await self._headers()
            if _NAME.search(headers.get(b"content-disposition", b"")):
                found = headers.get(b"content-type")
                return found.decode("latin-1") if found else None
            async for _ in self._until(self._mark):
                pass
        raise BadRequestError("multipart upload missing key 'content'")

    def content(self) -> AsyncIterator[bytes]:
        """The bytes of the part that was opened."""
        return self._until(self._mark)

    async def _headers(self) -> dict[bytes, bytes]:
        raw = bytearray()
        async for piece in self._until(b"\r\n\r\n"):
            raw += piece
            if len(raw) > _HEADER_BYTES:
                raise BadRequestError("multipart part with too long headers")
        pairs = (line.partition(b":") for line in bytes(raw).split(b"\r\n"))
        return {name.strip().lower(): value.strip() for name, _, value in pairs}

    async def _until(self, mark: bytes) -> AsyncIterator[bytes]:
        while (at := self._buffer.find(mark)) < 0:
            keep = len(mark) - 1
            if len(self._buffer) > keep:
                yield bytes(self._buffer[:-keep])
                del self._buffer[:-keep]
            await self._fill()
        yield bytes(self._buffer[:at])
        del self._buffer[: at + len(mark)]

    async def _take(self, count: int) -> bytes:
        while len(self._buffer) < count:
            await self._fill()
        taken = bytes(self._buffer[:count])
        del self._buffer[:count]
        return taken

    async def _fill(self) -> None:
        async for chunk in self._chunks:
            self._buffer += chunk
            return
        raise BadRequestError("multipart body is cut off")
