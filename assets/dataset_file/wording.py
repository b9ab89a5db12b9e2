"""Says in a sentence what pydantic expected and did not find."""

from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import Any

from pydantic_core import ErrorDetails

from assets.dataset_file.section import CLASS_NAME, NAME, Section

_PATTERNS = {
    NAME: "3 to 41 lower-case letters, digits and underscores, a letter first",
    CLASS_NAME: "text of one line, without spaces around it",
}

_SENTENCES: dict[str, Callable[[dict[str, Any]], str]] = {
    "string_type": lambda _: "text; write it in quotes",
    "string_too_short": lambda ctx: f"at least {ctx['min_length']} characters",
    "string_pattern_mismatch": lambda ctx: _PATTERNS.get(
        ctx["pattern"], f"text like the pattern {ctx['pattern']}"
    ),
    "int_type": lambda _: "a whole number",
    "int_from_float": lambda _: "a whole number",
    "float_type": lambda _: "a number",
    "bool_type": lambda _: "true or false",
    "finite_number": lambda _: "a finite number",
    "greater_than": lambda ctx: f"a number above {ctx['gt']:g}",
    "greater_than_equal": lambda ctx: f"a number of {ctx['ge']:g} or more",
    "less_than": lambda ctx: f"a number below {ctx['lt']:g}",
    "less_than_equal": lambda ctx: f"a number of {ctx['le']:g} or less",
    "literal_error": lambda ctx: str(ctx["expected"]),
    "union_tag_invalid": lambda ctx: f"one of {ctx['expected_tags']}",
    "union_tag_not_found": lambda _: "a mapping with a kind",
    "too_short": lambda ctx: f"a list of at least {ctx['min_length']}, not {ctx['actual_length']}",
    "tuple_type": lambda _: "a list",
    "dict_type": lambda _: "a mapping of keys and values",
    "model_type": lambda _: "a mapping of keys and values",
    "model_attributes_type": lambda _: "a mapping of keys and values",
    "value_error": lambda ctx: str(ctx["error"]),
}


def expectation(error: ErrorDetails, section: type[Section] | None) -> str:
    """What was expected where a validation error stands, to be read after "expected"."""
    key = error["loc"][-1] if error["loc"] else ""
    if error["type"] == "missing":
        return missing_key(str(key), section)
    if error["type"] == "extra_forbidden":
        return known_name(str(key), section.model_fields if section else (), "a key")
    sentence = _SENTENCES.get(error["type"])
    return sentence(error.get("ctx", {})) if sentence else error["msg"]


def missing_key(key: str, section: type[Section] | None) -> str:
    """What the key that was left out is for."""
    field = section.model_fields.get(key) if section else None
    meaning = f" ({field.description.rstrip('.')})" if field and field.description else ""
    return f"the key '{key}' here{meaning}"


def known_name(name: str, known: Iterable[str], what: str) -> str:
    """The known name that is most like this one; all of them where none is."""
    names = sorted(known)
    close = get_close_matches(name, names, n=1, cutoff=0.6)
    if close:
        return f"{what} that is known; did you mean '{close[0]}'?"
    return f"{what} out of {', '.join(names)}"
