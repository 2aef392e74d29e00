"""Patients, studies, series and instances."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from threading import Barrier

import pytest
from sqlalchemy import func, select

from pipelines.core.errors import NotFound
from services.store.blobs import Published
from services.store.session import unit_of_work
from services.store.states import Priority, SeriesState, StudyState
from services.store.stores import Store
from services.store.studies import (
    InstanceFacts,
    InstanceOutcome,
    PatientFacts,
    SeriesFacts,
    StudyFacts,
    add_instance,
    close_study,
    due_for_closing,
    get_study,
    priors,
    reopen,
    study_instances,
    study_tree,
    upsert_patient,
    upsert_series,
    upsert_study,
)
from services.store.tables import Instance, Patient, Series, Study

JANE = PatientFacts("clinic", "P-1", "Doe^Jane", date(1960, 1, 1), "F")


def digest_of(word: str) -> str:
    """A sha256 that stands for some bytes."""
    return hashlib.sha256(word.encode()).hexdigest()


def receive(
    store: Store, content: str, *, sop: str = "1.2.3", study: str = "1.2", facts: PatientFacts = JANE
) -> tuple[str, InstanceOutcome]:
    """Store one instance of a one-series study, as intake does; returns the study's id and what became of it."""
    with unit_of_work(store.database) as session:
        store.blobs.record(session, Published(digest_of(content), 1, "application/dicom", "xx"))
        patient = upsert_patient(session, store.site_id, facts)
        row = upsert_study(session, store.site_id, patient.id, StudyFacts(study, date(2026, 1, 2)))
        series = upsert_series(session, row.id, SeriesFacts(f"{study}.9", "OP"))
        added = add_instance(session, series.id, InstanceFacts(sop, "1.1", "1.2.1", digest_of(content)))
        return row.id, added.outcome


def test_the_same_bytes_again_are_a_duplicate(each_store: Store) -> None:
    assert receive(each_store, "a")[1] is InstanceOutcome.STORED
    assert receive(each_store, "a")[1] is InstanceOutcome.DUPLICATE
    with unit_of_work(each_store.database, writing=False) as session:
        assert session.scalar(select(func.count()).select_from(Instance)) == 1


def test_other_bytes_under_the_same_uid_are_kept_and_flagged(each_store: Store) -> None:
    receive(each_store, "a")
    study_id, outcome = receive(each_store, "b")
    assert outcome is InstanceOutcome.CONFLICT
    with unit_of_work(each_store.database, writing=False) as session:
        assert [i.blob_sha256 for i in study_instances(session, study_id)] == [digest_of("a")]
        assert [i.conflict for i in study_tree(session, study_id).series[0].instances] == [False, True]
