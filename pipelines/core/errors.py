"""The whole error tree of Overread: one class a reason, with its stable code, HTTP status and whether a retry can help.

OverreadError
├── BadInput                       the sender can mend it
│   ├── NotAnImage                 not_dicom, empty_file, truncated ... (see `code`)
│   ├── UnsuitableInput            readable, but this pipeline cannot use it
│   ├── CorruptPixels              the codestream does not decode
│   ├── NoPixelData
│   ├── ArchiveRefused             archive_unsafe_path, archive_bomb, archive_nested ...
│   ├── LateralityRequired
│   ├── BadAcquired                bad_acquired, camera_date_ignored
│   ├── BackupDamaged
│   ├── BadRequest                 parameters, bodies, boundaries
│   │   ├── BadCursor
│   │   └── RangeNotSatisfiable
│   ├── MalformedBody              a multipart body that does not follow its boundary
│   ├── UnsupportedMedia           a Content-Type that Overread does not take
│   ├── RequestStalled
│   ├── KeyReused                  an Idempotency-Key sent before with another request
│   ├── BadReview                  unknown_label, bad_finding_value, reason_required ...
│   ├── BadMask                    mask_grid, mask_labels
│   ├── WithheldFilter             a blind reader asks for what the machine says
│   ├── SourceRefused              source_gone, source_unreadable, source_ambiguous ...
│   └── BodyTooLarge
├── NotAllowed                     who is asking
│   ├── NotAuthenticated
│   ├── Forbidden
│   │   └── Withheld               what a blind reader has not earned yet
│   └── TooManyAttempts
├── NotFound
│   └── BytesRemoved               retention has removed these images
├── Conflict                       illegal_state, superseded, already_signed, blind_read_first ...
│   ├── ReviewConflict
│   ├── LegalHold                  a study that must stay as it is
│   └── StillRunning               the first request with an Idempotency-Key has not ended
├── Unavailable                    comes back by itself: a retry helps
│   ├── DatabaseUnavailable
│   ├── StorageFull
│   ├── SourceUnavailable          an archive or folder that images are fetched from
│   ├── BytesGone                  published long ago, collected before a row named them
│   ├── LeaseLost
│   ├── JobTimeout
│   ├── SoftTimeout
│   ├── QueueFull
│   ├── NotReady
│   ├── WorkerStopping
│   └── ReportNotMade              a PDF, SR or page of a batch; nothing stored has changed
│       ├── ReportTimeout
│       ├── ReportTooLarge
│       └── ReportsBusy
├── DecoderDied                    the memory-limited child ended without an answer
├── ReaderDied                     the process that runs the model ended without an answer
│   └── ReaderCrashed              ... and the job itself was the cause
├── OutOfMemory
└── ModelError
    ├── WeightsRefused             hash not the pinned one
    ├── BundleRefused              bundle_key_missing, bundle_name_refused, bundle_package_missing ...
    ├── IsolationUnavailable       a trusted bundle's code has no closed room to run in
    └── UnknownModel
"""

from __future__ import annotations

from typing import Final, Self

#: What a DICOM network peer is told: PS3.4 Table B.2-1 (C-STORE Response Status Values), PS3.7 Annex C for the first.
PROCESSING_FAILURE: Final = 0x0110
OUT_OF_RESOURCES: Final = 0xA700
CANNOT_UNDERSTAND: Final = 0xC000


class OverreadError(Exception):
    """Something went wrong in Overread."""

    code = "internal_error"
    status = 500
    dimse_status = PROCESSING_FAILURE
    retry = False

    def __init__(self, detail: str | None = None, *, code: str | None = None, **facts: object) -> None:
        """Say what was wrong in one sentence; `code` narrows the class, `facts` are numbers, never identifiers."""
        self.detail = detail or (type(self).__doc__ or "").split("\n", 1)[0]
        self.facts = facts
        if code is not None:
            self.code = code
        super().__init__(self.sentence)

    @property
    def title(self) -> str:
        """The class's own sentence, the same for every instance."""
        return (type(self).__doc__ or type(self).__name__).split("\n", 1)[0]

    @property
    def sentence(self) -> str:
        """The detail with its facts behind it."""
        if not self.facts:
            return self.detail
        return f"{self.detail} ({', '.join(f'{name}: {value}' for name, value in self.facts.items())})"


