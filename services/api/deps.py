"""What routes ask for: the actor by role, and the parts of the system."""

from __future__ import annotations

import re
from typing import Annotated, Final

from fastapi import Depends, Path, Query, Request
from pydantic import AfterValidator, StringConstraints

from pipelines.core.errors import Forbidden, NotFound, Withheld
from services.api.report_line import ReportLine
from services.broker import Bell
from services.intake.access import Actor, bell_of, require, settings_of, store_of
from services.settings import Settings
from services.store.ids import CROCKFORD, ULID_LENGTH
from services.store.states import Role
from services.store.stores import Store
from services.work.access import Looker
from services.work.listed import leave_trace_of_lists

Technician = Annotated[Actor, Depends(require(Role.TECHNICIAN))]
Clinician = Annotated[Actor, Depends(require(Role.CLINICIAN))]
Admin = Annotated[Actor, Depends(require(Role.ADMIN))]


def _person(actor: Technician) -> str:
    if actor.user_id is None:
        raise Forbidden("this needs a person: log in, or use a key that a person made", code="person_needed")
    return actor.user_id


#: The id of the person who asks, with whatever credential; a key of the system is nobody.
Person = Annotated[str, Depends(_person)]

TheStore = Annotated[Store, Depends(store_of)]
TheSettings = Annotated[Settings, Depends(settings_of)]
TheBell = Annotated[Bell, Depends(bell_of)]


def _reports_of(request: Request) -> ReportLine:
    line: ReportLine = request.app.state.reports
    return line


#: Where the files of reports are written, one after another.
TheReports = Annotated[ReportLine, Depends(_reports_of)]

#: https://github.com/ulid/spec: 26 characters of Crockford's base 32.
ULID: Final = re.compile(f"[{CROCKFORD}]{{{ULID_LENGTH}}}")


def _looker(actor: Technician, settings: TheSettings) -> Looker:
    return Looker(actor.id_string, settings.access_audit_seconds, actor.user_id)


#: Who looks at what belongs to a patient: the look is audited, and what this person reads blind is withheld.
TheLooker = Annotated[Looker, Depends(_looker)]


def _lists(actor: Technician, store: TheStore) -> Actor:
    if actor.user_id is not None and not actor.blind_first:
        leave_trace_of_lists(store, actor.id_string, actor.user_id)
    return actor


#: Who is shown lists that tell what machines said, unless they read blind first: it is noted, so that a word that
#: comes afterwards is not taken for a blind one.
Lister = Annotated[Actor, Depends(_lists)]


def _sees_all(actor: Lister) -> Actor:
    if actor.blind_first:
        raise Withheld("you read blind first: figures and lists over readings you have not made would tell of them")
    return actor


#: Of what is told over many readings at once: who reads blind first could take one figure from the next.
NotBlind = Annotated[Actor, Depends(_sees_all)]


def _known_form(value: str) -> str:
    # What cannot be an id is not looked up: PostgreSQL fails on some texts (NUL) that SQLite only does not find.
    if not ULID.fullmatch(value):
        raise NotFound
    return value


#: An opaque id in a path.
RowId = Annotated[str, Path(examples=["01JD8Q3Z5V7Y9XK2M4N6P8R0ST"]), AfterValidator(_known_form)]

#: Text that a database can hold: no NUL.
Line = Annotated[str, StringConstraints(max_length=1024, pattern=r"^[^\x00]*$")]
Word = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[^\x00]*$")]

#: A study's id as a filter of a list.
StudyFilter = Annotated[
    str | None, Query(max_length=ULID_LENGTH, pattern=r"^[0-9A-Z]+$", description="Only of this study.")
]
