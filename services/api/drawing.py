"""Makes sure that what a page is about to show of a batch's result has its pictures."""

from __future__ import annotations

from typing import Final

from fastapi import Depends, Request

from services.api.deps import RowId, Technician, TheSettings, TheStore
from services.work.drawn import draw_missing, undrawn_of_study


def _of_result(result_id: RowId, request: Request, actor: Technician, store: TheStore, settings: TheSettings) -> None:
    draw_missing(store, settings, request.app.state.decoder, result_id)


def _of_study(study_id: RowId, request: Request, actor: Technician, store: TheStore, settings: TheSettings) -> None:
    for result_id in undrawn_of_study(store, study_id):
        draw_missing(store, settings, request.app.state.decoder, result_id)


#: Of routes with `result_id`, and of those with `study_id`; only for who may see it at all.
RESULT_DRAWN: Final = Depends(_of_result)
STUDY_DRAWN: Final = Depends(_of_study)
