"""Text search over studies behind one function: FTS5 on SQLite, trigram or ILIKE on PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Integer, delete, select, text
from sqlalchemy.orm import Session

from services.store.tables import Patient, SearchText, Study
from services.store.upsert import insert_or_update

FULL_TEXT_MATCH = text("SELECT rowid FROM search_texts_fts WHERE search_texts_fts MATCH :phrases").columns(id=Integer)
SHORTEST_TRIGRAM = 3  # the FTS5 trigram tokenizer finds nothing shorter


def index_study(session: Session, study_id: str) -> None:
    """Bring a study's search text up to date; called by whoever changes the study or its patient."""
    study, patient = session.execute(
        select(Study, Patient).join(Patient, Patient.id == Study.patient_id).where(Study.id == study_id)
    ).one()
    if study.erased_at is not None:
        return  # another study of the patient has news of them; this one is found by nothing any more
    words = (
        patient.patient_id,
        (patient.name or "").replace("^", " "),
        study.accession_number,
        study.description,
        study.study_instance_uid,
    )
    insert_or_update(
        session,
        SearchText,
        {"study_id": study_id, "words": " ".join(word for word in words if word).lower()},
        conflict=("study_id",),
        update=("words",),
    )


def forget_study(session: Session, study_id: str) -> None:
    """Remove a study's search text, as retention does."""
    session.execute(delete(SearchText).where(SearchText.study_id == study_id))


def search_studies(session: Session, words: str, limit: int = 200) -> Sequence[str]:
    """Ids of the studies whose text holds every word, newest first; nothing for an empty question."""
    wanted = words.replace("\0", " ").lower().split()
    if not wanted:
        return []
    query = select(SearchText.study_id).order_by(SearchText.study_id.desc()).limit(limit)
    if session.get_bind().dialect.name == "sqlite":
        phrases = ['"' + word.replace('"', '""') + '"' for word in wanted if len(word) >= SHORTEST_TRIGRAM]
        if phrases:
            query = query.where(SearchText.id.in_(FULL_TEXT_MATCH.bindparams(phrases=" AND ".join(phrases))))
        wanted = [word for word in wanted if len(word) < SHORTEST_TRIGRAM]
    for word in wanted:
        query = query.where(SearchText.words.icontains(word, autoescape=True))
    return session.scalars(query).all()
