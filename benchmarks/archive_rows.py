"""The rows of a synthetic archive, each table one INSERT ... SELECT over its visits, the same on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from benchmarks.archive_images import IMAGE_JOIN, images, made
from benchmarks.archive_sql import Archived, Rows, sha256, subject, ulid
from services.store.states import Disagreement, JobRole, Priority, Verdict

OVERRULING: Final = f"('{Verdict.EDIT}', '{Verdict.REJECT}')"
#: What the statements read: `fill_visits` v (Visit), `fill_answers` a (Answer), `fill_images` k (k = 1, 2, ...),
#: `fill_readers` (number, id), `fill_versions` m (pipeline, version, id, weights).
RESULT_JOIN: Final = (
    "fill_visits v JOIN fill_answers a ON a.number = v.answer"
    " JOIN fill_versions m ON m.pipeline = a.pipeline AND m.version = a.version"
)
JOB_JOIN: Final = "fill_visits v JOIN fill_versions m ON m.pipeline = v.pipeline AND m.version = v.version"
REREAD_JOIN: Final = (
    "fill_visits v JOIN fill_answers o ON o.number = v.answer"
    " JOIN fill_answers a ON a.pipeline = o.pipeline AND a.outcome = o.outcome AND a.version <> o.version"
    " JOIN fill_versions m ON m.pipeline = a.pipeline AND m.version = a.version"
)


def rows(ids: Archived, json: str) -> Iterator[Rows]:
    """Every table in an order that foreign keys allow; `json` is how the database calls the type of its documents."""
    yield from images(ids)
    yield from work(ids, json)
    yield from reread(ids, json)
    yield from made()
    yield from readers(json)
    yield from records(json)
    yield worklist(ids)


def document(json: str) -> str:
    """The expression of a result's document, which names the visit's own images."""
    return f"CAST(replace(a.document, '@uid@', v.uid) AS {json})"


def work(ids: Archived, json: str) -> Iterator[Rows]:
    """What the pipelines were asked when the studies came, and what they said."""
    kind, name = subject()
    routed = "v.job_state IS NOT NULL"
    yield Rows(
        "slots",
        {
            "id": ulid("slot"),
            "study_id": "v.study_id",
            "subject_kind": kind,
            "subject_id": name,
            "pipeline": "v.pipeline",
        },
        f"fill_visits v WHERE {routed}",
    )
    yield jobs(json, "job", JobRole.LIVE, "v.priority", "v.job_state", f"{JOB_JOIN} WHERE {routed}")
    yield inputs("job", f"{IMAGE_JOIN} WHERE {routed}")
    yield attempts("job", "fill_visits v WHERE v.job_state IN ('succeeded', 'failed', 'quarantined')", "v.job_state")
    yield results(json, "result", "job", JobRole.LIVE, RESULT_JOIN)
    yield Rows(
        "current_results",
        {"slot_id": ulid("slot"), "result_id": ulid("result"), "updated_at": "v.ended_at"},
        "fill_visits v WHERE v.answer IS NOT NULL",
    )


def jobs(json: str, kind: str, role: JobRole, priority: str, state: str, source: str, batch: str = "NULL") -> Rows:
    """One job a visit."""
    ended = f"{state} IN ('succeeded', 'failed', 'quarantined')"
    return Rows(
        "jobs",
        {
            "id": ulid(kind),
            "key": sha256(kind),
            "slot_id": ulid("slot"),
            "study_id": "v.study_id",
            "pipeline": "v.pipeline",
            "pipeline_revision": "1",
            "model_version_id": "m.id",
            "role": f"'{role}'",
            "queue": "v.pipeline",
            "priority": priority,
            "parameters": f"CAST('{{}}' AS {json})",
            "state": state,
            "progress": f"CASE WHEN {state} = 'succeeded' THEN 1 ELSE 0 END",
            "fence": f"CASE WHEN {ended} THEN 1 ELSE 0 END",
            "batch_id": batch,
            "error_code": error(state),
            "created_at": "v.created_at",
            "started_at": f"CASE WHEN {ended} THEN v.created_at END",
            "finished_at": f"CASE WHEN {ended} THEN v.ended_at END",
        },
        source,
    )


def error(state: str) -> str:
    """The expression of a job's error code."""
    return f"CASE {state} WHEN 'failed' THEN 'unsuitable_input' WHEN 'quarantined' THEN 'reader_died' END"


