"""All tables, one class each: a JSON column holds only what no query filters on."""

from __future__ import annotations

from services.store.tables.access import ApiKey, BrowserSession, IdempotencyKey, User
from services.store.tables.answers import ArtifactRow, Assignment, CurrentResult, Result, Review
from services.store.tables.batches import Batch, BatchFetch, BatchItem
from services.store.tables.columns import SHA256_LENGTH, Table
from services.store.tables.images import Blob, Instance, Rejection
from services.store.tables.models import ModelEvent, ModelVersion, ResultFigures
from services.store.tables.reading import BlindRead, ReadingRule, ReviewMask, SecondRead
from services.store.tables.records import Alarm, AuditRow, AuditSeal, Delivery, OutboxEvent, RetentionPolicy
from services.store.tables.subjects import Patient, SearchText, Series, Site, Study
from services.store.tables.work import Attempt, Job, JobInput, Queue, Slot, Worker
from services.store.tables.worklist import SavedView, WorklistRow

#: Tables whose rows are never changed or deleted; triggers hold it.
APPEND_ONLY = (
    "attempts",
    "results",
    "artifacts",
    "reviews",
    "blind_reads",
    "second_reads",
    "review_masks",
    "model_events",
    "audit",
    "audit_seals",
)

__all__ = [
    "APPEND_ONLY",
    "SHA256_LENGTH",
    "Alarm",
    "ApiKey",
    "ArtifactRow",
    "Assignment",
    "Attempt",
    "AuditRow",
    "AuditSeal",
    "Batch",
    "BatchFetch",
    "BatchItem",
    "BlindRead",
    "Blob",
    "BrowserSession",
    "CurrentResult",
    "Delivery",
    "IdempotencyKey",
    "Instance",
    "Job",
    "JobInput",
    "ModelEvent",
    "ModelVersion",
    "OutboxEvent",
    "Patient",
    "Queue",
    "ReadingRule",
    "Rejection",
    "Result",
    "ResultFigures",
    "RetentionPolicy",
    "Review",
    "ReviewMask",
    "SavedView",
    "SearchText",
    "SecondRead",
    "Series",
    "Site",
    "Slot",
    "Study",
    "Table",
    "User",
    "Worker",
    "WorklistRow",
]
