"""The letters of a printed page: which font draws them, in which order, and where lines end."""

from __future__ import annotations

import unicodedata

import pytest
from reportlab.lib.colors import black

from services.work.letters import drawn, lacking
from services.work.typesetting import Type, broken, width_of

BODY = Type(8, 11, black)
NAMES = {
    "Czech, Polish, Turkish": "Dvořáková Łukasz Żółć Şahin Işıl Ğ",
    "Vietnamese": "Nguyễn Thị Hường Đặng",
    "Greek": "Παπαδόπουλος Ελένη ΐ",
    "Cyrillic": "Иванов Пётр Їжакевич Ђорђе",
    "Armenian, Georgian": "Հովհաննիսյան ბერიძე",
    "Hebrew": "פרץ שלמה שָׁלוֹם",
    "Arabic, Persian, Urdu": "محمد بن علي مُحَمَّد پژمان گل‌محمدی ٹھیک ڑ",
    "Japanese": "山田 太郎 やまだ ヤマダ ﾔﾏﾀﾞ 髙々",
    "Korean": "김철수 홍길동",
    "Chinese": "张伟 張偉 欧阳",
}


@pytest.mark.parametrize("words", NAMES.values(), ids=NAMES)
def test_names_of_many_writings_have_letters_to_be_drawn_with(words: str) -> None:
    assert lacking(words) == []
    assert "□" not in drawn(words)


def test_a_letter_that_no_font_holds_is_a_box_and_is_told() -> None:
    assert drawn("ก a") == "□ a"
    assert lacking("ก a ก ข") == ["ก", "ข"]


def test_a_letter_is_drawn_with_its_accent_however_it_was_typed() -> None:
    assert drawn(unicodedata.normalize("NFD", "Nguyễn")) == "Nguyễn"


@pytest.mark.parametrize(
    ("written", "on_paper"),
    [
        ("Levi, שלום 5 mg", "Levi, 5 םולש mg"),
        ("(68) שלום (68)", "(68) (68) םולש"),
        ("OD (שלום) [OS]", "OD (םולש) [OS]"),
        ("אב «גד» הו", "וה «דג» בא"),
        ("grade 2 (moderate)", "grade 2 (moderate)"),
    ],
)
def test_leftward_words_are_turned_around_and_their_brackets_with_them(written: str, on_paper: str) -> None:
    assert drawn(written) == on_paper


def test_arabic_letters_are_joined() -> None:
    assert drawn("علي") == "\N{ARABIC LETTER YEH FINAL FORM}\N{ARABIC LETTER LAM MEDIAL FORM}\ufecb"


@pytest.mark.parametrize(
    "words", ["a word after another " * 9, "漢字かな、交じり文。" * 9, "x" * 300, "שלום עולם " * 20]
)
def test_lines_are_as_wide_as_they_may_be_and_lose_nothing(words: str) -> None:
    lines = broken(words, 120, BODY)
    assert "".join("".join(lines).split()) == "".join(words.split())
    assert len(lines) > 1 and all(width_of(line, BODY) <= 120 for line in lines)


def test_no_line_begins_with_a_closing_mark() -> None:
    lines = broken("漢字、かな。" * 20, 92, BODY)
    assert len(lines) > 2 and not any(line[0] in "、。" for line in lines)
