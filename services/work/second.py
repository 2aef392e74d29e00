"""When a second reader is asked: rules that administrators write, and the question put to each first signature."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sqlalchemy.orm import Session

from pipelines.core.errors import BadInput
from pipelines.core.types import Urgency
from services.store import audit, rules
from services.store.entries import known_names
from services.store.session import unit_of_work
from services.store.signatures import Standing
from services.store.states import ReviewAction, Verdict
from services.store.stores import Store
from services.store.tables import ReadingRule, Result, Review, SecondRead

#: Bits of the draw: shares are told apart to one in some billion.
DRAW_BYTES: Final = 4


class SecondReason(StrEnum):
    """Why a second reader is asked, the gravest first."""

    ABSTAINED = "abstained"  #: the machine abstained
    URGENCY = "urgency"  #: the machine's answer is of such an urgency
    DISAGREEMENT = "disagreement"  #: the first reader edited or rejected the machine's answer
    SHARE = "share"  #: drawn by lot


@dataclass(frozen=True, slots=True)
class WantedRule:
    """A rule as a person asks for it; `share` is of all slots, 0-1, and `pipeline` any where None."""

    name: str
    pipeline: str | None = None
    share: float = 0.0
    urgencies: Collection[Urgency] = ()
    on_abstained: bool = False
    on_disagreement: bool = False
    blinded: bool = True


def add(store: Store, wanted: WantedRule, actor: str) -> ReadingRule:
    """Write a rule down; it is asked at every first signature from now on. Raises BadInput, Conflict."""
    if not (wanted.share or wanted.urgencies or wanted.on_abstained or wanted.on_disagreement):
        raise BadInput("the rule would never ask for a second reader: say when it should", code="empty_rule")
    if wanted.pipeline is not None and wanted.pipeline not in known_names(store):
        raise BadInput("there is no pipeline of this name", code="unknown_pipeline")
    with unit_of_work(store.database) as session:
        rule = rules.add_rule(
            session,
            ReadingRule(
                name=wanted.name,
                pipeline=wanted.pipeline,
                share=wanted.share,
                urgencies=sorted(set(wanted.urgencies)),
                on_abstained=wanted.on_abstained,
                on_disagreement=wanted.on_disagreement,
                blinded=wanted.blinded,
                created_by=actor,
            ),
        )
        audit.record(session, actor, "reading_rule.added", rule=rule.id)
        return rule


def end(store: Store, rule_id: str, actor: str) -> None:
    """End a rule; the second reads that it asked for are still asked for. Raises NotFound."""
    with unit_of_work(store.database) as session:
        rules.end_rule(session, rule_id)
        audit.record(session, actor, "reading_rule.ended", rule=rule_id)


def ask(session: Session, actor: str, result: Result, review: Review, stands: Standing) -> SecondRead | None:
    """Ask for a second reader where a rule says so: in the transaction of a signature, once a slot, with it locked.

    `stands` includes the signature. A slot that two readers have signed, or one whose reader is asked for, asks nobody.
    """
    if review.action not in {ReviewAction.SIGN, ReviewAction.AMEND} or stands.second is not None:
        return None
    if stands.readers != {review.user_id}:
        return None
    asking = [
        (rule, reason)
        for rule in rules.rules_for(session, result.pipeline)
        for reason in _reasons(rule, result, review)
    ]
    if not asking:
        return None
    # The strictest of the rules that ask, and of its reasons the gravest.
    rule, reason = min(asking, key=lambda each: (not each[0].blinded, list(SecondReason).index(each[1])))
    second = SecondRead(slot_id=result.slot_id, rule_id=rule.id, reason=reason, blinded=rule.blinded)
    session.add(second)
    session.flush()
    audit.record(session, actor, "review.second_asked", result.study_id, rule=rule.id, reason=reason, result=result.id)
    return second


def drawn(slot_id: str, share: float) -> bool:
    """Whether the lot falls on a slot: always the same answer for one slot, and on about `share` of all."""
    lot = int.from_bytes(hashlib.sha256(slot_id.encode()).digest()[:DRAW_BYTES], "big")
    return lot < share * 256**DRAW_BYTES


def _reasons(rule: ReadingRule, result: Result, review: Review) -> Iterator[SecondReason]:
    if rule.on_abstained and result.abstained:
        yield SecondReason.ABSTAINED
    if result.urgency in rule.urgencies:
        yield SecondReason.URGENCY
    if rule.on_disagreement and review.verdict != Verdict.ACCEPT:
        yield SecondReason.DISAGREEMENT
    if drawn(result.slot_id, rule.share):
        yield SecondReason.SHARE
