"""The `synthetic` section: its faults with their lines, and what its sources make."""

import json
from io import BytesIO

import polars as pl
import pytest
from PIL import Image

from assets.dataset_file.faults import DatasetFileInvalid
from assets.dataset_file.loading import load
from assets.dataset_file.synthetic import MixSource
from assets.synthetic.growth import Stock, counted, grown
from assets.synthetic.standing import source_version
from quality.schema import ITEMS

TEXTS = """\
name: things
modality: text
ontology: {classes: [good, bad]}
synthetic:
  - name: spoken
    kind: templates
    classes: [good]
    count: 4
    templates:
      good:
        - "I {verb} it."
        - "What a {thing}!"
    slots:
      verb: [love, like]
      thing: [joy]
"""
NOTHING = pl.DataFrame(schema={"actor": pl.String, "label": pl.String, "number": pl.Int64})


def faults(tmp_path, text):
    path = tmp_path / "things.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DatasetFileInvalid) as refused:
        load(path)
    return [(fault.line, fault.expected) for fault in refused.value.faults]


@pytest.mark.parametrize(
    ("before", "after", "line", "said"),
    [
        ("I {verb} it.", "I {noun} it.", 11, "['noun'] has none"),
        ("I {verb} it.", "I {verb it.", 11, "every brace closed"),
        ("thing: [joy]", "thing: []", 12, "['thing'] has none"),
        ("thing: [joy]", "thing: [joy]\n      place: [x]", 16, "no template uses this one"),
        ("      good:\n", "      goood:\n", 10, "did you mean 'good'"),
        ("classes: [good]\n", "classes: [gut]\n", 7, "a class out of"),
        ("kind: templates\n", "kind: mix\n", 6, "a kind for modality text: templates"),
    ],
)
def test_a_wrong_source_is_a_fault_with_its_line(tmp_path, before, after, line, said):
    found = faults(tmp_path, TEXTS.replace(before, after, 1))
    assert any(at == line and said in expected for at, expected in found), found


def test_two_sources_of_one_name_are_a_fault(tmp_path):
    again = TEXTS + "  - {name: spoken, kind: templates, templates: {good: [Fine.]}}\n"
    assert any("stands more than once" in expected for _, expected in faults(tmp_path, again))


def test_a_column_of_categories_cannot_be_interpolated(tmp_path):
    table = (
        "name: things\nmodality: tabular\nontology: {classes: [a, b]}\n"
        "ingestion: {categorical_columns: [colour]}\n"
        "synthetic: [{name: near, kind: interpolate, columns: [colour]}]\n"
    )
    ((line, expected),) = faults(tmp_path, table)
    assert line == 5
    assert "a column of numbers" in expected


def items_of(modality, contents, label="a"):
    rows = [
        {
            **dict.fromkeys(ITEMS.columns),
            "item_id": f"{n:064x}",
            "content": content,
            "uri": f"media/{n}.png" if content is None else None,
            "modality": modality,
            "label": label,
        }
        for n, content in enumerate(contents)
    ]
    return pl.DataFrame(rows, schema={**ITEMS.columns, "label": pl.String})


def stock_of(examples, real=()):
    return Stock(examples, NOTHING, real=set(real), made=set())


def no_media(uri):
    raise AssertionError(uri)


@pytest.fixture
def texts(tmp_path):
    path = tmp_path / "things.yaml"
    path.write_text(TEXTS, encoding="utf-8")
    return load(path)


def test_templates_make_each_text_once_and_say_when_there_are_no_more(texts):
    found = grown(texts, stock_of(items_of("text", [])), no_media)
    made = {new.made.content for new in found.items}
    assert made == {"I love it.", "I like it.", "What a joy!"}
    assert counted(found.lacking)["items"].to_list() == [1]


def test_the_content_of_a_real_item_is_no_synthetic_item(texts):
    free = grown(texts, stock_of(items_of("text", [])), no_media)
    there = free.items[0].item_id
    found = grown(texts, stock_of(items_of("text", []), real=[there]), no_media)
    assert there not in {new.item_id for new in found.items}
    assert ("spoken", "good", "content of a real item") in found.skipped


def rows(*values):
    return [json.dumps({"colour": c, "size": s}) for c, s in values]


def table_of(dataset_of, **source):
    return dataset_of(
        "tabular",
        ingestion={"categorical_columns": ("colour",)},
        synthetic=[{"name": "thin", "classes": ["a"], "count": 20, **source}],
    )


