"""Patients, studies, series and instances."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from pipelines.core.errors import NotFound
from services.store import closing, received, studies
from services.store.closing import Patience
from services.store.ids import new_id
from services.store.received import InstanceOutcome, PatientFacts, SeriesFacts, StudyFacts
from services.store.session import unit_of_work
from services.store.states import Priority, SeriesState, StudyState
from services.store.stores import Store
from services.store.tables import Patient, Series, Study
from tests.services.store.world import JANE, Sent, digest_of, receive


def study_of(store: Store, study_id: str) -> Study:
    """The study's row."""
    with unit_of_work(store.database, writing=False) as session:
        return studies.get_study(session, study_id)


def test_the_same_bytes_again_are_a_duplicate(store: Store) -> None:
    study_id, first = receive(store)
    again, second = receive(store)
    assert (first, second) == (InstanceOutcome.STORED, InstanceOutcome.DUPLICATE)
    assert again == study_id


def test_other_bytes_under_the_same_uid_are_kept_and_flagged(store: Store) -> None:
    receive(store, Sent("a"))
    study_id, outcome = receive(store, Sent("b"))
    assert outcome is InstanceOutcome.CONFLICT
    with unit_of_work(store.database, writing=False) as session:
        assert [row.blob_sha256 for row in studies.study_instances(session, study_id)] == [digest_of("a")]
        assert [row.conflict for row in studies.study_tree(session, study_id).series[0].instances] == [False, True]


def test_a_conflicting_instance_sent_again_is_a_duplicate(store: Store) -> None:
    receive(store, Sent("a"))
    receive(store, Sent("b"))
    assert receive(store, Sent("b"))[1] is InstanceOutcome.DUPLICATE


def test_one_patient_id_from_two_issuers_is_two_patients(store: Store) -> None:
    one, _ = receive(store, Sent("a", sop="1.1", study="1.1"))
    other, _ = receive(store, Sent("b", sop="1.2", study="1.2", patient=replace(JANE, issuer="other clinic")))
    assert study_of(store, one).patient_id != study_of(store, other).patient_id


def test_silence_about_a_patient_changes_nothing(store: Store) -> None:
    study_id, _ = receive(store)
    receive(store, Sent(patient=PatientFacts("clinic", "P-1")))
    with unit_of_work(store.database, writing=False) as session:
        patient = studies.study_tree(session, study_id).patient
    assert (patient.name, patient.birth_date, patient.sex) == ("Doe^Jane", date(1960, 1, 1), "F")


def test_a_study_keeps_its_first_patient(store: Store) -> None:
    study_id, _ = receive(store)
    first = study_of(store, study_id).patient_id
    receive(store, Sent("b", sop="9", patient=PatientFacts("clinic", "P-2", "Roe^Rita")))
    assert study_of(store, study_id).patient_id == first


def test_a_study_becomes_more_urgent_but_never_less(each_store: Store) -> None:
    study_id, _ = receive(each_store, Sent(priority=Priority.ROUTINE))
    receive(each_store, Sent(priority=Priority.STAT))
    receive(each_store, Sent(priority=Priority.BATCH))
    assert study_of(each_store, study_id).priority == Priority.STAT


def test_a_series_keeps_what_its_first_header_said_and_fills_what_was_empty(store: Store) -> None:
    study_id, _ = receive(store)
    with unit_of_work(store.database) as session:
        received.upsert_series(session, study_id, SeriesFacts("1.9", "OP", laterality="L"))
        series = received.upsert_series(session, study_id, SeriesFacts("1.9", "CT", body_part="EYE", laterality="R"))
    assert (series.modality, series.body_part, series.laterality) == ("OP", "EYE", "L")


def test_closing_fixes_the_digest_over_the_images_in_the_order_of_their_uids(each_store: Store) -> None:
    receive(each_store, Sent("second", sop="1.2.20"))
    receive(each_store, Sent("first", sop="1.2.10"))
    study_id, _ = receive(each_store, Sent("conflict", sop="1.2.10"))
    with unit_of_work(each_store.database) as session:
        study = studies.close_study(session, study_id)
        [tree] = studies.study_tree(session, study_id).series
    wanted = hashlib.sha256(f"{digest_of('first')}\n{digest_of('second')}".encode()).hexdigest()
    assert (study.state, tree.series.state, tree.series.digest) == (StudyState.COMPLETE, SeriesState.CLOSED, wanted)


