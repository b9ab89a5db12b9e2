"""Terms of a taxonomy in texts: the longest match at word boundaries, and what it says.

Texts and terms are compared after Unicode's case folding and compatibility composition, word by
word, so that line breaks and doubled spaces do not matter. Plurals and other forms of a word are
terms of their own.
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from quality.ontology.taxonomy import Taxonomy

RULES = 1
"""Goes up whenever the same terms would be found otherwise in the same texts."""

# Scripts without spaces between words: each of their characters counts as a word.
_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_WORD = rf"[[\p{{L}}\p{{M}}\p{{N}}_]--[{_UNSPACED}]]+|[^\s]"

SAID = dict.fromkeys(("label", "reason", "terms", "concepts"), pl.String)
FOUND = {"text": pl.UInt32} | SAID


def folded(text: str) -> str:
    """A text as it is compared: case folded, in Unicode's normal form NFKC."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


@dataclass(frozen=True)
class TermMatcher:
    """Finds what a taxonomy's terms say in texts.

    Attributes:
        taxonomy: Whose terms.
        match_names: Whether the name of a concept is a term of it, too.
    """

    taxonomy: Taxonomy
    match_names: bool = True

    @cached_property
    def concepts(self) -> Mapping[str, tuple[str, ...]]:
        """Names of the concepts that each term stands for, by the term's words."""
        pairs = [
            (term, concept.name)
            for concept in self.taxonomy.concepts
            for term in (*concept.terms, *((concept.name,) if self.match_names else ()))
        ]
        frame = pl.DataFrame(pairs, schema=["term", "name"], orient="row").with_columns(
            words=_words(pl.Series([folded(term) for term, _ in pairs], dtype=pl.String))
        )
        stands_for: dict[str, list[str]] = {}
        for words, name in frame.filter(pl.col("words") != "  ").select("words", "name").rows():
            names = stands_for.setdefault(words, [])
            if name not in names:
                names.append(name)
        return {words: tuple(names) for words, names in stands_for.items()}

    @property
    def ambiguous(self) -> Mapping[str, tuple[str, ...]]:
        """Terms that name more than one concept, with the concepts; they say nothing in a text."""
        return {
            " ".join(words.split()): names
            for words, names in sorted(self.concepts.items())
            if len(names) > 1
        }

    def find(self, texts: pl.Series) -> pl.DataFrame:
        """What each text says.

        A text says the class of its terms; of a class and one above it, the more specific. It
        says nothing, with a reason, where its terms are of several such classes, or where all
        of them are ambiguous. Of overlapping terms the first counts, of those that begin alike
        the longest.

        Returns:
            Rows of FOUND, one for each text that holds a term, by the text's place.
        """
        longest_first = sorted(self.concepts, key=lambda words: (-len(words), words))
        patterns = pl.Series(longest_first, dtype=pl.String)
        compared = pl.Series([folded(text or "") for text in texts], dtype=pl.String)
        hits = (
            pl.DataFrame(
                {"words": _words(compared).str.extract_many(patterns.implode(), leftmost=True)}
            )
            .with_row_index("text")
            .filter(pl.col("words").list.len() > 0)
            .with_columns(words=pl.col("words").list.unique().list.sort().list.join("\n"))
        )
        rows = [(words, *self._decided(words.split("\n"))) for words in hits["words"].unique()]
        said = pl.DataFrame(rows, schema={"words": pl.String} | SAID, orient="row")
        return hits.join(said, on="words", maintain_order="left").select(list(FOUND))

    def _decided(self, words: list[str]) -> tuple[str | None, str | None, str, str]:
        """Label, reason where there is none, terms and concepts of the terms of one text."""
        terms = ", ".join(" ".join(each.split()) for each in words)
        said = {names[0] for each in words if len(names := self.concepts[each]) == 1}
        meant = said or {name for each in words for name in self.concepts[each]}
        concepts = ", ".join(sorted(meant))
        if not said:
            return None, "only ambiguous terms", terms, concepts
        classes = self.taxonomy.most_specific(
            label for name in said for label in self.taxonomy.classes_of(name)
        )
        if len(classes) == 1:
            return next(iter(classes)), None, terms, concepts
        if not classes:
            return None, None, terms, concepts
        opposed = any(self.taxonomy.exclude(a, b) for a in said for b in said)
        which = "classes that exclude each other" if opposed else "several classes"
        return None, f"terms of {which}", terms, concepts


def _words(texts: pl.Series) -> pl.Series:
    """Words between single spaces, so that a term is found as whole words only."""
    return " " + texts.str.extract_all(_WORD).list.join("  ") + " "
