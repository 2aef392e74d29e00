"""The report of a study: the screen's JSON, the PDF and the SR say the same; no draft looks like a signed page."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from PIL import Image
from pydicom import dcmread
from pydicom.dataset import Dataset

from pipelines.core.types import Artifact
from services.store.session import unit_of_work
from services.store.states import Role
from services.store.tables import AuditRow, Patient
from services.work.report_words import person
from tests.services.api.conftest import Read, Reader, Web
from tests.services.api.test_blind import blind_client, commit
from tests.services.api.test_reviews import EDIT, say
from tests.services.api.test_second_read import Turn, rule
from tests.services.pages import edges_of, pages_of, squeezed, words_of
from tests.services.readings import reading

DRAFT = "DRAFT - not signed"


def address(read: Read, ending: str = "") -> str:
    """The report's path."""
    return f"/api/v1/studies/{read.study_id}/report{ending}"


def report(client: httpx.Client, read: Read, zone: str = "UTC") -> dict[str, Any]:
    """The report as JSON."""
    answer = client.get(address(read), params={"zone": zone})
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json()
    return made


def words(made: dict[str, Any]) -> str:
    """Everything that a screen shows of it, in its order."""
    said = [made["title"], made["mark"]]
    for section in made["sections"]:
        said += [section["heading"], *(f"{line['name']} {line['text']}" for line in section["lines"])]
        said += [picture["caption"] for picture in section["pictures"]]
    return " ".join(said)


def structured(client: httpx.Client, read: Read) -> Dataset:
    """The report as a DICOM object."""
    answer = client.get(address(read, ".dcm"))
    assert answer.status_code == 200, answer.text
    return dcmread(io.BytesIO(answer.content))


def texts(item: Dataset) -> Iterator[str]:
    """Every text of a DICOM report, in its order; not who observed it, which is its context."""
    if item.get("ValueType") == "TEXT" and item.RelationshipType == "CONTAINS":
        yield str(item.TextValue)
    for each in item.get("ContentSequence", []):
        yield from texts(each)


def bare(words: str) -> str:
    """Without spaces and without the colons that an SR puts between a name and what is said of it."""
    return squeezed(words).replace(":", "")


def png() -> bytes:
    """A red picture of 8 x 6 pixels."""
    out = io.BytesIO()
    Image.new("RGB", (8, 6), "red").save(out, "PNG")
    return out.getvalue()


@pytest.fixture
def carol(web: Web) -> httpx.Client:
    """A clinician."""
    return web.client(Role.CLINICIAN, "carol")


def test_screen_pdf_and_sr_say_the_same_words(web: Web, reader: Reader, carol: httpx.Client) -> None:
    read = reader.read()
    say(carol, read, "sign", verdict="edit", reason="grade_too_low", findings=EDIT, comment="Größer (als \\ gedacht)")
    told = words(report(carol, read))
    assert "grade 3, severe" in told and "Größer (als \\ gedacht)" in told
    page = carol.get(address(read, ".pdf"))
    assert page.headers["content-type"] == "application/pdf"
    assert pages_of(page.content) == 1
    assert squeezed(words_of(page.content)) == squeezed(told)
    assert bare(" ".join(texts(structured(carol, read)))) == bare(told)


def test_a_page_is_a_draft_until_a_reader_has_signed(web: Web, reader: Reader, carol: httpx.Client) -> None:
    read = reader.read()
    before = report(carol, read)
    assert (before["mark"], before["signatures"]) == (DRAFT, [])
    assert DRAFT in words_of(carol.get(address(read, ".pdf")).content)
    draft = structured(carol, read)
    assert (draft.VerificationFlag, draft.PreliminaryFlag, draft.CompletionFlag) == (
        "UNVERIFIED",
        "PRELIMINARY",
        "PARTIAL",
    )
    say(carol, read, "sign", verdict="accept")
    after = report(carol, read)
    assert (after["mark"], after["signatures"][0]["reader"]) == ("Signed", "carol")
    assert DRAFT not in words_of(carol.get(address(read, ".pdf")).content)
    signed = structured(carol, read)
    assert (signed.VerificationFlag, signed.PreliminaryFlag, signed.CompletionFlag) == ("VERIFIED", "FINAL", "COMPLETE")
    assert [str(one.VerifyingObserverName) for one in signed.VerifyingObserverSequence] == ["carol"]
    assert signed.SOPInstanceUID != draft.SOPInstanceUID


