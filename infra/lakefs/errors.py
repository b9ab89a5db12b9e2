"""What the embedded lakeFS server answers when it refuses: one class per HTTP status."""

from typing import ClassVar


class LakeFSError(Exception):
    """A request that is refused.

    Attributes:
        status: HTTP status of the answer.
        message: lakeFS's own wording, which clients look at.
    """

    status: ClassVar[int] = 500

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    @property
    def headers(self) -> dict[str, str]:
        """Headers that belong to the answer."""
        return {}


class BadRequestError(LakeFSError):
    """The request itself is wrong, or changes nothing."""

    status = 400


class UnauthorizedError(LakeFSError):
    """No credentials, or wrong ones."""

    status = 401

    def __init__(self) -> None:
        super().__init__("error authenticating request")


class ForbiddenError(LakeFSError):
    """A read-only repository or a protected branch."""

    status = 403


class NotFoundError(LakeFSError):
    """Nothing has that name."""

    status = 404


class ConflictError(LakeFSError):
    """Something has that name already, or both sides changed the same object."""

    status = 409


class GoneError(LakeFSError):
    """The object is recorded, but its bytes are missing or damaged."""

    status = 410


class PreconditionFailedError(LakeFSError):
    """`If-None-Match: *` and the path exists."""

    status = 412


class RangeError(LakeFSError):
    """A byte range that the object does not have.

    Attributes:
        size: Length of the object in bytes, or None where lakeFS does not tell it.
    """

    status = 416

    def __init__(self, size: int | None) -> None:
        super().__init__("Requested Range Not Satisfiable")
        self.size = size

    @property
    def headers(self) -> dict[str, str]:
        """Clients read the object's size out of it."""
        return {} if self.size is None else {"Content-Range": f"bytes */{self.size}"}


class BusyError(LakeFSError):
    """The branch moved while the request was under way; the client may try again."""

    status = 429


class UnsupportedError(LakeFSError):
    """Part of lakeFS's API that this server does not have."""

    status = 501


class StorageFailedError(LakeFSError):
    """The disk refused a write; nothing of the request was kept."""

    status = 507


class DamagedError(LakeFSError):
    """The store itself is damaged: a tree node is missing or not what its name says."""


class MergeConflictError(ConflictError):
    """A merge that met a conflict; lakeFS answers it without a message."""

    def __init__(self) -> None:
        super().__init__("conflict found")


class StoreError(Exception):
    """The folder cannot be served: the message says why and what to do."""
