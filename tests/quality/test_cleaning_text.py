"""Texts are mended by the rules that are asked for, and by no others."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quality.cleaning.text import TextRules, cleaned

ALL = TextRules(encoding=True, html=True, controls=True, unicode=True, spaces=True)
PLAIN = TextRules(controls=True, unicode=True, spaces=True)


@pytest.mark.parametrize(
    ("text", "mended", "fixes"),
    [
        ("plain words", "plain words", ()),
        ("schÃ¶n", "schön", ("encoding",)),
        ("fish &amp; chips", "fish & chips", ("html",)),
        ("a\x00b\ufeffc", "abc", ("controls",)),
        ("cafe\u0301", "caf\u00e9", ("unicode",)),
        ("  two \t words\r\n\r\n\r\n\r\nend ", "two words\n\nend", ("spaces",)),
        ("&lt;b&gt;\x07 ", "<b>", ("html", "controls", "spaces")),
    ],
)
def test_each_rule_mends_its_own_fault_and_is_named(text, mended, fixes):
    assert cleaned(text, ALL) == (mended, fixes)


@given(st.text())
def test_without_rules_every_text_stays_as_it_is(text):
    assert cleaned(text, TextRules()) == (text, ())


@given(st.text())
def test_a_clean_text_is_not_cleaned_again(text):
    once, _ = cleaned(text, PLAIN)
    assert cleaned(once, PLAIN) == (once, ())


@given(st.text())
def test_what_comes_out_is_of_the_form_that_was_asked_for(text):
    mended, _ = cleaned(text, PLAIN)
    assert unicodedata.is_normalized("NFC", mended)
    assert mended == mended.strip()
    assert not any(unicodedata.category(c) == "Cc" and c not in "\n\t" for c in mended)


def test_joiners_that_scripts_are_written_with_stay():
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
    assert cleaned(family, PLAIN) == (family, ())