def test_a_page_stays_a_draft_while_a_second_reader_is_asked(web: Web, reader: Reader, carol: httpx.Client) -> None:
    rule(web, share=1.0, blinded=False)
    turn, dora = Turn(reader.read()), web.client(Role.CLINICIAN, "dora")
    turn.accept(carol)
    waiting = report(carol, turn.read)
    assert waiting["mark"] == "NOT FINAL: a second reader has yet to sign"
    assert "a second one is asked" in words(waiting)
    assert waiting["mark"] in words_of(carol.get(address(turn.read, ".pdf")).content)
    told = structured(carol, turn.read)
    assert (told.SeriesDescription, told.VerificationFlag) == (f"Overread: report ({waiting['mark']})", "UNVERIFIED")
    turn.edit(dora)
    apart = report(carol, turn.read)
    assert apart["mark"] == "NOT FINAL: two readers disagree" and "a third one decides" in words(apart)
    assert "carol signed" in words(apart) and "dora signed" in words(apart)


def test_a_rejected_answer_is_not_what_counts(web: Web, reader: Reader, carol: httpx.Client) -> None:
    read = reader.read()
    say(carol, read, "sign", verdict="reject", reason="not_gradable")
    chief = [line["text"] for section in report(carol, read)["sections"] for line in section["lines"] if line["chief"]]
    assert chief == ["The machine's answer was rejected; nothing of it is to be relied on."]
    assert "4855003" not in [named(item) for item in everything(structured(carol, read))]


def test_a_signed_abstention_is_no_grade(web: Web, reader: Reader, carol: httpx.Client) -> None:
    read = reader.read(answer=reading(abstained=True, abstain_reason="low_confidence"))
    say(carol, read, "sign", verdict="accept")
    (chief,) = [line for section in report(carol, read)["sections"] for line in section["lines"] if line["chief"]]
    assert chief["text"] == "No answer: not sure enough to grade."
    assert "4855003" not in [named(item) for item in everything(structured(carol, read))]


def test_what_counts_is_coded_in_the_sr_with_its_side_and_the_patient_has_the_worse_eyes_grade(
    web: Web, reader: Reader, carol: httpx.Client
) -> None:
    read = reader.read()
    say(carol, read, "sign", verdict="edit", findings=EDIT)
    coded = [item for item in everything(structured(carol, read)) if named(item) == "4855003"]
    assert [item.ConceptCodeSequence[0].CodeValue for item in coded] == ["LA18646-2", "LA18646-2"]
    assert [named(each) for each in coded[1].ContentSequence] == ["272741003"]


def everything(item: Dataset) -> Iterator[Dataset]:
    """Every content item."""
    for each in item.get("ContentSequence", []):
        yield each
        yield from everything(each)


def named(item: Dataset) -> str:
    """The code of what an item is about."""
    return str(item.ConceptNameCodeSequence[0].CodeValue)


def test_who_reads_blind_gets_no_report_before_their_own_word(web: Web, reader: Reader) -> None:
    read, bea = reader.read(), blind_client(web)
    for ending in ("", ".pdf", ".dcm"):
        refused = bea.get(address(read, ending))
        assert (refused.status_code, refused.json()["code"]) == (403, "withheld_until_read")
    assert commit(bea, read).status_code == 201
    assert report(bea, read)["mark"] == DRAFT


def test_times_are_written_in_the_zone_that_is_asked_for(web: Web, reader: Reader, carol: httpx.Client) -> None:
    read = reader.read()
    assert "Asia/Kolkata" in words(report(carol, read, "Asia/Kolkata"))
    refused = carol.get(address(read), params={"zone": "../etc/passwd"})
    assert (refused.status_code, refused.json()["code"]) == (400, "bad_zone")


