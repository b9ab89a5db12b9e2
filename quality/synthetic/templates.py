"""Texts out of templates: slots in braces, filled by chance."""

from collections.abc import Mapping, Sequence
from string import Formatter

import numpy as np

from quality.synthetic.errors import TemplateInvalid


def slots_of(template: str) -> tuple[str, ...]:
    """The slots of a template in their order, repeated ones as often as they stand.

    A slot is a name in braces; two braces stand for one.

    Raises:
        TemplateInvalid: a brace is not closed, or there is more than a name between two.
    """
    try:
        parts = list(Formatter().parse(template))
    except ValueError as error:
        raise TemplateInvalid(
            template, f"slots as {{name}}, every brace closed ({error})"
        ) from None
    found = []
    for _, name, form, conversion in parts:
        if name is None:
            continue
        if not name.isidentifier() or form or conversion:
            raise TemplateInvalid(template, f"the name of a slot between braces, not {name!r}")
        found.append(name)
    return tuple(found)


def filled(
    templates: Sequence[str], slots: Mapping[str, Sequence[str]], rng: np.random.Generator
) -> str:
    """One of the templates, each of its slots filled with one of the slot's values.

    A slot that stands twice gets one value. All texts that a template can become are as likely as
    each other, and so are the templates.

    Raises:
        TemplateInvalid: a slot has no values.
    """
    template = templates[int(rng.integers(len(templates)))]
    names = dict.fromkeys(slots_of(template))
    empty = [name for name in names if not slots.get(name)]
    if empty:
        raise TemplateInvalid(template, f"values for the slots {empty}")
    return template.format(**{n: slots[n][int(rng.integers(len(slots[n])))] for n in names})