def inputs(kind: str, source: str) -> Rows:
    """What a job reads."""
    return Rows(
        "job_inputs",
        {"job_id": ulid(kind), "position": "k.k - 1", "instance_id": ulid("image", "'.'", "k.k")},
        source,
    )


def attempts(kind: str, source: str, state: str) -> Rows:
    """How a job's only claim ended."""
    return Rows(
        "attempts",
        {
            "id": ulid(f"{kind} attempt"),
            "job_id": ulid(kind),
            "fence": "1",
            "worker": "'filled-worker-1'",
            "outcome": f"CASE {state} WHEN 'quarantined' THEN 'died' ELSE {state} END",
            "peak_memory_bytes": "773652480",
            "started_at": "v.created_at",
            "created_at": "v.ended_at",
        },
        source,
    )


def results(json: str, kind: str, job: str, role: JobRole, source: str) -> Rows:
    """What a job found."""
    return Rows(
        "results",
        {
            "id": ulid(kind),
            "job_id": ulid(job),
            "slot_id": ulid("slot"),
            "study_id": "v.study_id",
            "pipeline": "v.pipeline",
            "role": f"'{role}'",
            "model_name": "m.name",
            "model_version": "m.version",
            "model_sha256": "m.weights",
            "receipt_digest": sha256(kind),
            "abstained": "a.abstained",
            "urgency": "a.urgency",
            "document": document(json),
            "created_at": "v.ended_at",
        },
        source,
    )


def reread(ids: Archived, json: str) -> Iterator[Rows]:
    """Two batches with today's version: one that has ended, and one that waits for the night."""
    for state, batch, item in (("done", ids.batch_done, "done"), ("queued", ids.batch_running, "queued")):
        where = f"WHERE v.reread = '{state}'"
        job_state = "'succeeded'" if state == "done" else "'queued'"
        batch_id, low = f"'{batch}'", str(int(Priority.BATCH))
        yield jobs(json, "reread", JobRole.BATCH, low, job_state, f"{REREAD_JOIN} {where}", batch_id)
        yield inputs("reread", f"{IMAGE_JOIN} {where}")
        if state == "done":
            yield attempts("reread", f"fill_visits v {where}", "'succeeded'")
            yield results(json, "reresult", "reread", JobRole.BATCH, f"{REREAD_JOIN} {where}")
        ended = state == "done"
        yield Rows(
            "batch_items",
            {
                "id": ulid("item"),
                "batch_id": f"'{batch}'",
                "study_id": "v.study_id",
                "subject_kind": "'study'",
                "subject_id": "v.study_id",
                "job_id": ulid("reread"),
                "state": f"'{item}'",
                "old_result_id": ulid("result") if ended else "NULL",
                "new_result_id": ulid("reresult") if ended else "NULL",
                "change": "CASE WHEN v.n % 40 = 0 THEN 'crossed' ELSE 'none' END" if ended else "NULL",
                "weight": "CASE WHEN v.n % 40 = 0 THEN v.n % 7 ELSE 0 END" if ended else "0",
                "seconds": "0.7" if ended else "NULL",
                "finished_at": "v.signed_at" if ended else "NULL",
            },
            f"fill_visits v {where}",
        )


