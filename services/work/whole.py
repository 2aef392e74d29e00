"""Files that are taken in when the whole request is known, since what is said beside them decides on their identity:
photographs, NIfTI volumes and raw MRI data."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final, TypeVar

from pipelines.core.errors import BadAcquired, BadInput, OverreadError, Unavailable
from services.work.dates import Dated, dated
from services.work.foreign import ForeignFile, ready
from services.work.outcomes import FileOutcome, FileStatus, IntakeOptions, Readied, rejected
from services.work.photographs import Photograph, Planned, Visit, fits, in_order, plan, wrap
from services.work.places import Parts, Place
from services.work.receive import keep
from services.work.spool import SpooledFile
from services.work.wishes import Wishes

PHOTOGRAPH_GROUP: Final = 8
Item = TypeVar("Item")
#: A file of the request that may be kept: where its outcome goes, what was sent, and what was made of it.
Candidate = tuple[Place, SpooledFile, Readied | OverreadError]


def take_photographs(
    parts: Parts, options: IntakeOptions, wishes: Wishes, sent: Sequence[tuple[Place, Photograph]], files: int
) -> None:
    """Take a request's photographs in as one visit; `files` is how many files it held. Raises Unavailable."""
    known: list[tuple[Place, Photograph]] = []
    numbers = [place.number for place, _ in sent]
    sides = in_order(wishes.lateralities, numbers, files)
    dates = in_order(wishes.acquired, numbers, files)
    for (place, file), side, stated in zip(sent, sides, dates, strict=True):
        try:
            if not fits(wishes.acquired, numbers, files):
                raise BadAcquired("state when they were taken once, or once for each file")
            photograph = replace(file, stated=side)
            _ = photograph.laterality
            when = dated(parts.decoder, file.file.path, stated)
        except BadInput as error:
            place.refuse(parts, file.file, error)
        else:
            known.append((place, replace(photograph, dated=when)))
    if not known:
        return
    visit = Visit(wishes.patient_id, wishes.study_uid)
    planned = plan(parts.store, [photograph for _, photograph in known], visit)
    pairs = [(place, one) for (place, _), one in zip(known, planned, strict=True)]
    for group in _batched(pairs, PHOTOGRAPH_GROUP):
        _take_planned(parts, options, group)


def _take_planned(parts: Parts, options: IntakeOptions, group: Sequence[tuple[Place, Planned]]) -> None:
    new = [(place, one) for place, one in group if one.outcome is None]
    try:
        made = list(wrap(parts.decoder, [one for _, one in new]))
    except Unavailable as error:
        for place, one in new:
            place.outcomes.append(rejected(one.photograph.file.name, error))
        raise
    _keep(parts, options, [(place, one.photograph.file, each) for (place, one), each in zip(new, made, strict=True)])
    for place, one in new:
        place.outcomes[-1] = _with_date(place.outcomes[-1], one.photograph.dated)
    for place, one in group:
        if one.outcome is not None:
            place.outcomes.append(one.outcome)
        one.photograph.file.path.unlink(missing_ok=True)


def _with_date(outcome: FileOutcome, when: Dated) -> FileOutcome:
    """What there is to say of the date, where nothing graver is said of a photograph that was kept."""
    if outcome.status is not FileStatus.STORED or outcome.code is not None:
        return outcome
    return replace(outcome, code=when.code, detail=when.detail)


def take_foreign(
    parts: Parts, options: IntakeOptions, wishes: Wishes, sent: Sequence[tuple[Place, ForeignFile]]
) -> None:
    """Take in a request's NIfTI and raw data files, each a series of its own, one by one since they are large.

    Raises Unavailable.
    """
    for place, file in sent:
        _keep(parts, options, [(place, file.file, ready(parts.decoder, file, wishes.patient_id, wishes.study_uid))])
        file.file.path.unlink(missing_ok=True)


def _keep(parts: Parts, options: IntakeOptions, candidates: Sequence[Candidate]) -> None:
    """Keep what became an instance in one transaction, refuse the others."""
    fresh: list[tuple[Place, Readied]] = []
    for place, file, made in candidates:
        if isinstance(made, Readied):
            fresh.append((place, made))
        else:
            place.refuse(parts, file, made)
    try:
        outcomes = keep(parts.store, [made for _, made in fresh], options, parts.actor)
    except Unavailable as error:
        for place, made in fresh:
            place.outcomes.append(rejected(made.name, error))
        raise
    for (place, _), outcome in zip(fresh, outcomes, strict=True):
        place.outcomes.append(outcome)


def _batched(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    iterator = iter(items)
    while batch := list(itertools.islice(iterator, size)):
        yield batch
