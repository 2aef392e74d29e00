"""Reading rules, which ask for a second reader, and the slots that they asked one for."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from pipelines.core.errors import Conflict, NotFound
from services.store.clock import utcnow
from services.store.tables import ReadingRule


def add_rule(session: Session, rule: ReadingRule) -> ReadingRule:
    """Write a rule down; it holds from now on. Raises Conflict (`rule_exists`) where one of its name holds."""
    if session.scalar(select(ReadingRule.id).where(ReadingRule.name == rule.name, ReadingRule.ended_at.is_(None))):
        raise Conflict("a reading rule of this name is in force; end it first", code="rule_exists")
    session.add(rule)
    session.flush()
    session.refresh(rule)
    return rule


def rules_in_force(session: Session) -> Sequence[ReadingRule]:
    """The rules that nobody ended, oldest first."""
    return session.scalars(select(ReadingRule).where(ReadingRule.ended_at.is_(None)).order_by(ReadingRule.id)).all()


def rules_for(session: Session, pipeline: str) -> Sequence[ReadingRule]:
    """Those in force that a pipeline's results fall under, oldest first."""
    meant = or_(ReadingRule.pipeline.is_(None), ReadingRule.pipeline == pipeline)
    held = select(ReadingRule).where(ReadingRule.ended_at.is_(None), meant)
    return session.scalars(held.order_by(ReadingRule.id)).all()


def end_rule(session: Session, rule_id: str) -> ReadingRule:
    """The rule asks for nothing new; its row stays, since second reads speak of it. Raises NotFound."""
    rule = session.get(ReadingRule, rule_id)
    if rule is None or rule.ended_at is not None:
        raise NotFound("there is no reading rule of this id in force")
    rule.ended_at = utcnow()
    session.flush()
    return rule