def test_closing_twice_keeps_the_first_time(store: Store) -> None:
    study_id, _ = receive(store)
    with unit_of_work(store.database) as session:
        studies.close_study(session, study_id)
    first = study_of(store, study_id).completed_at
    with unit_of_work(store.database) as session:
        studies.close_study(session, study_id)
    assert first is not None
    assert study_of(store, study_id).completed_at == first


def test_a_late_instance_reopens_series_and_study(store: Store) -> None:
    study_id, _ = receive(store)
    with unit_of_work(store.database) as session:
        studies.close_study(session, study_id)
        [tree] = studies.study_tree(session, study_id).series
        studies.reopen(session, tree.series.id)
    with unit_of_work(store.database, writing=False) as session:
        row = session.get_one(Series, tree.series.id)
        assert (row.state, row.digest, row.closed_at) == (SeriesState.OPEN, None, None)
        assert session.get_one(Study, study_id).state == StudyState.RECEIVING


def test_a_quiet_study_is_due_for_closing_unless_its_sender_holds_it(each_store: Store) -> None:
    quiet, _ = receive(each_store, Sent("a", sop="1.1", study="1.1"))
    held, _ = receive(each_store, Sent("b", sop="1.2", study="1.2"))
    with unit_of_work(each_store.database) as session:
        patient = session.get_one(Study, held).patient_id
        received.upsert_study(session, each_store.site_id, patient, StudyFacts("1.2", hold=True))
    with unit_of_work(each_store.database, writing=False) as session:
        assert closing.due_for_closing(session, Patience(quiet=0, incomplete=60, held=60), 10) == [quiet]
        assert closing.due_for_closing(session, Patience(quiet=0, incomplete=0, held=0), 10) == [quiet, held]
        assert closing.due_for_closing(session, Patience(quiet=60, incomplete=60, held=60), 10) == []


def test_priors_are_the_patients_earlier_studies(store: Store) -> None:
    first, _ = receive(store, Sent("a", sop="1.1", study="1.1"))
    second, _ = receive(store, Sent("b", sop="1.2", study="1.2"))
    third, _ = receive(store, Sent("c", sop="1.3", study="1.3"))
    receive(store, Sent("d", sop="1.4", study="1.4", patient=PatientFacts("clinic", "P-2")))
    with unit_of_work(store.database, writing=False) as session:
        assert [study.id for study in studies.priors(session, third)] == [second, first]
        assert studies.priors(session, first) == []


def test_older_images_that_are_sent_later_are_priors_by_their_date(each_store: Store) -> None:
    (today, _), (older, _), (undated, _), (newer, _) = (
        receive(each_store, Sent(name, sop=f"1.{name}", study=f"1.{name}")) for name in "1234"
    )
    with unit_of_work(each_store.database) as session:
        came = session.get_one(Study, today).created_at.date()
        for study, days in ((today, 1), (older, 900), (newer, -9)):
            session.get_one(Study, study).study_date = came - timedelta(days=days)
        session.get_one(Study, undated).study_date = None
    with unit_of_work(each_store.database, writing=False) as session:
        told = {study: [one.id for one in studies.priors(session, study)] for study in (today, undated, newer)}
    assert told == {today: [older], undated: [today, older], newer: [undated, today, older]}


def test_an_unknown_study_is_not_found(store: Store) -> None:
    with unit_of_work(store.database, writing=False) as session, pytest.raises(NotFound):
        studies.study_tree(session, new_id())


def test_ids_made_one_after_another_sort_that_way() -> None:
    ids = [new_id() for _ in range(2000)]
    assert ids == sorted(set(ids))
    assert {len(one) for one in ids} == {26}


def test_times_come_back_aware_and_in_utc(each_store: Store) -> None:
    receive(each_store)
    with unit_of_work(each_store.database, writing=False) as session:
        offset = session.scalars(select(Patient.created_at)).one().utcoffset()
    assert offset is not None
    assert offset.total_seconds() == 0
