"""Structured logs: one JSON object a line, ids only; identifying values never leave the process."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import MutableMapping
from typing import Any, Final

import structlog

#: Keys whose values may identify a patient or open a door; their values are redacted whatever a caller passes.
IDENTIFYING_KEYS: Final = frozenset(
    {"name", "patient", "patient_id", "patient_name", "birth_date", "accession_number", "description"}
    | {"study_instance_uid", "series_instance_uid", "sop_instance_uid"}
    | {"file", "file_name", "filename", "path", "url", "query"}
    | {"password", "token", "key", "secret", "authorization", "cookie", "csrf"}
)
REDACTED: Final = "[redacted]"
#: Libraries whose messages speak of processes and queues. All others may quote what was sent (pydicom warns with the
#: value it does not like), so of those only the place that spoke is kept.
TRUSTED_LOGGERS: Final = frozenset({"alembic", "billiard", "celery", "kombu", "multiprocessing", "redis", "uvicorn"})


def redact(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace the values of identifying keys; a structlog processor (Any: structlog's own type)."""
    for key in event.keys() & IDENTIFYING_KEYS:
        event[key] = REDACTED
    return event


def withhold(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace the message of a library that is not trusted by the place it came from (Any: structlog's own type)."""
    record: logging.LogRecord = event["_record"]
    if record.name.split(".")[0] not in TRUSTED_LOGGERS:
        event["event"] = f"message withheld: {record.name} at {record.module}:{record.lineno}"
    return event


def configure(level: int = logging.INFO) -> None:
    """Send structlog's events and the standard library's warnings to standard error as JSON; call once a process."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            redact,
            structlog.processors.ExceptionRenderer(places_of_exception),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
            foreign_pre_chain=[
                structlog.stdlib.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                redact,
                withhold,
                structlog.processors.ExceptionRenderer(places_of_exception),
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.captureWarnings(True)


def places_of_exception(exc_info: structlog.typing.ExcInfo) -> list[str]:
    """Classes and code places of an exception and its causes, innermost last; messages may quote input and stay out."""
    places: list[str] = []
    error: BaseException | None = exc_info[1]
    while error is not None:
        frames = traceback.extract_tb(error.__traceback__)
        at = "; ".join(f"{frame.name}:{frame.lineno}" for frame in frames)
        places.append(f"{type(error).__name__} at {at}")
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return places


def logger(name: str) -> structlog.typing.FilteringBoundLogger:
    """The logger of one part of the system: `log = logger("worker"); log.info("job.finished", job=job_id)`."""
    bound: structlog.typing.FilteringBoundLogger = structlog.get_logger(part=name)
    return bound