class BadInput(OverreadError):
    """The input cannot be used as it is."""

    code = "bad_input"
    status = 422
    dimse_status = CANNOT_UNDERSTAND


class NotAnImage(BadInput):
    """The file is neither DICOM nor of another kind that Overread reads."""

    code = "not_dicom"


class UnsuitableInput(BadInput):
    """The images are readable, but this pipeline cannot use them."""

    code = "unsuitable_input"


class CorruptPixels(BadInput):
    """The pixel data does not decode."""

    code = "corrupt_pixels"


class NoPixelData(BadInput):
    """The object carries no pixel data."""

    code = "no_pixel_data"


class ArchiveRefused(BadInput):
    """The archive is not safe to unpack."""

    code = "archive_refused"


class LateralityRequired(BadInput):
    """A fundus photograph needs a laterality (R or L)."""

    code = "laterality_required"


class BadAcquired(BadInput):
    """The time at which a photograph was taken is none, or cannot be."""

    code = "bad_acquired"


class BackupDamaged(BadInput):
    """The backup is not complete or not what was written."""

    code = "backup_damaged"


class BadRequest(BadInput):
    """The request is not well formed."""

    code = "bad_request"
    status = 400


class MalformedBody(BadInput):
    """The body is not the multipart body that its Content-Type promises."""

    code = "bad_multipart"


class UnsupportedMedia(BadInput):
    """The Content-Type is not one that Overread takes."""

    code = "unsupported_media_type"
    status = 415


class RequestStalled(BadInput):
    """The sender was silent, or next to it, in the middle of the body."""

    code = "request_stalled"
    status = 408


class BodyTooLarge(BadInput):
    """The body is past the limit."""

    code = "body_too_large"
    status = 413


class BadCursor(BadRequest):
    """The cursor is not one that this list gave out."""

    code = "bad_cursor"


class RangeNotSatisfiable(BadRequest):
    """The range begins behind the end."""

    code = "range_not_satisfiable"
    status = 416


class KeyReused(BadInput):
    """This Idempotency-Key was sent before with another request."""

    code = "idempotency_mismatch"


class SourceRefused(BadInput):
    """What was to be fetched from outside is not there, or cannot be read as it is."""

    code = "source_refused"


class BadReview(BadInput):
    """The review does not fit the result."""

    code = "bad_review"


class BadMask(BadInput):
    """The outline does not fit the model's: another grid, or labels that the model does not have."""

    code = "bad_mask"


class WithheldFilter(BadInput):
    """You read blind: a list chosen or ordered by what the machine says would tell you what it says."""

    code = "withheld_filter"


class NotAllowed(OverreadError):
    """The request is not allowed."""

    code = "not_allowed"
    status = 403


class NotAuthenticated(NotAllowed):
    """A valid API key or session is needed."""

    code = "not_authenticated"
    status = 401


class Forbidden(NotAllowed):
    """Your role does not allow this."""

    code = "forbidden"


class Withheld(Forbidden):
    """You read this blind: say first what you see, then the machine's answer is shown."""

    code = "withheld_until_read"


class TooManyAttempts(NotAllowed):
    """Too many failed attempts; wait before the next one."""

    code = "too_many_attempts"
    status = 429
    retry = True


class NotFound(OverreadError):
    """There is nothing under this id."""

    code = "not_found"
    status = 404


class BytesRemoved(NotFound):
    """These images were removed under a retention policy; results and reviews stay."""

    code = "bytes_removed"
    status = 410


class Conflict(OverreadError):
    """The request does not fit the present state."""

    code = "conflict"
    status = 409


class ReviewConflict(Conflict):
    """Somebody else has written here since you read it; look at the newest review and decide again."""

    code = "review_conflict"


