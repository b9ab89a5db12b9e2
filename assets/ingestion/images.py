"""PNG and JPEG files: each one an item, decoded whole once before it is taken."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from pathlib import Path, PurePosixPath

from assets.dataset_file.cleaning import Cleaning
from assets.dataset_file.models import Ingestion
from assets.ingestion.arrivals import ArrivedFile
from assets.ingestion.cleaning import Fix, clean_image
from assets.ingestion.errors import ArrivalChanged
from assets.ingestion.rejects import Fault, Reason

IMAGES = (".png", ".jpg", ".jpeg")
AT_ONCE = 64
SUFFIXES = {"PNG": ".png", "JPEG": ".jpg", "MPO": ".jpg"}


@dataclass(frozen=True)
class ImageRead:
    """One image file.

    Attributes:
        file: The file.
        uri: Where the item's bytes are stored; None where it is no item.
        fault: Why it is none.
        item_id: Digest of the item's bytes, which are not the file's where it was mended.
        fix: What was mended, if anything.
    """

    file: ArrivedFile
    uri: str | None
    fault: Fault | None
    item_id: str = ""
    fix: Fix | None = None


def read_images(
    inbox: Path, files: Sequence[ArrivedFile], spec: Ingestion, folder: Path
) -> Iterator[ImageRead]:
    """Check image files and write those that are items to `folder` under their store path.

    Holds as many decoded images at a time as there are threads: 2 to 4, of at most
    `max_image_megapixels` x 4 bytes each, beside the files they come from.

    Raises:
        ArrivalChanged: a file is not what it was when it was found.
    """
    threads = min(4, max(2, os.cpu_count() or 2))
    with ThreadPoolExecutor(threads) as pool:
        for start in range(0, len(files), AT_ONCE):
            few = files[start : start + AT_ONCE]
            yield from pool.map(lambda file: _read(inbox, file, spec, folder), few)


def media_path(digest: str, suffix: str) -> str:
    """Where an image's bytes are stored."""
    return f"media/{digest[:2]}/{digest[2:]}{suffix}"


def _read(inbox: Path, file: ArrivedFile, spec: Ingestion, folder: Path) -> ImageRead:
    try:
        _check_outside(file, spec)
        data = _bytes(inbox / file.name, file)
        suffix = image_suffix(data, spec.max_image_megapixels)
        _check_name(file.name, suffix)
        clean, fix = _cleaned(file, data, spec.cleaning)
    except Fault as fault:
        return ImageRead(file, None, fault)
    item_id = fix.item_id if fix else file.sha256
    uri = media_path(item_id, ".png" if fix else suffix)
    (folder / uri).parent.mkdir(parents=True, exist_ok=True)
    (folder / uri).write_bytes(clean)
    return ImageRead(file, uri, None, item_id, fix)


def _cleaned(file: ArrivedFile, data: bytes, spec: Cleaning) -> tuple[bytes, Fix | None]:
    if spec == Cleaning():
        return data, None
    clean, fixes, before, after = clean_image(data, spec)
    if not fixes:
        return data, None
    return clean, Fix(file.name, None, sha256(clean).hexdigest(), fixes, before, after)


def _check_outside(file: ArrivedFile, spec: Ingestion) -> None:
    suffix = PurePosixPath(file.name).suffix.lower()
    if suffix not in IMAGES:
        raise Fault(Reason.UNSUPPORTED_TYPE, f"'{suffix}', expected one of {list(IMAGES)}")
    if not file.size:
        raise Fault(Reason.EMPTY_FILE, "0 bytes")
    if file.size > spec.max_file_mb * 1e6:
        raise Fault(Reason.OVERSIZED_FILE, f"{file.size:,} bytes")
    limit = int(spec.max_item_kb * 1024)
    if file.size > limit:
        raise Fault(Reason.OVERSIZED_ITEM, f"{file.size:,} bytes, at most {limit:,}")


def _bytes(path: Path, file: ArrivedFile) -> bytes:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise ArrivalChanged(path, file.sha256, None) from None
    digest = sha256(data).hexdigest()
    if digest != file.sha256:
        raise ArrivalChanged(path, file.sha256, digest)
    return data


def image_suffix(data: bytes, max_megapixels: float) -> str:
    """The suffix of an image's real format, once every pixel of it was decoded.

    Raises:
        Fault: it is no PNG or JPEG, damaged or truncated, or has too many pixels.
    """
    from PIL import Image

    try:
        with Image.open(BytesIO(data), formats=("PNG", "JPEG")) as image:
            _check_pixels(image.size, max_megapixels)
            # Checksums of all PNG chunks and the end mark; load() passes over both.
            image.verify()
        with Image.open(BytesIO(data), formats=("PNG", "JPEG")) as image:
            image.load()
            return SUFFIXES[image.format or "PNG"]
    except Fault:
        raise
    except Image.DecompressionBombError as error:
        raise Fault(Reason.OVERSIZED_IMAGE, str(error)) from None
    # Decoders of damaged files raise nearly anything: SyntaxError, struct.error, zlib.error.
    except Exception as error:  # noqa: BLE001
        raise Fault(Reason.UNREADABLE_IMAGE, f"{error}") from None


def _check_pixels(size: tuple[int, int], max_megapixels: float) -> None:
    megapixels = size[0] * size[1] / 1e6
    if megapixels > max_megapixels:
        raise Fault(
            Reason.OVERSIZED_IMAGE,
            f"{size[0]} x {size[1]} are {megapixels:.1f} megapixels, at most {max_megapixels:g}",
        )


def _check_name(name: str, suffix: str) -> None:
    given = PurePosixPath(name).suffix.lower().replace(".jpeg", ".jpg")
    if given != suffix:
        raise Fault(Reason.UNSUPPORTED_TYPE, f"named '{given}' but it is a {suffix[1:].upper()}")