def test_pdf_and_screen_show_the_same_key_pictures(web: Web, reader: Reader, carol: httpx.Client) -> None:
    read = reader.read(answer=reading(artifacts=(Artifact("L-1-overlay.png", "overlay", "image/png", png()),)))
    shown = [one["address"] for each in report(carol, read)["sections"] for one in each["pictures"]]
    assert shown == [f"/results/{read.result_id}/artifacts/L-1-overlay.png"]
    assert carol.get(f"/api/v1{shown[0]}").status_code == 200
    assert carol.get(address(read, ".pdf")).content.count(b"/Subtype /Image") == 1


def test_a_lost_picture_does_not_keep_the_words_back(web: Web, reader: Reader, carol: httpx.Client) -> None:
    page = carol.get(address(reader.read(), ".pdf"))  # whose overlay is no picture
    assert page.status_code == 200 and b"/Subtype /Image" not in page.content


def test_equal_reports_give_equal_bytes(web: Web, reader: Reader, carol: httpx.Client) -> None:
    read = reader.read()
    say(carol, read, "sign", verdict="accept")
    for ending in (".pdf", ".dcm"):
        assert carol.get(address(read, ending)).content == carol.get(address(read, ending)).content


def test_names_stand_in_every_form_as_they_are_written(web: Web, reader: Reader, carol: httpx.Client) -> None:
    read = reader.read()
    with unit_of_work(web.store.database) as session:
        session.query(Patient).one().name = "Yamada^Tarou=山田^太郎=やまだ^たろう"
    said = "Yamada, Tarou (山田 太郎, やまだ たろう)"
    told = report(carol, read)
    assert said in words(told) and said in told["identity"]
    page = carol.get(address(read, ".pdf")).content
    assert squeezed(said) in squeezed(words_of(page)) and squeezed(said) in squeezed(edges_of(page))
    assert said in " ".join(texts(structured(carol, read)))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("=علي^محمد", "علي محمد"),
        ("Dvořáková^<b>Eva</b>", "Dvořáková, <b>Eva</b>"),
        ("Doe^Jane^Q^Dr", "Doe, Jane Q"),
        ("==", "not given"),
        (None, "not given"),
    ],
)
def test_a_name_is_written_as_people_write_it(name: str | None, said: str) -> None:
    assert person(name) == said


def test_a_comment_is_told_whole_with_its_lines(web: Web, reader: Reader, carol: httpx.Client) -> None:
    read = reader.read()
    comment = "\n".join(f"Line {number}: seen, and seen again by who wrote this." for number in range(150))
    say(carol, read, "sign", verdict="accept", comment=comment)
    told, page = words(report(carol, read)), carol.get(address(read, ".pdf")).content
    assert comment in told and comment in " ".join(texts(structured(carol, read)))
    assert pages_of(page) > 1 and squeezed(words_of(page)) == squeezed(told)


def test_a_study_that_nothing_has_read_says_so(web: Web, reader: Reader, carol: httpx.Client) -> None:
    read = Read(reader.desk.image("alone"), "", "", "")
    made = report(carol, read)
    assert made["mark"] == DRAFT and "No model has read these images." in words(made)


def test_a_reading_that_waits_or_failed_is_said_to_be_missing(web: Web, reader: Reader, carol: httpx.Client) -> None:
    job = reader.desk.job(reader.desk.queue())
    made = report(carol, Read(job.study_id, job.id, "", ""))
    assert made["mark"] == DRAFT and "Not read (queued)." in words(made)


def test_looking_at_a_report_leaves_a_row_in_the_audit(web: Web, reader: Reader, carol: httpx.Client) -> None:
    read = reader.read()
    report(carol, read)
    with unit_of_work(web.store.database, writing=False) as session:
        assert [row.study_id for row in session.query(AuditRow).filter_by(action="study.opened")] == [read.study_id]
