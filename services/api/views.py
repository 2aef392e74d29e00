"""What several routes answer with: jobs, results and reviews as JSON."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from pipelines.core.types import Laterality, Urgency
from services.store.states import JobRole, JobState, Priority, ReviewAction, Verdict
from services.store.tables import Job
from services.work.access import ShownReview

PriorityWord = Literal["stat", "routine", "batch"]
#: Any: parameters and payloads are JSON whose shape the pipeline or the topic decides.
JsonObject = dict[str, Any]


def priority_word(priority: int) -> PriorityWord:
    """A stored priority as the contract writes it."""
    words: dict[Priority, PriorityWord] = {
        Priority.STAT: "stat",
        Priority.ROUTINE: "routine",
        Priority.BATCH: "batch",
    }
    return words[Priority(priority)]


class JobView(BaseModel):
    """One piece of work: a pipeline on a subject of a study."""

    id: str
    study_id: str
    slot_id: str = Field(description="The question it answers: one subject and one pipeline.")
    pipeline: str
    role: JobRole
    queue: str
    priority: PriorityWord
    state: JobState
    step: str | None = Field(description="What it is doing: load, preprocess, infer, explain, postprocess.")
    progress: float = Field(ge=0, le=1, description="The share that is done, 0-1.")
    attempts: int = Field(description="Attempts that count against the cap.")
    place_in_queue: int | None = Field(description="1 is next; null unless it waits for a worker.")
    held: bool = Field(description="It waits for its batch: paused, or outside its window.")
    batch_id: str | None = Field(description="The batch that asked for it.")
    device: str | None = Field(description="Host and device it runs on.", examples=["reading-room-2/cuda:0"])
    memory_step: int = Field(description="Steps down the memory ladder that it was sent: 0 none.")
    error_code: str | None
    error_detail: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


def job_view(job: Job, place: int | None, *, withheld: bool = False) -> JobView:
    """A job's row as JSON; `place` is its place in the queue. Where its answer is withheld, so is what it is doing."""
    return JobView(
        id=job.id,
        study_id=job.study_id,
        slot_id=job.slot_id,
        pipeline=job.pipeline,
        role=JobRole(job.role),
        queue=job.queue,
        priority=priority_word(job.priority),
        state=JobState(job.state),
        step=None if withheld else job.step,
        progress=job.progress,
        attempts=job.attempts,
        place_in_queue=place,
        held=job.held,
        batch_id=job.batch_id,
        device=job.device,
        memory_step=job.ladder,
        error_code=job.error_code,
        error_detail=job.error_detail,
        created_at=job.created_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
    )


class CodeView(BaseModel):
    """A coded concept: PS3.3 section 8.8."""

    scheme: str = Field(examples=["SCT"])
    value: str = Field(examples=["4855003"])
    meaning: str = Field(examples=["Retinopathy due to diabetes mellitus"])


class FindingView(BaseModel):
    """One statement about an eye, or about the patient where `laterality` is null."""

    code: CodeView
    label: str = Field(examples=["dr_grade"])
    value: int | float | str | None = Field(examples=[2])
    unit: str | None = None
    probabilities: dict[str, float] | None = Field(
        default=None, examples=[{"0": 0.02, "1": 0.05, "2": 0.81, "3": 0.10, "4": 0.02}]
    )
    interval: tuple[int | float, int | float] | None = Field(default=None, examples=[[1, 3]])
    laterality: Laterality | None = None


class QualityView(BaseModel):
    """Whether an image can be graded."""

    model_config = ConfigDict(extra="allow")

    gradable: bool
    score: float = Field(examples=[0.97])
    reasons: list[str] = Field(default=[], examples=[["blur"]])


class ExplanationView(BaseModel):
    """How a heat-map was made, and whether it may be trusted."""

    model_config = ConfigDict(extra="allow")

    method: str = Field(examples=["grad-cam"])
    layer: str
    target: str
    trust: dict[str, float] = {}
    reliable: bool
    note: str | None = None


