"""Readers' own views of the worklist: a name and filters each, unique by reader and name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from pipelines.core.errors import Conflict, NotFound
from services.store.ids import new_id
from services.store.tables import SavedView

#: A reader's list of views is looked through by eye, and each of them is counted.
MOST_VIEWS: Final = 50


def views_of(session: Session, user_id: str) -> Sequence[SavedView]:
    """The reader's views, by name."""
    return session.scalars(select(SavedView).filter_by(user_id=user_id).order_by(SavedView.name)).all()


def add_view(session: Session, user_id: str, name: str, filters: Mapping[str, str]) -> SavedView:
    """A new view of the reader's; raises Conflict where the name is taken or there are MOST_VIEWS already."""
    held = session.scalar(select(func.count()).select_from(SavedView).filter_by(user_id=user_id)) or 0
    if held >= MOST_VIEWS:
        raise Conflict(f"you have {MOST_VIEWS} views: delete one to keep another", code="too_many_views")
    view = SavedView(id=new_id(), user_id=user_id, name=name, filters=dict(filters))
    try:
        with session.begin_nested():
            session.add(view)
    except IntegrityError as error:
        raise _name_taken() from error
    return view


def change_view(session: Session, user_id: str, view_id: str, name: str, filters: Mapping[str, str]) -> SavedView:
    """Give the reader's view this name and these filters; raises NotFound, Conflict where the name is taken."""
    view = _own(session, user_id, view_id)
    try:
        with session.begin_nested():
            view.name, view.filters = name, dict(filters)
    except IntegrityError as error:
        raise _name_taken() from error
    return view


def delete_view(session: Session, user_id: str, view_id: str) -> None:
    """Forget the reader's view; raises NotFound."""
    session.delete(_own(session, user_id, view_id))
    session.flush()


def _own(session: Session, user_id: str, view_id: str) -> SavedView:
    view = session.get(SavedView, view_id)
    if view is None or view.user_id != user_id:  # another reader's views are nobody else's business
        raise NotFound("you have no view of this id")
    return view


def _name_taken() -> Conflict:
    return Conflict("you have a view of this name already", code="view_exists")
