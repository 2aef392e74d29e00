"""What a sender is told: status and JSON of an upload, whole or ended early."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from pipelines.core.errors import BadInput, OverreadError
from services.work.outcomes import FileOutcome
from services.work.places import Received

ACCEPTED: Final = 202
RETRY_AFTER_SECONDS: Final = 5
PROBLEM_TYPE: Final = "urn:overread:problem:"


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and JSON document of the response (Any: JSON)."""

    status: int
    document: dict[str, Any]


def answer(received: Received) -> Answer:
    """202 where a file was kept, else 422 with the same body and the reason."""
    if received.is_kept:
        return Answer(ACCEPTED, document(received))
    codes = {outcome.code for outcome in received.files}
    if not codes:
        return refusal(BadInput("the request holds no file", code="no_files"), received)
    first = received.files[0]
    if len(codes) == 1 and first.code is not None and first.detail is not None:
        return refusal(BadInput(first.detail, code=first.code), received)
    return refusal(BadInput("none of the files could be kept; see each one's code", code="nothing_kept"), received)


def refusal(error: OverreadError, received: Received) -> Answer:
    """A problem document (RFC 9457) which also says what was kept."""
    problem = {
        "type": f"{PROBLEM_TYPE}{error.code}",
        "title": error.title,
        "status": error.status,
        "detail": error.sentence,
        "code": error.code,
    }
    return Answer(error.status, problem | document(received))


def document(received: Received) -> dict[str, Any]:
    """The contract's answer (Any: JSON)."""
    return {
        "received": [_file(outcome) for outcome in received.files],
        "studies": [
            {
                "id": study.id,
                "study_instance_uid": study.study_instance_uid,
                "state": study.state.value,
                "jobs": list(study.jobs),
                "incomplete": study.incomplete,
            }
            for study in received.studies
        ],
    }


def _file(outcome: FileOutcome) -> dict[str, str | None]:
    return {
        "name": outcome.name,
        "status": outcome.status.value,
        "code": outcome.code,
        "detail": outcome.detail,
        "sop_instance_uid": outcome.sop_instance_uid,
    }
