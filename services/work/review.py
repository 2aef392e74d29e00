"""A reader's word on a result: checked, appended, and carried to the pointer, worklist, audit and events at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from pipelines.core.errors import BadReview, Conflict, Forbidden, NotFound, ReviewConflict
from pipelines.core.labels import Label, Measure, labels_of
from services.store import audit, outbox, reviews, worklist
from services.store.blind import reads_blind
from services.store.clock import utcnow
from services.store.current import is_shown
from services.store.reviews import SIGNING, NewReview
from services.store.session import unit_of_work
from services.store.signatures import standing
from services.store.states import JobRole, ReviewAction, Verdict
from services.store.stores import Store
from services.store.studies import lock_study
from services.store.tables import CurrentResult, Job, Result, Review, User
from services.work.access import ShownReview
from services.work.reasons import REASONS

MAX_COMMENT: Final = 10_000


@dataclass(frozen=True, slots=True)
class EditedFinding:
    """A finding as a reader corrects it; `laterality` R, L, B or None for the patient."""

    label: str
    value: float | int | str | None
    laterality: str | None = None


@dataclass(frozen=True, slots=True)
class Word:
    """What a reader says of a result."""

    action: ReviewAction
    verdict: Verdict | None = None
    reason: str | None = None
    findings: tuple[EditedFinding, ...] = ()
    comment: str | None = None
    base_review_id: str | None = None


def review(store: Store, actor: str, user_id: str, result_id: str, word: Word) -> ShownReview:
    """Append a reader's word; `actor` goes to the audit, `user_id` is the person who answers for it.

    Raises NotFound, ReviewConflict where `base_review_id` is not the slot's newest review, BadReview where the word
    does not fit, Forbidden and Conflict where the action is not this reader's or has nothing to act on.
    """
    try:
        with unit_of_work(store.database) as session:
            result = _reviewable(session, result_id)
            lock_study(session, result.study_id)  # the study first, as everywhere: two orders would be a deadlock
            if reads_blind(session, user_id, result.slot_id):
                raise Conflict("say first what you see without the machine's answer", code="blind_read_first")
            history = reviews.of_slot(session, result.slot_id)
            if word.base_review_id != (history[-1].id if history else None):
                raise ReviewConflict
            _check_action(word, user_id, result, history)
            _check_shown(session, word, result)
            row = reviews.add(session, result.slot_id, _row(word, user_id, result))
            counts = standing([*history, row]).review
            _point(session, result.slot_id, counts)
            _tell(session, actor, result, row)
            return ShownReview(row, session.get_one(User, user_id).name, standing=counts is row)
    except IntegrityError as error:
        raise ReviewConflict from error  # two writers took one number: the unique key saw it


def _reviewable(session: Session, result_id: str) -> Result:
    result = session.get(Result, result_id)
    if result is None:
        raise NotFound("there is no result of this id")
    if not is_shown(session, result):
        raise Conflict("a shadow result is not shown to patients' readers and takes no review", code="shadow_result")
    return result


def _check_shown(session: Session, word: Word, result: Result) -> None:
    """A reader decides on the answer or on the proposed change, never on what a newer result has replaced."""
    pointer = session.get(CurrentResult, result.slot_id)
    shown = {pointer.result_id, pointer.proposed_result_id} if pointer else set()
    if result.id not in shown and word.action is not ReviewAction.UNDO:
        raise Conflict("a newer result has replaced this one; read that one", code="superseded")


def _check_action(word: Word, user_id: str, result: Result, history: Sequence[Review]) -> None:
    signed = standing(history).review
    if word.action is ReviewAction.UNDO:
        _check_undo(word, user_id, signed)
        return
    if word.action is ReviewAction.AMEND:
        if signed is None:
            raise Conflict("there is no signature to amend", code="not_signed")
        if signed.user_id != user_id:
            raise Forbidden("the signature is another reader's: adjudicate instead", code="not_your_signature")
    if word.action is ReviewAction.ADJUDICATE and (signed is None or signed.user_id == user_id):
        raise Conflict("there is no other reader's signature to decide on", code="nothing_to_adjudicate")
    own = signed is not None and signed.user_id == user_id and signed.result_id == result.id
    if word.action is ReviewAction.SIGN and own:
        raise Conflict("you have signed this result: amend or undo instead", code="already_signed")
    _check_word(word, result)


def _check_undo(word: Word, user_id: str, signed: Review | None) -> None:
    if signed is None:
        raise Conflict("there is no signature to take back", code="not_signed")
    if signed.user_id != user_id:
        raise Forbidden("the newest signature is another reader's", code="not_your_signature")
    if word.verdict is not None or word.findings:
        raise BadReview("taking a signature back carries no verdict and no findings")


def _check_word(word: Word, result: Result) -> None:
    if word.verdict is None and word.action in SIGNING:
        raise BadReview("a signature needs a verdict: accept, edit or reject")
    if word.reason is not None:
        reason = REASONS.get(word.reason)
        if reason is None:
            raise BadReview("there is no reason of this code; GET /api/v1/reasons lists them", code="unknown_reason")
        if word.verdict is not None and word.verdict not in reason.verdicts:
            raise BadReview("this reason does not go with this verdict", code="unknown_reason")
    elif word.verdict is Verdict.REJECT and word.action in SIGNING:
        raise BadReview("a rejection needs a coded reason", code="reason_required")
    if word.findings and word.verdict is not Verdict.EDIT:
        raise BadReview("only the verdict `edit` carries findings")
    if word.verdict is Verdict.EDIT and not word.findings and word.action in SIGNING:
        raise BadReview("the verdict `edit` needs the findings as they should be")
    check_findings(word.findings, result)


def _labels(result: Result) -> Mapping[str, Label]:
    return labels_of(result.pipeline, result.document["findings"])


def check_findings(findings: Sequence[EditedFinding], result: Result) -> None:
    """Raise BadReview where one of a reader's findings is none that the result's pipeline speaks of."""
    labels = _labels(result)
    seen: set[tuple[str, str | None]] = set()
    for finding in findings:
        label = labels.get(finding.label)
        if label is None:
            known = ", ".join(sorted(labels))
            raise BadReview(f"findings of {result.pipeline} have the labels {known}", code="unknown_label")
        if not label.accepts(finding.value):
            raise BadReview(f"{finding.label} is {label.rule}", code="bad_finding_value")
        if (finding.label, finding.laterality) in seen:
            raise BadReview(f"{finding.label} is given twice for one side", code="bad_finding_value")
        seen.add((finding.label, finding.laterality))


def _row(word: Word, user_id: str, result: Result) -> NewReview:
    return NewReview(
        result_id=result.id,
        user_id=user_id,
        action=word.action,
        verdict=word.verdict,
        reason=word.reason,
        findings=as_findings(word.findings, result),
        comment=word.comment,
        base_review_id=word.base_review_id,
    )


def as_findings(findings: Sequence[EditedFinding], result: Result) -> tuple[dict[str, object], ...]:
    """A reader's findings as JSON objects with the codes and units of the result's pipeline."""
    labels = _labels(result) if findings else {}
    return tuple(_finding(finding, labels[finding.label]) for finding in findings)


def _finding(finding: EditedFinding, label: Label) -> dict[str, object]:
    code = label.code
    return {
        "code": {"scheme": code.scheme, "value": code.value, "meaning": code.meaning},
        "label": finding.label,
        "value": finding.value,
        "unit": label.unit if isinstance(label, Measure) else None,
        "laterality": finding.laterality,
    }


def _point(session: Session, slot_id: str, signed: Review | None) -> None:
    """Let the slot's pointer say what is current now.

    A signed result is the answer until a reader signs another; what came after it is only proposed. Without a standing
    signature the newest of a study's own readings is the answer, as it was before anyone signed, and what a batch found
    is only proposed.
    """
    pointer = session.get(CurrentResult, slot_id)
    if pointer is None:
        return
    known = {each for each in (pointer.result_id, pointer.proposed_result_id) if each is not None}
    newest = max(known)  # ULIDs: the greater is the younger
    if signed is not None:
        current, proposed = signed.result_id, newest if newest > signed.result_id else None
    else:
        own = max(_live(session, slot_id, known), default=pointer.result_id)
        current, proposed = own, newest if newest > own else None
    if (pointer.result_id, pointer.proposed_result_id) != (current, proposed):
        pointer.result_id, pointer.proposed_result_id, pointer.updated_at = current, proposed, utcnow()
        session.flush()


def _live(session: Session, slot_id: str, known: set[str]) -> list[str]:
    """Those of the known results that a study's own reading gave; where none is, the newest such one of the slot."""
    # The job's role and not the result's: a study may have come to wait for what a batch had asked.
    read = select(Result.id).join(Job, Job.id == Result.job_id).where(Job.role == JobRole.LIVE)
    found = read.where(Result.slot_id == slot_id).order_by(Result.id.desc())
    shown = list(session.scalars(found.where(Result.id.in_(known))))
    return shown or list(session.scalars(found.limit(1)))


def _tell(session: Session, actor: str, result: Result, row: Review) -> None:
    subjects = {"result": result.id, "review": row.id}
    if row.verdict is not None:
        subjects["verdict"] = row.verdict
    audit.record(session, actor, f"review.{row.action}", result.study_id, **subjects)
    outbox.emit(
        session,
        "review",
        result.study_id,
        {"review": row.id, "result": result.id, "action": row.action, "verdict": row.verdict},
    )
    worklist.project(session, result.study_id)
