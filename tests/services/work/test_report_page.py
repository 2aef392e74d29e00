"""The report on paper: no word is cut, each page says whose it is, and what it cannot draw."""

from __future__ import annotations

from datetime import UTC, datetime

from pipelines.core.report import Line, Part, Picture, Report, Section
from services.work.report_page import as_pdf
from tests.services.pages import edges_of, pages_of, squeezed, words_of

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
IDENTITY = "Patient id P-1; Name Doe, Jane; Born 1970-01-02"


def page(*texts: str, identity: str = IDENTITY) -> Report:
    """A page of a patient's name and statements."""
    study = Section(Part.STUDY, "Patient and study", (Line("Name", "Doe, Jane"), Line("Born", "1970-01-02")))
    said = Section(Part.READING, "Diabetic retinopathy", tuple(Line("Reader", text) for text in texts))
    return Report("S", "Imaging report", identity, NOON, (study, said), ())


def pdf(report: Report) -> bytes:
    """Without pictures."""
    return as_pdf(report, lambda _: None)


def said(report: Report) -> str:
    """All words of it."""
    return squeezed(" ".join(report.words()))


def test_a_long_comment_goes_on_on_the_next_page_to_its_last_word() -> None:
    long = page("A word that a reader wrote. " * 600 + "\nThe last line.")
    made = pdf(long)
    assert pages_of(made) > 2
    assert squeezed(words_of(made)) == said(long)
    count = pages_of(made)
    assert [edges_of(made).count(f"Page {each} of {count}") for each in range(1, count + 2)] == [1] * count + [0]
    assert edges_of(made).count(IDENTITY) == edges_of(made).count("Imaging report: DRAFT - not signed") == count


def test_a_short_report_is_one_page() -> None:
    made = pdf(page("Seen."))
    assert pages_of(made) == 1 and "Page 1 of 1" in edges_of(made)


def test_leftward_and_eastern_words_are_found_by_who_searches_them() -> None:
    names = page("محمد بن علي (68)", "פרץ, שלמה", "山田 太郎 김철수", "Нгуен Παπά Nguyễn")
    made = pdf(names)
    assert squeezed(words_of(made)) == said(names)
    assert "stands for letters" not in edges_of(made)


def test_letters_that_cannot_be_drawn_are_told_at_the_foot_and_found_by_who_searches_them() -> None:
    names = page("สมชาย, अमित")
    made = pdf(names)
    assert squeezed(words_of(made)) == said(names)
    assert "(Thai, Devanagari)" in edges_of(made)


def test_equal_pages_give_equal_bytes_in_any_writing() -> None:
    assert pdf(page("山田 علي")) == pdf(page("山田 علي"))


def test_a_picture_that_is_gone_keeps_its_caption() -> None:
    bare = page("Seen.")
    shown = Section(Part.READING, "Pictures", (Line("Eye", "left"),), (Picture("Left eye", "/x", "0" * 64),))
    assert "Left eye" in words_of(pdf(Report("S", "Imaging report", IDENTITY, NOON, (*bare.sections, shown), ())))
