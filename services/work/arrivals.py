"""Writes the instances of one study that arrived together: a statement for all of a kind wherever it can be."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from pipelines.core.errors import Overtaken
from services.store import attempts, audit, outbox, received, sources, studies, worklist
from services.store.blobs import Published
from services.store.closing import RECEIVED
from services.store.received import AddedInstance, InstanceFacts, InstanceOutcome, PatientFacts, SeriesFacts
from services.store.states import SeriesState, StudyState
from services.store.stores import Store
from services.store.tables import Instance, Series, Study
from services.work.facts import instance_facts, patient_facts, series_facts, study_facts
from services.work.flags import OTHER_PATIENT, SAME_PICTURE, SENTENCES
from services.work.outcomes import FileOutcome, FileStatus, IntakeOptions, Readied


@dataclass(frozen=True, slots=True)
class Arrival:
    """A file with its durable blobs: the DICOM object's, and the photograph's it was made of.

    The first may be other bytes that hold the same object. `others` are all under its UID that it was compared with.
    """

    readied: Readied
    blobs: tuple[Published, ...]
    content_sha256: str | None = None
    others: frozenset[str] | None = None

    @property
    def uid(self) -> str:
        """The SOP Instance UID."""
        return self.readied.header.sop_instance_uid


@dataclass(frozen=True, slots=True)
class _Setting:
    """The rows that instances of one study hang on."""

    study: Study
    patients: Mapping[PatientFacts, str]
    series: Mapping[SeriesFacts, Series]

    def series_of(self, arrival: Arrival) -> Series:
        return self.series[series_facts(arrival.readied.header)]

    def is_of_other_patient(self, arrival: Arrival) -> bool:
        return self.patients[patient_facts(arrival.readied.header)] != self.study.patient_id


def write_study(
    store: Store, session: Session, arrivals: Sequence[Arrival], options: IntakeOptions, actor: str
) -> list[FileOutcome]:
    """Write arrivals of one study, reopening it where it was closed; answers in their order.

    Raises Overtaken where other bytes came under a UID since the arrivals were compared; then nothing may be kept.
    """
    setting = _setting(store, session, arrivals, options)
    holders = _holders(store, session, arrivals)
    known = _made_before(arrivals, holders)
    fresh = [arrival for at, arrival in enumerate(arrivals) if at not in known]
    store.blobs.record(session, *(blob for arrival in fresh for blob in arrival.blobs))
    pictures = _pictures(arrivals, holders)
    facts = [(setting.series_of(one).id, _facts(one, _flag(setting, one, pictures))) for one in fresh]
    added = received.add_instances(session, facts)
    if any(_was_overtaken(arrival, new) for arrival, new in zip(fresh, added, strict=True)):
        raise Overtaken
    _flag_doubles(session, fresh, holders)
    _reopen(session, setting, [(one, new) for one, new in zip(fresh, added, strict=True)])
    counts = Counter(new.outcome for new in added)
    counts[InstanceOutcome.DUPLICATE] += len(known)
    _announce(session, setting.study, counts, actor)
    answers = iter(zip(fresh, added, strict=True))
    return [
        FileOutcome(arrival.readied.name, FileStatus.DUPLICATE, None, None, arrival.uid, setting.study.id)
        if at in known
        else _outcome(*next(answers), setting.study.id)
        for at, arrival in enumerate(arrivals)
    ]


def _setting(store: Store, session: Session, arrivals: Sequence[Arrival], options: IntakeOptions) -> _Setting:
    headers = [arrival.readied.header for arrival in arrivals]
    patients = {
        facts: received.upsert_patient(session, store.site_id, facts).id
        for facts in dict.fromkeys(patient_facts(header) for header in headers)
    }
    told = [study_facts(header, options) for header in headers]
    most = max((one.stated_count or 0 for one in told), default=0) or None
    asked = replace(told[0], stated_count=most)
    study = received.upsert_study(session, store.site_id, patients[patient_facts(headers[0])], asked)
    series = {
        facts: received.upsert_series(session, study.id, facts)
        for facts in dict.fromkeys(series_facts(header) for header in headers)
    }
    return _Setting(study, patients, series)


def _holders(store: Store, session: Session, arrivals: Sequence[Arrival]) -> Mapping[str, Sequence[sources.Holder]]:
    """For each photograph's sha256 the instances made of it before."""
    digests = {one.readied.source_sha256 for one in arrivals if one.readied.source_sha256 is not None}
    return {sha256: sources.holders_of(session, store.site_id, sha256) for sha256 in sorted(digests)}