class FamiliarityView(BaseModel):
    """How unlike the model's training images an image is; it marks an answer and holds none back."""

    score: float = Field(description="The greatest of the parts.", examples=[0.702])
    limit: float = Field(description="Above it an image is unfamiliar.", examples=[1.043])
    familiar: bool
    parts: dict[str, float] = Field(
        default={},
        description="Distances from the training images over what one in a hundred of them lies beyond, by what is "
        "compared: content, rendition (colours, light, frame).",
        examples=[{"content": 0.702, "rendition": 0.551}],
    )
    camera: str | None = Field(
        default=None, description="Manufacturer's Model Name of the file; null where it names none.", examples=["VX-10"]
    )
    camera_known: bool | None = Field(
        default=None, description="Whether the model was trained on that camera; null where none is named."
    )


class ImageView(BaseModel):
    """What was said of one image."""

    model_config = ConfigDict(extra="allow")

    sop_instance_uid: str
    laterality: Laterality | None
    quality: QualityView
    abstained: bool
    abstain_reason: str | None = None
    explanation: ExplanationView | None
    artifacts: list[str] = Field(examples=[["L-1-overlay.png"]])
    familiarity: FamiliarityView | None = Field(
        default=None, description="Null where the model does not know what it was trained on."
    )


class ArtifactView(BaseModel):
    """A file of a result: its bytes are at `/results/{id}/artifacts/{name}`."""

    name: str = Field(examples=["L-1-overlay.png"])
    kind: str = Field(examples=["overlay"])
    media_type: str = Field(examples=["image/png"])
    bytes: int
    sha256: str


class ModelRefView(BaseModel):
    """Which weights read the images."""

    name: str = Field(examples=["fundus_dr_grading"])
    version: str = Field(examples=["1.0.0"])
    sha256: str


class ResultView(BaseModel):
    """What a pipeline said, with its receipt; quality, abstention and explanation are those of the worst image."""

    model_config = ConfigDict(extra="allow")

    id: str
    study_id: str
    slot_id: str = Field(description="The question it answers: one subject and one pipeline.")
    job_id: str
    pipeline: str = Field(examples=["retinopathy"])
    role: JobRole
    current: bool = Field(description="Whether this is the answer now.")
    proposed: bool = Field(
        description="Whether it is newer than the answer, and no reader has signed either of them since."
    )
    created_at: datetime
    model: ModelRefView
    findings: list[FindingView]
    images: list[ImageView]
    quality: QualityView
    abstained: bool
    abstain_reason: str | None
    urgency: Urgency
    explanation: ExplanationView | None
    artifacts: list[ArtifactView]
    seconds: dict[str, float] = Field(examples=[{"load": 0.01, "preprocess": 0.02, "infer": 0.1}])
    receipt: JsonObject = Field(description="What the result was made from; equal digests give equal results.")


class ReaderView(BaseModel):
    """Who wrote a review."""

    id: str
    name: str


class EditedFindingView(BaseModel):
    """A finding as a reader corrected it."""

    code: CodeView
    label: str
    value: int | float | str | None
    unit: str | None = None
    laterality: Laterality | None = None


class ReviewView(BaseModel):
    """A reader's word; none is ever changed or removed."""

    id: str
    result_id: str
    number: int = Field(description="Counts the reviews of one subject and pipeline, from 1.")
    user: ReaderView
    action: ReviewAction
    verdict: Verdict | None
    reason: str | None
    findings: list[EditedFindingView]
    comment: str | None
    base_review_id: str | None
    mask_id: str | None = Field(description="The corrected outline that the word goes with.")
    standing: bool = Field(description="Whether this is the signature that counts now.")
    undo_until: datetime | None = Field(
        description="Until then its reader may take it back; null where it is not the newest signature."
    )
    created_at: datetime


def review_view(shown: ShownReview, grace_seconds: float) -> ReviewView:
    """A review's row as JSON; `grace_seconds` is how long a signature may be taken back."""
    review = shown.review
    undo_until = review.created_at + timedelta(seconds=grace_seconds) if shown.newest else None
    return ReviewView(
        id=review.id,
        result_id=review.result_id,
        number=review.number,
        user=ReaderView(id=review.user_id, name=shown.reader),
        action=ReviewAction(review.action),
        verdict=Verdict(review.verdict) if review.verdict else None,
        reason=review.reason,
        findings=[EditedFindingView.model_validate(finding) for finding in review.findings],
        comment=review.comment,
        base_review_id=review.base_review_id,
        mask_id=review.mask_id,
        standing=shown.standing,
        undo_until=undo_until,
        created_at=review.created_at,
    )
