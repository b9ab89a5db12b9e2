"""Labeling functions for sentences out of film reviews: does the writer like it or not?

Written from what one knows of the language, without looking at labels; then measured on 4,999
sentences of Pang and Lee (2005), labeled by the ratings of the reviews that they come from.
"Right" is the share of a function's votes that are right, "covers" the share of the sentences
that it votes on.

    function                   votes     right  covers
    praises                    positive   0.79    0.19
    blames                     negative   0.83    0.16
    praises_twice              positive   0.89    0.03
    blames_twice               negative   0.93    0.03
    denies_merit               negative   0.79    0.02
    finds_too_much             negative   0.76    0.04
    wishes_it_were_otherwise   negative   0.72    0.03
    turns_with_but             either     0.79    0.03
    recommends                 positive   0.81    0.02
    speaks_of_people           positive   0.77    0.04

Together they vote on 43 of 100 sentences, and the majority of them is right on 81 of 100 of those:
a start, no more. On fragments of sentences, speaks_of_people is hardly better than chance (0.56):
a rule is as good as the text that it was written for.
"""

import re

from assets.labelers import Item, labeling_function

PRAISE = frozenset(
    """
    admirable affecting amazing beautiful beautifully brilliant captivating charming clever
    compelling delicate delight delightful engaging engrossing enjoyable enthralling excellent
    exhilarating fascinating fresh funny gem gentle gorgeous graceful gripping haunting
    heartfelt hilarious honest insightful inspiring intelligent intimate lively lovely masterful
    masterpiece memorable moving nuanced original perfect poignant powerful provocative
    refreshing remarkable rewarding rich riveting satisfying smart solid splendid startling
    stunning superb sweet tender terrific thoughtful touching unforgettable vivid warm wise
    witty wonderful wonderfully
    """.split()
)
BLAME = frozenset(
    """
    annoying awful awkward bad badly bland bore bored boring cheap cheesy cliche cliched cliches
    clumsy contrived crude disappointing disappointment dreadful dreary dull dumb empty excuse
    fails failed failure flat forced forgettable formulaic generic horrible idiotic implausible
    incoherent inept insipid irritating lacking lackluster lacks lame lazy lifeless listless
    mediocre mess messy mindless monotonous muddled numbing obnoxious overlong painful pathetic
    plodding pointless poor poorly predictable pretentious ridiculous sadly shallow silly sloppy
    slow sluggish stale stupid tedious terrible tired tiresome trite unfunny uninspired
    uninteresting unnecessary unpleasant waste wasted weak worse worst
    """.split()
)
NEGATION = r"(?:not|never|hardly|isn't|wasn't|aren't|doesn't|don't|didn't|no|without|less)"
GOOD = r"(?:good|great|funny|fun|interesting|enough|original|compelling|convincing|much|worth)"


def words(text: str) -> list[str]:
    """The words of a text in lower case."""
    return re.findall(r"[a-z']+", text.lower())


def leaning(text: str) -> int:
    """How many words of praise it has more than words of blame, a negated word left out."""
    total = 0
    before = ""
    for word in words(text):
        if not re.fullmatch(NEGATION, before):
            total += (word in PRAISE) - (word in BLAME)
        before = word
    return total


@labeling_function
def praises(item: Item) -> str | None:
    """Words of praise and none of blame."""
    found = set(words(item.text))
    return "positive" if found & PRAISE and not found & BLAME else None


@labeling_function
def blames(item: Item) -> str | None:
    """Words of blame and none of praise."""
    found = set(words(item.text))
    return "negative" if found & BLAME and not found & PRAISE else None


@labeling_function
def praises_twice(item: Item) -> str | None:
    """At least two more words of praise than of blame."""
    return "positive" if leaning(item.text) >= 2 else None


@labeling_function
def blames_twice(item: Item) -> str | None:
    """At least two more words of blame than of praise."""
    return "negative" if leaning(item.text) <= -2 else None


@labeling_function
def denies_merit(item: Item) -> str | None:
    """Something good, negated: not funny, never quite convincing."""
    pattern = rf"\b{NEGATION}\s+(?:\w+\s+)?{GOOD}\b"
    return "negative" if re.search(pattern, item.text.lower()) else None


@labeling_function
def finds_too_much(item: Item) -> str | None:
    """Too long, too clever, and so on."""
    pattern = r"\b(?:too|overly)\s+\w+(?:ly)?\b|\bso\s+\w+\s+that\s+you\b"
    return "negative" if re.search(pattern, item.text.lower()) else None


@labeling_function
def wishes_it_were_otherwise(item: Item) -> str | None:
    """What might have been: should have, if only, instead of."""
    pattern = (
        r"\b(?:should|could|might|would)(?:\s+have|'ve)\b|\bif only\b|\binstead of\b"
        r"|\bsupposed to\b|\btries\b|\bunless you\b"
    )
    return "negative" if re.search(pattern, item.text.lower()) else None


@labeling_function
def turns_with_but(item: Item) -> str | None:
    """What comes after the last but is what is meant."""
    _, found, after = item.text.lower().rpartition(" but ")
    total = leaning(after) if found else 0
    if total == 0:
        return None
    return "positive" if total > 0 else "negative"


@labeling_function
def recommends(item: Item) -> str | None:
    """Sends the reader to see it, or counts it among the best."""
    pattern = (
        r"\bone of the (?:best|finest|most|year's)\b|\bworth (?:seeing|watching|the|a)\b"
        r"|\b(?:must|well)[- ](?:see|worth)\b|\bthe best\b|\bhighly\b|\bdon't miss\b"
    )
    return "positive" if re.search(pattern, item.text.lower()) else None


@labeling_function
def speaks_of_people(item: Item) -> str | None:
    """Who speaks of people, families and cultures seldom complains."""
    pattern = r"\b(?:portrait|humanity|family|families|culture|tale of|study of|documentary)\b"
    return "positive" if re.search(pattern, item.text.lower()) else None