def _made_before(arrivals: Sequence[Arrival], holders: Mapping[str, Sequence[sources.Holder]]) -> Collection[int]:
    """Places of photographs that are instances already: wrapped again, their bytes name another day."""
    seen = {holder.sop_instance_uid for held in holders.values() for holder in held}
    known = []
    for at, arrival in enumerate(arrivals):
        if arrival.readied.photograph is None:
            continue
        if arrival.uid in seen:
            known.append(at)
        seen.add(arrival.uid)
    return known


def _pictures(arrivals: Sequence[Arrival], holders: Mapping[str, Sequence[sources.Holder]]) -> Mapping[str, set[str]]:
    """For each photograph's sha256 the SOP Instance UIDs made of it, before and now."""
    uids: defaultdict[str, set[str]] = defaultdict(set)
    for sha256, held in holders.items():
        uids[sha256].update(holder.sop_instance_uid for holder in held)
    for arrival in arrivals:
        if arrival.readied.source_sha256 is not None:
            uids[arrival.readied.source_sha256].add(arrival.uid)
    return uids


def _flag(setting: _Setting, arrival: Arrival, pictures: Mapping[str, set[str]]) -> str | None:
    if setting.is_of_other_patient(arrival):
        return OTHER_PATIENT
    source = arrival.readied.source_sha256
    return SAME_PICTURE if source is not None and len(pictures[source]) > 1 else None


def _facts(arrival: Arrival, flag: str | None) -> InstanceFacts:
    header, source = arrival.readied.header, arrival.readied.source_sha256
    return replace(instance_facts(header, arrival.blobs[0].sha256, source, flag), content_sha256=arrival.content_sha256)


def _was_overtaken(arrival: Arrival, added: AddedInstance) -> bool:
    """Whether it would be called a conflict with bytes that nobody has compared it with."""
    return arrival.others is not None and bool(added.beside - arrival.others)


def _flag_doubles(session: Session, fresh: Sequence[Arrival], holders: Mapping[str, Sequence[sources.Holder]]) -> None:
    """The instance that was there first is as doubtful as the one that came now."""
    doubled = {one.readied.source_sha256 for one in fresh} & holders.keys()
    ids = [holder.instance_id for sha256 in doubled if sha256 is not None for holder in holders[sha256]]
    if ids:
        sources.flag_instances(session, ids, SAME_PICTURE)


def _reopen(session: Session, setting: _Setting, added: Sequence[tuple[Arrival, AddedInstance]]) -> None:
    """Late instances: what is queued or running would answer for the study as it was."""
    late = {
        series.id: series
        for arrival, new in added
        if new.outcome is InstanceOutcome.STORED and new.instance.flag != OTHER_PATIENT
        for series in [setting.series_of(arrival)]
    }
    # What was missing may have come: it is looked at anew when the study closes.
    for series in late.values():
        series.incomplete = setting.study.incomplete = None
    was_complete = setting.study.state == StudyState.COMPLETE
    reopened = [one for one in late.values() if was_complete or one.state == SeriesState.CLOSED]
    for series in reopened:
        studies.reopen(session, series.id)
    if reopened:
        attempts.cancel_open(session, setting.study.id)


def _announce(session: Session, study: Study, counts: Counter[InstanceOutcome], actor: str) -> None:
    """Audit, event and worklist, once for all."""
    told = {outcome.value: number for outcome, number in counts.items() if number}
    audit.record(session, actor, RECEIVED, study.id, **told)
    if set(told) != {InstanceOutcome.DUPLICATE.value}:
        outbox.emit(session, "study", study.id, {"study": study.id, "state": study.state, **told})
        worklist.project(session, study.id)


def _outcome(arrival: Arrival, added: AddedInstance, study_id: str) -> FileOutcome:
    name, instance = arrival.readied.name, added.instance
    code, detail = _oddity(added.outcome, instance)
    return FileOutcome(name, FileStatus(added.outcome.value), code, detail, instance.sop_instance_uid, study_id)


def _oddity(outcome: InstanceOutcome, instance: Instance) -> tuple[str | None, str | None]:
    """(code, sentence) of what a reader should know."""
    if outcome is InstanceOutcome.CONFLICT:
        return "conflict", "another object is stored under this SOP Instance UID; both are kept, the first one is read"
    if outcome is InstanceOutcome.STORED and instance.flag is not None:
        return instance.flag, SENTENCES[instance.flag]
    return None, None
