"""The sites that one deployment serves: whose studies are whose."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from pipelines.core.errors import BadRequest, Conflict, NotFound
from services.store.ids import new_id
from services.store.tables import Site


def site_ids(session: Session) -> Sequence[str]:
    """The ids of all sites; they are few."""
    return session.scalars(select(Site.id).order_by(Site.id)).all()


def get_site(session: Session, site_id: str) -> Site:
    """The site of this id; raises NotFound."""
    site = session.get(Site, site_id)
    if site is None:
        raise NotFound("there is no site of this id")
    return site


def create_site(session: Session, name: str) -> Site:
    """A new site; raises Conflict where the name is taken, BadRequest where it is blank."""
    if not name.strip():
        raise BadRequest("a site needs a name", code="bad_site_name")
    site = Site(id=new_id(), name=name.strip())
    try:
        with session.begin_nested():
            session.add(site)
    except IntegrityError as error:
        raise Conflict("there is a site of this name already", code="site_exists") from error
    return site
