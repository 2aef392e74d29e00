"""The words of a report: what a machine answered, what readers said of it, and what counts now."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from pipelines.core.labels import LABELS
from pipelines.core.report import DRAFT, PARTLY_SIGNED, SECOND_AWAITED, THIRD_AWAITED, Line
from services.store.disagreement import ShadowChange
from services.store.signatures import Standing
from services.store.states import ReviewAction, ReviewState, Verdict
from services.store.tables import Patient, Review, Study
from services.work.reasons import REASONS
from services.work.report_cautions import abstained, cautions, doubted_sides, unreliable
from services.work.spoken import EYES, SIDES, URGENCIES, side_line, sides
from services.work.spoken import REASONS as DOUBTS

#: A result as the contract's JSON. Any: it was checked where it was made.
Document = Mapping[str, Any]

PIPELINES: Final[Mapping[str, str]] = {
    "retinopathy": "Diabetic retinopathy",
    "segmentation": "Hippocampus volumes",
    "reconstruction": "Reconstruction from raw MRI data",
    "reconstruction_zero_filled": "Reconstruction from raw MRI data, zero-filled",
    "reconstruction_sense": "Reconstruction from raw MRI data, SENSE",
    "reconstruction_compressed_sensing": "Reconstruction from raw MRI data, compressed sensing",
}
VERDICTS: Final[Mapping[str, str]] = {
    Verdict.ACCEPT: "accepted the machine's answer",
    Verdict.EDIT: "corrected the machine's answer",
    Verdict.REJECT: "rejected the machine's answer",
}
ACTIONS: Final[Mapping[str, str]] = {
    ReviewAction.SIGN: "signed",
    ReviewAction.AMEND: "signed as an amendment",
    ReviewAction.ADJUDICATE: "decided between the readers",
}
STATES: Final[Mapping[ReviewState, str]] = {
    ReviewState.UNREAD: "Not signed: no reader has decided.",
    ReviewState.DRAFTED: "Not signed: a reader has begun.",
    ReviewState.SECOND_READ: "Not final: one reader has signed, a second one is asked.",
    ReviewState.ADJUDICATION: "Not final: two readers disagree, a third one decides.",
}
#: Methods of explanation as people write them.
METHODS: Final[Mapping[str, str]] = {"grad-cam": "Grad-CAM"}
#: The method of an explanation that says why there is none.
NO_METHOD: Final = "none"
NOT_GIVEN: Final = "not given"
NO_FINDING: Final = "no finding"
SHOWN_DIGITS: Final = 12  # of a digest that is only to be recognised


@dataclass(frozen=True, slots=True)
class Clock:
    """Times as the page writes them: in one zone, which its foot names."""

    zone: ZoneInfo

    def moment(self, time: datetime) -> str:
        """To the minute."""
        return f"{time.astimezone(self.zone):%Y-%m-%d %H:%M}"


def heading(pipeline: str) -> str:
    """What was asked."""
    return PIPELINES.get(pipeline, pipeline)


def answer(document: Document) -> str:
    """The answer of a document: its findings side by side in sentences, or that it gives none and why."""
    if document["abstained"]:
        return f"No answer: {_doubt(document['abstain_reason'])}."
    return _found(document) or _sentence(NO_FINDING)


def _found(document: Document) -> str:
    names = EYES if document["pipeline"] == "retinopathy" else SIDES
    order = list(LABELS.get(document["pipeline"], {}))  # a reader's correction may have put them in another
    findings = sorted(
        document["findings"], key=lambda each: order.index(each["label"]) if each["label"] in order else 0
    )
    ordered = {**document, "findings": findings}
    lines = [side_line(ordered, side, names) for side in sides(ordered)]
    return " ".join(f"{_capital(line)}." for line in lines if line)


def machine(document: Document, shadow: ShadowChange | None) -> tuple[Line, ...]:
    """What the machine answered and how far it may be trusted; `shadow` is what a model on trial says otherwise."""
    said = answer(document)
    if document["abstained"]:
        said = f"The model abstained. {said} {_leaning(document)}".strip()
    lines = [
        Line("The machine's answer", said, cautions=abstained(document)),
        *cautions(document, shadow),
        Line("Urgency by the machine", _sentence(f"{document['urgency']}, {URGENCIES[document['urgency']]}")),
    ]
    poor = [_poor(image, document["pipeline"]) for image in document["images"] if not image["quality"]["gradable"]]
    return (*lines, *(Line("Image quality", _sentence(words)) for words in dict.fromkeys(poor)), *_heat_map(document))


def made(document: Document) -> tuple[Line, ...]:
    """What the answer was made with."""
    model, receipt = document["model"], document["receipt"]
    weights = model["sha256"].removeprefix("sha256:")[:SHOWN_DIGITS]
    return (
        Line("Model", f"{model['name']} {model['version']}, weights {weights}"),
        Line("Receipt", receipt["digest"]),
    )


def counts(asked: str, stands: Standing, document: Document | None) -> Line:
    """What counts: the answer that the signature gives (None: it rejects the machine's), or why nothing does yet."""
    if stands.state is not ReviewState.SIGNED or stands.review is None:
        return Line(asked, STATES[stands.state], chief=True)
    if document is None:
        return Line(asked, "The machine's answer was rejected; nothing of it is to be relied on.", chief=True)
    return Line(asked, answer(document), chief=True)


def undecided(states: Collection[ReviewState]) -> str:
    """What stands over a page that is not decided yet: a signature that does not count alone is no draft either."""
    if ReviewState.ADJUDICATION in states:
        return THIRD_AWAITED
    if ReviewState.SECOND_READ in states:
        return SECOND_AWAITED
    return PARTLY_SIGNED if ReviewState.SIGNED in states else DRAFT


def word(review: Review, reader: str, clock: Clock, document: Document | None) -> Line:
    """One reader's word with its answer, reason and comment."""
    said = f"{reader} {ACTIONS[ReviewAction(review.action)]} at {clock.moment(review.created_at)}"
    parts = [f"{said} and {VERDICTS[Verdict(review.verdict)]}." if review.verdict else f"{said}."]
    if review.verdict == Verdict.EDIT and document is not None:
        parts.append(answer(document))
    if review.mask_id is not None:
        parts.append("The outline was corrected by hand.")
    if review.reason is not None:
        known = REASONS.get(review.reason)
        parts.append(known.sentence if known else _sentence(review.reason))
    if review.comment:
        parts.append(f"“{_in_lines(review.comment)}”")
    return Line("Reader", " ".join(parts))


def final_from(stands: Standing, clock: Clock, grace_seconds: float) -> Line | None:
    """Until when the signature on top may be taken back; None where nothing is decided."""
    settled = stands.settled_at(grace_seconds)
    return None if settled is None else Line("Final from", clock.moment(_minute_up(settled)))


def patient_lines(patient: Patient, known: bool) -> tuple[Line, ...]:
    """Who was imaged; `known` is whether the sender said a patient id."""
    return (
        Line("Patient id", patient.patient_id if known else NOT_GIVEN),
        Line("Name", person(patient.name)),
        Line("Born", day(patient.birth_date)),
        Line("Sex", patient.sex or NOT_GIVEN),
    )


def person(name: str | None) -> str:
    """DICOM's "Doe^Jane^^Dr" as "Doe, Jane", and a name that is written in several ways in each of them.

    Source: PS3.5 section 6.2.1.1: alphabetic, ideographic and phonetic writing stand behind each other.
    """
    alphabetic, *others = (name or "").split("=")
    written = [_written(alphabetic, ", "), *(_written(other, " ") for other in others)]
    first, *further = [each for each in written if each] or [NOT_GIVEN]
    return f"{first} ({', '.join(further)})" if further else first


def _written(group: str, comma: str) -> str:
    family, given, middle = [*group.split("^"), "", ""][:3]
    first = " ".join(part for part in (given, middle) if part)
    return comma.join(part for part in (family, first) if part)


def identity(patient: Patient, known: bool, when: Line) -> str:
    """Whose page it is, and of what day, in one line."""
    lines = patient_lines(patient, known)[:3]
    return "; ".join(f"{line.name} {line.text}" for line in (*lines, when))


def taken(study: Study, clock: Clock) -> Line:
    """The day of the images; where nobody knows it, that they were sent then."""
    if study.study_date is not None:
        return Line("Taken", day(study.study_date))
    return Line("Taken", f"{NOT_GIVEN}, sent {study.created_at.astimezone(clock.zone).date().isoformat()}")


def day(value: date | None) -> str:
    """A calendar day."""
    return value.isoformat() if value else NOT_GIVEN


def _heat_map(document: Document) -> tuple[Line, ...]:
    explained = document.get("explanation")
    if explained is None:
        return ()
    if explained["method"] == NO_METHOD:
        return (Line("Heat-map", _sentence(f"none: {explained.get('note') or 'this model gives none'}")),)
    method = METHODS.get(explained["method"], explained["method"])
    if explained["reliable"]:
        return (Line("Heat-map", f"{method}; it may be relied on here."),)
    note = explained.get("note")
    words = f"{method}; not reliable here{doubted_sides(document)}{f': {note}' if note else ''}."
    return (Line("Heat-map", words, cautions=unreliable(document)),)


def _leaning(document: Document) -> str:
    """What an abstaining machine found likeliest: told, and marked as no answer."""
    found = _found(document)
    return f"It leaned towards this, which is no answer: {found}" if found else ""


def _poor(image: Mapping[str, Any], pipeline: str) -> str:  # Any: JSON
    reasons = image["quality"].get("reasons") or ["ungradable"]
    names = EYES if pipeline == "retinopathy" else SIDES
    side = names[image["laterality"]] if image["laterality"] else "the images"
    return f"{side}: {', '.join(_doubt(reason) for reason in reasons)}"


def _doubt(reason: str | None) -> str:
    return DOUBTS.get(reason or "", reason or "not sure enough")


def _minute_up(moment: datetime) -> datetime:
    """The next full minute: a page that names minutes must not name one that is too early."""
    floor = moment.replace(second=0, microsecond=0)
    return floor if floor == moment else floor + timedelta(minutes=1)


def _in_lines(comment: str) -> str:
    """A comment whole, with the lines that its writer made."""
    return "\n".join(" ".join(line.split()) for line in comment.strip().splitlines())


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _sentence(words: str) -> str:
    return f"{_capital(words).rstrip('.')}."
