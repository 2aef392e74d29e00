"""Studies by the attributes that DICOM asks for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import pytest

from services.store.matching import StudyAttributes, matching_studies
from services.store.received import PatientFacts
from services.store.session import unit_of_work
from services.store.stores import Store
from services.store.tables import Study
from tests.services.store.world import Sent, receive

JOHN = PatientFacts("clinic", "P-2", "Doe^John")
NEW_YEAR, SECOND, THIRD = date(2026, 1, 1), date(2026, 1, 2), date(2026, 1, 3)


def matches(store: Store, asked: StudyAttributes, after: Study | None = None, limit: int = 10) -> Sequence[Study]:
    """What the site's studies answer."""
    with unit_of_work(store.database, writing=False) as session:
        return matching_studies(session, store.site_id, asked, after, limit)


@pytest.fixture
def three(each_store: Store) -> Store:
    """Two studies of Jane, fundus and CT, and one of John; all of one day but the last, which came first."""
    for number, sent in enumerate(
        (
            Sent("a", sop="1.2.3.1", study="1.2.1"),
            Sent("b", sop="1.2.3.2", study="1.2.2", modality="CT"),
            Sent("c", sop="1.2.3.3", study="1.2.3", patient=JOHN),
        )
    ):
        study_id, _ = receive(each_store, sent)
        with unit_of_work(each_store.database) as session:
            study = session.get_one(Study, study_id)
            study.accession_number = f"A-{number}"
            study.study_date = None if number == 2 else date(2026, 1, 2 - number)
    return each_store


@pytest.mark.parametrize(
    ("asked", "uids"),
    [
        (StudyAttributes(), ["1.2.3", "1.2.2", "1.2.1"]),
        (StudyAttributes(patient_id="P-1"), ["1.2.2", "1.2.1"]),
        (StudyAttributes(patient_id="P-2", modality="OP"), ["1.2.3"]),
        (StudyAttributes(modality="CT"), ["1.2.2"]),
        (StudyAttributes(modality="CT", accession_number="A-0"), []),
        (StudyAttributes(accession_number="A-2"), ["1.2.3"]),
        (StudyAttributes(study_instance_uids=["1.2.1", "1.2.9"]), ["1.2.1"]),
        (StudyAttributes(first_day=NEW_YEAR), ["1.2.1", "1.2.2"]),
        (StudyAttributes(last_day=NEW_YEAR), ["1.2.2"]),
        (StudyAttributes(first_day=SECOND, last_day=THIRD, modality="OP"), ["1.2.1"]),
        (StudyAttributes(patient_id="nobody"), []),
    ],
)
def test_studies_match_every_attribute_that_is_asked(three: Store, asked: StudyAttributes, uids: list[str]) -> None:
    assert [study.study_instance_uid for study in matches(three, asked)] == uids


@pytest.mark.parametrize("asked", [StudyAttributes(patient_id="P-1"), StudyAttributes(first_day=NEW_YEAR)])
def test_pages_one_after_another_hold_every_match_once(three: Store, asked: StudyAttributes) -> None:
    [first] = matches(three, asked, limit=1)
    [second] = matches(three, asked, after=first, limit=1)
    assert [first.id, second.id] == [study.id for study in matches(three, asked)]
    assert matches(three, asked, after=second) == []
