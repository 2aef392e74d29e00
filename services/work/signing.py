"""Who may sign, amend, adjudicate and take back, as a slot stands."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from pipelines.core.errors import Conflict, Forbidden
from services.store.clock import seconds_from_now
from services.store.signatures import Standing
from services.store.states import ReviewAction, ReviewState
from services.store.tables import Result, Review


def check_action(action: ReviewAction, user_id: str, result: Result, stands: Standing) -> None:
    """Raise Conflict or Forbidden where this reader may not do this now; an undo is checked by `check_undo`."""
    if action is ReviewAction.AMEND:
        _check_amend(user_id, stands)
    elif action is ReviewAction.ADJUDICATE:
        _check_adjudicate(user_id, stands)
    elif action is ReviewAction.SIGN:
        _check_sign(user_id, result, stands)


def check_undo(session: Session, user_id: str, stands: Standing, grace_seconds: float) -> None:
    """Raise where the newest signature is not this reader's, or older than the grace time (Conflict, `grace_over`)."""
    if stands.newest is None:
        raise Conflict("there is no signature to take back", code="not_signed")
    if stands.newest.user_id != user_id:
        raise Forbidden("the newest signature is another reader's", code="not_your_signature")
    young = select(Review.id).where(Review.id == stands.newest.id, Review.created_at > seconds_from_now(-grace_seconds))
    if session.scalar(young) is None:
        raise Conflict("the time to take this signature back is over: amend it instead", code="grace_over")


def _check_amend(user_id: str, stands: Standing) -> None:
    if stands.newest is None:
        raise Conflict("there is no signature to amend", code="not_signed")
    if stands.newest.user_id != user_id:
        raise Forbidden("the signature is another reader's: adjudicate instead", code="not_your_signature")
    if stands.state is ReviewState.ADJUDICATION:
        # Whoever has seen that the other disagrees is no independent reader any more.
        raise _third_decides()


def _check_adjudicate(user_id: str, stands: Standing) -> None:
    if stands.newest is None or (stands.second is None and stands.newest.user_id == user_id):
        raise Conflict("there is no other reader's signature to decide on", code="nothing_to_adjudicate")
    if stands.state is ReviewState.SECOND_READ:
        raise Conflict("a second reader has to sign first", code="nothing_to_adjudicate")
    if stands.second is not None and user_id in stands.readers:
        raise Forbidden("you have signed this: a third reader decides between two", code="adjudicator_must_be_third")


def _check_sign(user_id: str, result: Result, stands: Standing) -> None:
    # Also where a third has decided since: one of the two would open again what was decided between them.
    if any(signature.user_id == user_id and signature.result_id == result.id for signature in stands.stack):
        raise Conflict("you have signed this result: amend or undo instead", code="already_signed")
    if user_id in stands.overruled:
        # Signed otherwise it would be undecided again, and the fewer readers there are, the longer.
        raise Conflict(
            "a third reader has decided after you: who decided, or has not signed, reads the newer result",
            code="adjudication_needed",
        )
    if stands.state is ReviewState.ADJUDICATION:
        raise _third_decides()  # also on a newer result: it would be the word of one who knows what the other says


def _third_decides() -> Conflict:
    return Conflict("two readers disagree: a third adjudicates", code="adjudication_needed")