@pytest.mark.parametrize("kind", ["interpolate", "mix", "augment"])
def test_made_rows_are_canonical_and_near_their_class(dataset_of, kind):
    dataset = table_of(dataset_of, kind=kind)
    examples = items_of("tabular", rows(("red", 1), ("red", 2.5), ("blue", 4)))
    found = grown(dataset, stock_of(examples), no_media)
    made = [json.loads(new.made.content) for new in found.items]
    assert len(made) == 20
    assert {row["colour"] for row in made} <= {"red", "blue"}
    assert all(0 < row["size"] < 5 for row in made)


def test_an_interpolated_row_lies_between_its_two_parents(dataset_of):
    dataset = table_of(dataset_of, kind="interpolate", neighbours=1)
    examples = items_of("tabular", rows(("red", 1), ("red", 2), ("blue", 10), ("blue", 11)))
    size = {i: json.loads(c)["size"] for i, c in examples.select("item_id", "content").rows()}
    for new in grown(dataset, stock_of(examples), no_media).items:
        ends = sorted(size[parent] for parent in new.origin.parents)
        assert ends[0] < json.loads(new.made.content)["size"] < ends[1]
        assert ends[1] - ends[0] == 1


def test_a_missing_value_stays_missing(dataset_of):
    dataset = table_of(dataset_of, kind="mix")
    examples = items_of("tabular", rows(("red", None), ("red", None), ("blue", 4)))
    found = grown(dataset, stock_of(examples), no_media)
    assert {json.loads(new.made.content)["size"] for new in found.items} <= {None, 4}


def test_the_same_seed_makes_the_same_items_and_another_seed_others(dataset_of):
    examples = items_of("tabular", rows(("red", 1), ("red", 2), ("blue", 4)))

    def ids(seed):
        dataset = table_of(dataset_of, kind="interpolate", seed=seed)
        return [new.item_id for new in grown(dataset, stock_of(examples), no_media).items]

    assert ids(1) == ids(1)
    assert ids(1) != ids(2)


def test_one_example_is_too_few_to_interpolate_and_that_is_said(dataset_of):
    dataset = table_of(dataset_of, kind="interpolate")
    found = grown(dataset, stock_of(items_of("tabular", rows(("red", 1)))), no_media)
    ((source, label, reason),) = found.lacking
    assert not found.items
    assert (source, label) == ("thin", "a")
    assert "1 accepted labels" in reason
    assert "2 needed" in reason


def test_a_class_that_is_not_rare_is_left_alone(dataset_of):
    source = {"name": "thin", "kind": "mix", "up_to": 0.5}
    dataset = table_of(dataset_of, kind="mix").model_copy(
        update={"synthetic": (MixSource(**source),)}
    )
    many = items_of("tabular", rows(*(("red", n) for n in range(6))))
    few = items_of("tabular", rows(("red", 50), ("red", 60)), label="b")
    found = grown(dataset, stock_of(pl.concat([many, few])), no_media)
    assert [new.origin.label for new in found.items] == ["b"]


@pytest.mark.parametrize("kind", ["interpolate", "mix", "augment"])
def test_made_pictures_are_png_files_of_their_parents_size(dataset_of, png, kind):
    source = {"name": "thin", "kind": kind, "classes": ["a"], "count": 6}
    dataset = dataset_of("image", features={"image_side": 4}, synthetic=[source])
    found = grown(
        dataset, stock_of(items_of("image", [None] * 3)), lambda uri: png(int(uri[6:-4]), side=9)
    )
    assert len({new.item_id for new in found.items}) == 6
    for new in found.items:
        with Image.open(BytesIO(new.made.media)) as image:
            assert (image.size, image.mode, image.format) == ((9, 9), "L", "PNG")


def test_a_picture_in_colour_blends_with_one_in_grey(dataset_of, png):
    def media(uri):
        buffer = BytesIO()
        with Image.open(BytesIO(png(int(uri[6:-4])))) as image:
            image.convert("RGB" if uri == "media/0.png" else "L").save(buffer, "PNG")
        return buffer.getvalue()

    source = {"name": "thin", "kind": "mix", "classes": ["a"], "count": 6}
    dataset = dataset_of("image", features={"image_side": 4}, synthetic=[source])
    assert len(grown(dataset, stock_of(items_of("image", [None] * 2)), media).items) == 6


def test_a_sources_version_changes_with_its_settings_and_not_with_its_description(dataset_of):
    def version(**source):
        (made,) = table_of(dataset_of, kind="mix", **source).synthetic
        return source_version(made)

    assert version() == version(description="For the thin classes.")
    assert version() != version(smallest_share=0.3)
