"""A trained model as files: a manifest in JSON beside its weights; their digest is its version."""

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from importlib.metadata import version as installed
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assets.labelers.errors import ModelUnreadable, ModelUntrusted

MANIFEST = "model.json"
FORMAT = 1


def version_of(files: Mapping[str, bytes]) -> str:
    """Digest of files by name, 64 hex digits."""
    digests = [(name, hashlib.sha256(content).hexdigest()) for name, content in files.items()]
    return hashlib.sha256(repr(sorted(digests)).encode()).hexdigest()


def manifest_file(card: Mapping[str, Any], libraries: Sequence[str]) -> bytes:
    """The manifest: the model's card, and the versions of the libraries that made it."""
    made_with = {name: installed(name) for name in libraries}
    content = {"format": FORMAT, **card, "made_with": made_with}
    return json.dumps(content, indent=1, sort_keys=True).encode()


def verified(labeler: str, files: Mapping[str, bytes], version: str) -> dict[str, Any]:
    """The manifest of files that are what they should be.

    Raises:
        ModelUntrusted: the files are not this version.
        ModelUnreadable: another format, or other minor versions of the libraries.
    """
    actual = version_of(files)
    if actual != version:
        raise ModelUntrusted(labeler, version, actual)
    if MANIFEST not in files:
        raise ModelUnreadable(labeler, f"there is no {MANIFEST} among {sorted(files)}")
    manifest: dict[str, Any] = json.loads(files[MANIFEST])
    if manifest.get("format") != FORMAT:
        found = manifest.get("format")
        raise ModelUnreadable(labeler, f"it has format {found}, this version reads {FORMAT}")
    for name, made_with in manifest["made_with"].items():
        if _minor(installed(name)) != _minor(made_with):
            reason = f"{name} {made_with} made it, {installed(name)} is installed"
            raise ModelUnreadable(labeler, reason)
    return manifest


def array_file(arrays: Sequence[NDArray[Any]]) -> bytes:
    """Arrays as the bytes of a file, the same bytes for the same arrays."""
    buffer = io.BytesIO()
    np.savez(buffer, *arrays)
    return buffer.getvalue()


def arrays_of(content: bytes) -> list[NDArray[Any]]:
    """The arrays of such a file; one that holds a pickle is refused with a ValueError."""
    with np.load(io.BytesIO(content), allow_pickle=False) as stored:
        return [stored[f"arr_{i}"] for i in range(len(stored.files))]


def _minor(version: str) -> list[str]:
    return version.split(".")[:2]