def readers(json: str) -> Iterator[Rows]:
    """What readers said, and what they were given."""
    findings = f"CASE WHEN w.document IS NULL THEN '[]' ELSE {_findings_of('w.document', json)} END"
    yield Rows(
        "reviews",
        {
            "id": ulid("review"),
            "slot_id": ulid("slot"),
            "result_id": ulid("result"),
            "number": "1",
            "user_id": "r.id",
            "action": "CASE v.review_state WHEN 'signed' THEN 'sign' ELSE 'draft' END",
            "verdict": "v.verdict",
            "findings": f"CAST({findings} AS {json})",
            "created_at": "v.signed_at",
        },
        "fill_visits v JOIN fill_readers r ON r.number = v.reader LEFT JOIN fill_answers w ON w.number = v.word"
        " WHERE v.review_state <> 'unread'",
    )
    yield Rows(
        "assignments",
        {"slot_id": ulid("slot"), "user_id": "r.id", "created_at": "v.ended_at"},
        "fill_visits v JOIN fill_readers r ON r.number = v.reader WHERE v.answer IS NOT NULL",
    )


def _findings_of(column: str, json: str) -> str:
    if json == "json":  # PostgreSQL
        return f"(CAST({column} AS json) -> 'findings')::text"
    return f"json_extract({column}, '$.findings')"


def records(json: str) -> Iterator[Rows]:
    """The stream of events, all but the newest numbered."""
    told = (
        ("study", '\'{"study": "\' || v.study_id || \'", "state": "complete"}\'', "TRUE"),
        (
            "job",
            f'\'{{"job": "\' || {ulid("job")} || \'", "state": "\' || v.job_state || \'"}}\'',
            "v.job_state IS NOT NULL",
        ),
        ("result", f"'{{\"result\": \"' || {ulid('result')} || '\"}}'", "v.answer IS NOT NULL"),
    )
    for place, (topic, payload, where) in enumerate(told):
        yield Rows(
            "outbox",
            {
                "id": ulid(f"{topic} event"),
                "topic": f"'{topic}'",
                "study_id": "v.study_id",
                "payload": f"CAST({payload} AS {json})",
                "number": f"CASE WHEN v.state = 'complete' THEN v.n * {len(told)} + {place + 1} END",
                "created_at": "v.created_at",
            },
            f"fill_visits v WHERE {where}",
        )


def worklist(ids: Archived) -> Rows:
    """The projection as the services would write it."""
    name = subject()[1]
    routed = "v.job_state IS NOT NULL"
    return Rows(
        "worklist",
        {
            "id": ulid("row"),
            "study_id": "v.study_id",
            "slot_id": f"CASE WHEN {routed} THEN {ulid('slot')} END",
            "subject_id": f"CASE WHEN {routed} THEN {name} ELSE v.study_id END",
            "pipeline": f"CASE WHEN {routed} THEN v.pipeline ELSE '' END",
            "patient_id": "v.patient_id",
            "site_id": f"'{ids.site_id}'",
            "modality": "v.modality",
            "study_date": "v.study_date",
            "study_state": "v.state",
            "unrouted_reason": "v.unrouted",
            "priority": "v.priority",
            "job_id": f"CASE WHEN {routed} THEN {ulid('job')} END",
            "job_state": "v.job_state",
            "job_error": error("v.job_state"),
            "result_id": f"CASE WHEN v.answer IS NOT NULL THEN {ulid('result')} END",
            "urgency": "a.urgency",
            "urgency_rank": "v.urgency_rank",
            "age_rank": "v.age_rank",
            "abstained": "coalesce(a.abstained, FALSE)",
            "gradable": "coalesce(a.gradable, TRUE)",
            "headline": "coalesce(w.headline, a.headline)",
            "confidence": "coalesce(w.confidence, a.confidence)",
            "review_state": "v.review_state",
            "verdict": "v.verdict",
            "disagreement": f"CASE WHEN v.verdict IN {OVERRULING} THEN '{Disagreement.READER}' END",
            "assignee_id": "CASE WHEN v.answer IS NOT NULL THEN r.id END",
            "study_created_at": "v.created_at",
            "updated_at": "v.ended_at",
        },
        "fill_visits v LEFT JOIN fill_answers a ON a.number = v.answer"
        " LEFT JOIN fill_answers w ON w.number = v.word LEFT JOIN fill_readers r ON r.number = v.reader",
    )
