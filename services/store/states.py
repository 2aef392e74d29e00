"""The states of things, each member with its sentence."""

from __future__ import annotations

from enum import IntEnum, StrEnum


class Priority(IntEnum):
    """Order of work; the smaller number goes first."""

    STAT = 0  #: somebody is waiting
    ROUTINE = 1  #: today's work
    BATCH = 2  #: when nothing else waits


class StudyState(StrEnum):
    """Whether more instances are expected."""

    RECEIVING = "receiving"  #: instances may still arrive
    COMPLETE = "complete"  #: closed and routed


class SeriesState(StrEnum):
    """Whether a series takes more instances."""

    OPEN = "open"  #: instances may still arrive
    CLOSED = "closed"  #: its digest is fixed


class JobRole(StrEnum):
    """Why a job runs."""

    LIVE = "live"  #: a study came in
    BATCH = "batch"  #: the archive is re-read
    SHADOW = "shadow"  #: a model is compared silently


class JobState(StrEnum):
    """A job's life, DATA model in docs/data.md."""

    QUEUED = "queued"  #: waiting for a worker
    RUNNING = "running"  #: a worker holds the lease
    SUCCEEDED = "succeeded"  #: its result is stored
    FAILED = "failed"  #: it cannot succeed as it is
    QUARANTINED = "quarantined"  #: it ended its worker more than once
    CANCELLED = "cancelled"  #: asked for, or its subject was reopened


class MemoryStep(IntEnum):
    """How much memory a job is given; one that ran out of it is tried again a step further down."""

    FULL = 0  #: all there is
    LESS = 1  #: half of it, so that the pipeline takes smaller batches and windows
    CPU = 2  #: no GPU: the machine's own memory is larger


class AttemptOutcome(StrEnum):
    """How one claim ended."""

    SUCCEEDED = "succeeded"  #: the result was saved
    RETRYABLE = "retryable"  #: an error that may pass; the job waits and runs again
    FAILED = "failed"  #: an error that will not pass
    STOPPED = "stopped"  #: the worker was asked to stop and gave the job back
    LEASE_LOST = "lease_lost"  #: the heartbeat stopped; cause unknown
    DIED = "died"  #: the process ended by a signal or for lack of memory
    CANCELLED = "cancelled"  #: somebody asked for it


class ReviewAction(StrEnum):
    """What a reader did."""

    DRAFT = "draft"  #: kept for later, counts for nothing
    SIGN = "sign"  #: the reader's word
    UNDO = "undo"  #: takes back the reader's own last signature
    AMEND = "amend"  #: a signed word changed, the old one stays
    ADJUDICATE = "adjudicate"  #: decides between two readers


class Verdict(StrEnum):
    """What the reader says of the machine's result."""

    ACCEPT = "accept"  #: the findings are right
    EDIT = "edit"  #: the findings are replaced by the reader's
    REJECT = "reject"  #: the result is of no use


class ReviewState(StrEnum):
    """Where a worklist row stands."""

    UNREAD = "unread"  #: no clinician has decided
    DRAFTED = "drafted"  #: a draft is kept
    SECOND_READ = "second_read"  #: signed once, and a rule asks for a second reader
    ADJUDICATION = "adjudication"  #: two readers disagree: a third decides
    SIGNED = "signed"  #: decided


class Disagreement(StrEnum):
    """Who says otherwise, the gravest first."""

    READERS = "readers"  #: two readers, and nobody has decided between them
    READER = "reader"  #: the reader that counts edited or rejected the machine's answer
    SHADOW = "shadow"  #: a shadow model, on the same images


class Role(StrEnum):
    """What a user or key may do; each includes the one before."""

    TECHNICIAN = "technician"  #: sends studies, sees their progress
    CLINICIAN = "clinician"  #: reads and signs
    ADMIN = "admin"  #: users, keys, models, audit


class ModelState(StrEnum):
    """The newest model event says it."""

    REGISTERED = "registered"  #: known, not used
    SHADOW = "shadow"  #: runs silently
    ACTIVE = "active"  #: its results are shown
    RETIRED = "retired"  #: not used any more


class BatchState(StrEnum):
    """A batch's life."""

    PLANNING = "planning"  #: its studies are being found
    RUNNING = "running"  #: jobs are made while the night lasts
    WAITING = "waiting"  #: outside its window, or tonight's budget is spent
    PAUSED = "paused"  #: a person asked; nothing new begins
    CANCELLED = "cancelled"  #: a person ended it; results stay
    FINISHED = "finished"  #: every item has ended
    FAILED = "failed"  #: its source cannot be read at all


class BatchItemState(StrEnum):
    """Where one subject of a batch stands."""

    WAITING = "waiting"  #: no job yet
    QUEUED = "queued"  #: its job waits or runs
    DONE = "done"  #: its result is there and was compared
    FAILED = "failed"  #: its job failed or was quarantined
    SKIPPED = "skipped"  #: the pipeline does not read it, or the batch was cancelled


class FetchState(StrEnum):
    """Where one thing that a batch fetches stands."""

    WAITING = "waiting"  #: not fetched yet
    FETCHED = "fetched"  #: stored; its study is known
    FAILED = "failed"  #: it could not be had or was refused


class RetentionState(StrEnum):
    """Which studies a retention policy means; what a reader still has to see is never among them."""

    SIGNED = "signed"  #: every reading of it is signed
    UNROUTED = "unrouted"  #: no pipeline reads it, and it is closed


class DeliveryState(StrEnum):
    """Where the delivery of a result to a destination stands."""

    WAITING = "waiting"  #: for its first or next try
    DELIVERED = "delivered"  #: the destination has confirmed it
    DEAD = "dead"  #: given up: a person has to look
