"""What the author of labeling functions works with: the decorator, and the item it is given.

from assets.labelers import Item, labeling_function

@labeling_function
def says_great(item: Item) -> str | None:
return "positive" if "great" in item.text else None
"""

import inspect
import io
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

Judge = Callable[["Item"], str | None]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class Item:
    """One item as a labeling function sees it; it cannot be changed.

    Attributes:
        item_id: Digest of the content.
        content: The text, or a row as JSON; None for an image.
        media: Bytes of the image file; None for text and rows.
    """

    item_id: str
    content: str | None = None
    media: bytes | None = None

    @property
    def text(self) -> str:
        """The text. Raises TypeError where the item is an image."""
        if self.content is None:
            raise TypeError("the item is an image: it has no text; use item.image")
        return self.content

    @cached_property
    def row(self) -> Mapping[str, Any]:
        """Values by column. Raises TypeError where the item is no row."""
        row = json.loads(self.text)
        if not isinstance(row, dict):
            raise TypeError("the item is a text: it has no columns; use item.text")
        return MappingProxyType(row)

    @cached_property
    def image(self) -> NDArray[np.uint8]:
        """Grey levels [height, width], 0 black to 255 white, read-only; decoded when first asked.

        Upright, and on white where it is transparent. Raises TypeError where the item is no image.
        """
        if self.media is None:
            raise TypeError("the item is no image; use item.text or item.row")
        from PIL import Image

        from assets.features.pictures import gray

        with Image.open(io.BytesIO(self.media), formats=("PNG", "JPEG")) as picture:
            levels = np.asarray(gray(picture)).round().clip(0, 255).astype(np.uint8)
        levels.setflags(write=False)
        return levels


@dataclass(frozen=True)
class LabelingFunction:
    """A declared function, and where it stands."""

    name: str
    judge: Judge
    file: str
    line: int


DECLARED: list[LabelingFunction] = []


@overload
def labeling_function(judge: Judge) -> Judge: ...
@overload
def labeling_function(*, name: str) -> Callable[[Judge], Judge]: ...


def labeling_function(
    judge: Judge | None = None, *, name: str | None = None
) -> Judge | Callable[[Judge], Judge]:
    """Declare a labeling function; it votes as `function:NAME`.

    The function takes an `Item` and returns the name of a class, or None to abstain. It is given
    back unchanged, so that it can be called and tested like any other.

    Args:
        judge: The function.
        name: Another name than the function's own, for functions made in a loop.

    Raises:
        TypeError: the function cannot be called with one item, or its name cannot be an actor's.
    """
    if judge is None:
        return lambda declared: _declare(declared, name)
    return _declare(judge, name)


def _declare(judge: Judge, name: str | None) -> Judge:
    inner = inspect.unwrap(judge)
    if not inspect.isfunction(inner):
        raise TypeError(f"{judge!r}: a labeling function has to be a function")
    name = name or inner.__name__
    if not _NAME.fullmatch(name):
        raise TypeError(f"labeling function {name!r}: give a name of letters, digits, underscores")
    try:
        inspect.signature(judge).bind(None)
    except TypeError as error:
        raise TypeError(f"labeling function '{name}' has to take one item: {error}") from None
    code = inner.__code__
    DECLARED.append(LabelingFunction(name, judge, code.co_filename, code.co_firstlineno))
    return judge