class LegalHold(Conflict):
    """A legal hold keeps this study as it is."""

    code = "legal_hold"


class StillRunning(Conflict):
    """The first request with this Idempotency-Key is still running."""

    code = "idempotency_running"
    retry = True


class Unavailable(OverreadError):
    """A part of the system is away for the moment; try again."""

    code = "unavailable"
    status = 503
    dimse_status = OUT_OF_RESOURCES
    retry = True


class DatabaseUnavailable(Unavailable):
    """The database does not answer at the moment; nothing was changed."""

    code = "database_unavailable"


class StorageFull(Unavailable):
    """The disk is nearly full; nothing was stored."""

    code = "storage_full"
    status = 507


class SourceUnavailable(Unavailable):
    """The archive or folder that images are fetched from does not answer at the moment."""

    code = "source_unavailable"


class BytesGone(Unavailable):
    """The bytes waited too long to be recorded and were cleared away; send them again."""

    code = "bytes_gone"


class Overtaken(Unavailable):
    """Others keep sending objects under the same UIDs at this moment; send them again."""

    code = "overtaken"


class LeaseLost(Unavailable):
    """Another worker holds this job now; this worker's result was discarded."""

    code = "lease_lost"


class NotReady(Unavailable):
    """The system did not become ready; what its processes said is in the logs folder."""

    code = "not_ready"


class JobTimeout(Unavailable):
    """The job took longer than any job may."""

    code = "job_timeout"


class SoftTimeout(Unavailable):
    """The job took longer than it should and stopped at its next step."""

    code = "soft_timeout"


class QueueFull(Unavailable):
    """Too many jobs wait already; nothing was taken, send it again later or as urgent."""

    code = "queue_full"


class WorkerStopping(Unavailable):
    """The worker was asked to stop; the job waits for another one."""

    code = "worker_stopping"


class ReportNotMade(Unavailable):
    """The process that writes report files ended before this one was done; nothing stored has changed, ask again."""

    code = "report_not_made"
    status = 502


class ReportTimeout(ReportNotMade):
    """Writing the report's file took too long and was stopped; nothing stored has changed."""

    code = "report_timeout"
    status = 504


class ReportTooLarge(ReportNotMade):
    """Writing the report's file needs more memory than it may have; nothing stored has changed."""

    code = "report_too_large"
    status = 503


class ReportsBusy(ReportNotMade):
    """Too many report files are being asked for; nothing stored has changed, ask again in a moment."""

    code = "reports_busy"
    status = 503


class DecoderDied(OverreadError):
    """The decoding process ended without an answer."""

    code = "decoder_died"
    status = 422


class ReaderDied(OverreadError):
    """The process that ran the model ended without an answer, and nothing says why."""

    code = "reader_died"
    signal: int | None = None
    peak_memory_bytes: int | None = None

    @classmethod
    def by(cls, signal: int | None, peak_memory_bytes: int | None) -> Self:
        """The death of a process by a signal (None: it exited), with the most memory it was seen to hold."""
        death = cls(signal=signal) if signal else cls()
        death.signal, death.peak_memory_bytes = signal, peak_memory_bytes
        return death


class ReaderCrashed(ReaderDied):
    """The job ended the process that ran the model: a crash in native code, or killed for its memory."""

    code = "reader_crashed"


class OutOfMemory(OverreadError):
    """The job needs more memory than it may have."""

    code = "out_of_memory"


class ModelError(OverreadError):
    """The model cannot be used."""

    code = "model_error"


class WeightsRefused(ModelError):
    """The weights are not the ones the bundle pins."""

    code = "weights_refused"


class BundleRefused(ModelError):
    """The bundle asks for something that Overread does not run."""

    code = "bundle_refused"
    status = 422


class IsolationUnavailable(ModelError):
    """This machine cannot shut a trusted bundle's code off from network and files, so it is not run."""

    code = "isolation_unavailable"


class UnknownModel(ModelError):
    """There is no model of this name."""

    code = "unknown_model"
    status = 404
