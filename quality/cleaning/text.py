"""Texts mended: encoding, HTML, control characters, Unicode form, white space."""

import html
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

BREAKS = re.compile(r"[^\S\n]*\n[^\S\n]*")
MANY_BREAKS = re.compile(r"\n{3,}")
SPACES = re.compile(r"[^\S\n]+")
LINE_ENDS = re.compile(r"\r\n?|\u2028|\u2029|\x85")
# Zero-width joiners are kept: scripts and emoji are written with them.
CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufeff\ufffe\uffff]")


@dataclass(frozen=True)
class TextRules:
    """What of a text is mended, in this order.

    Attributes:
        encoding: UTF-8 that was read as another encoding is undone (ftfy's `fix_encoding`).
        html: Character references such as `&amp;` become the characters.
        controls: Control characters other than tab and line end are dropped.
        unicode: Unicode's normalization form C: one sequence for one character.
        spaces: Runs of white space become one space, of empty lines one; none at the ends.
    """

    encoding: bool = False
    html: bool = False
    controls: bool = False
    unicode: bool = False
    spaces: bool = False


def cleaned(text: str, rules: TextRules) -> tuple[str, tuple[str, ...]]:
    """The text as the rules want it, and the rules that changed something, by name."""
    changed = []
    for name, mend in MENDERS.items():
        if getattr(rules, name):
            mended = mend(text)
            if mended != text:
                changed.append(name)
                text = mended
    return text, tuple(changed)


def _encoding(text: str) -> str:
    if text.isascii():
        return text
    from ftfy import fix_encoding

    return str(fix_encoding(text))


def _spaces(text: str) -> str:
    lines = BREAKS.sub("\n", LINE_ENDS.sub("\n", text))
    return SPACES.sub(" ", MANY_BREAKS.sub("\n\n", lines)).strip()


MENDERS: dict[str, Callable[[str], str]] = {
    "encoding": _encoding,
    "html": html.unescape,
    "controls": lambda text: CONTROLS.sub("", text),
    "unicode": lambda text: unicodedata.normalize("NFC", text),
    "spaces": _spaces,
}
