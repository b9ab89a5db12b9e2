"""What a `synthetic` section refers to: classes, columns, modality, and the slots of templates."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, get_args

from assets.dataset_file.document import KeyPath
from assets.dataset_file.sections import kind_of, value_at
from assets.dataset_file.synthetic import SyntheticSource
from assets.dataset_file.wording import known_name
from quality.synthetic.errors import TemplateInvalid
from quality.synthetic.templates import slots_of

Check = Callable[[Any], str | None]
_MODALITIES = {kind_of(s): s.modalities for s in get_args(get_args(SyntheticSource)[0])}


def synthetic_checks(data: Any) -> Iterator[tuple[KeyPath, Check]]:
    """Places of the `synthetic` list, each with what is expected there; None where it will do.

    Args:
        data: The dataset file as plain data.
    """
    classes, names = _classes(data), list[str]()
    for i, source in enumerate(_list(value_at(data, ("synthetic",)))):
        here: KeyPath = ("synthetic", i)
        yield (*here, "name"), _once(names)
        yield (*here, "kind"), _fits(value_at(data, ("modality",)))
        for j in range(len(_list(value_at(source, ("classes",))))):
            yield (*here, "classes", j), _known(classes, "a class")
        for j in range(len(_list(value_at(source, ("columns",))))):
            yield (*here, "columns", j), _number_column(data)
        yield from _template_checks(here, source, classes)


def _template_checks(
    here: KeyPath, source: Any, classes: Sequence[str]
) -> Iterator[tuple[KeyPath, Check]]:
    templates, slots = _mapping(source, "templates"), _mapping(source, "slots")
    used: set[str] = set()
    for name, texts in templates.items():
        if name not in classes:
            yield (*here, "templates", name), _always(known_name(str(name), classes, "a class"))
        for j, text in enumerate(_list(texts)):
            used |= _slots(text)
            yield (*here, "templates", name, j), _fillable(slots)
    for name in slots:
        if name not in used:
            expected = known_name(str(name), used, "a slot") if used else "a template with slots"
            yield (*here, "slots", name), _always(f"{expected} (no template uses this one)")


def _fillable(slots: Mapping[str, Any]) -> Check:
    def check(text: Any) -> str | None:
        if not isinstance(text, str):
            return None
        try:
            names = slots_of(text)
        except TemplateInvalid as error:
            return error.expected
        empty = sorted({n for n in names if not slots.get(n)})
        known = f", there are {sorted(slots)}" if slots else ", there are none"
        return f"slots that have values; {empty} has none{known}" if empty else None

    return check


def _slots(text: Any) -> set[str]:
    try:
        return set(slots_of(text)) if isinstance(text, str) else set()
    except TemplateInvalid:
        return set()


def _once(seen: list[str]) -> Check:
    def check(name: Any) -> str | None:
        repeated = name in seen
        seen.append(name)
        return "a name for each source; this one stands more than once" if repeated else None

    return check


def _fits(modality: Any) -> Check:
    def check(kind: Any) -> str | None:
        fits = _MODALITIES.get(kind)
        if fits is None or not isinstance(modality, str) or modality in fits:
            return None
        usable = sorted(str(k) for k, m in _MODALITIES.items() if modality in m)
        return f"a kind for modality {modality}: {', '.join(usable) or 'there is none'}"

    return check


def _number_column(data: Any) -> Check:
    features = _list(value_at(data, ("ingestion", "feature_columns")))
    categorical = _list(value_at(data, ("ingestion", "categorical_columns")))

    def check(name: Any) -> str | None:
        if name in categorical:
            return "a column of numbers; this one stands in ingestion.categorical_columns"
        if features and name not in features:
            return known_name(str(name), map(str, features), "a feature column")
        return None

    return check


def _known(names: Sequence[str], what: str) -> Check:
    return lambda name: None if name in names else known_name(str(name), names, what)


def _always(expected: str) -> Check:
    return lambda _value: expected


def _classes(data: Any) -> list[str]:
    written = _list(value_at(data, ("ontology", "classes")))
    return [str(c.get("name")) if isinstance(c, dict) else str(c) for c in written]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _mapping(source: Any, key: str) -> dict[Any, Any]:
    found = value_at(source, (key,))
    return found if isinstance(found, dict) else {}
