"""Reference pictures: what each grade looks like in photographs that readers of this site confirmed."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from pipelines.core.errors import NotFound
from services.api.deps import Technician, TheStore, Word
from services.api.errors import problems
from services.api.pages import Page
from services.store import references, studies
from services.store.ids import ULID_LENGTH
from services.store.session import unit_of_work

router = APIRouter(tags=["images"])


class ReferencePicture(BaseModel):
    """A photograph of another patient; `/instances/{id}/rendered` shows it, which leaves a row in the audit."""

    instance_id: str = Field(examples=["01JD8Q3Z5V7Y9XK2M4N6P8R0ST"])
    laterality: str | None = Field(examples=["L"])
    rows: int | None = Field(examples=[2848])
    columns: int | None = Field(examples=[4288])


class GradeReferences(BaseModel):
    """One grade and the photographs of it; none where no reader of this site has confirmed one yet."""

    grade: int = Field(examples=[2])
    pictures: list[ReferencePicture]


Study = Annotated[
    str | None,
    Query(
        max_length=ULID_LENGTH,
        pattern=r"^[0-9A-Z]+$",
        description="The study that is being read: pictures of its site, and none of its patient.",
        examples=["01JD8Q3Z5V7Y9XK2M4N6P8R0ST"],
    ),
]


@router.get("/references", summary="Photographs of each grade to compare with", responses=problems(NotFound))
def reference_pictures(
    actor: Technician,
    store: TheStore,
    pipeline: Annotated[Word, Query(examples=["retinopathy"])],
    study_id: Study = None,
) -> Page[GradeReferences]:
    """Up to three a grade, each of another patient: signed as accepted, gradable, without any identifier.

    Without a study those of the site that uploads go to. A pipeline that gives no grades has none.
    """
    with unit_of_work(store.database, writing=False) as session:
        study = studies.get_study(session, study_id) if study_id is not None else None
        site_id, patient_id = (study.site_id, study.patient_id) if study is not None else (store.site_id, None)
        found = references.references(session, site_id, patient_id, pipeline)
    return Page(items=[_view(grade, pictures) for grade, pictures in found.items()])


def _view(grade: int, pictures: list[references.Reference]) -> GradeReferences:
    return GradeReferences(
        grade=grade,
        pictures=[
            ReferencePicture(instance_id=one.instance_id, laterality=one.laterality, rows=one.rows, columns=one.columns)
            for one in pictures
        ],
    )
