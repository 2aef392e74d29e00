"""Retention at work: policies that a person looked at and approved remove old studies, a few at a time.

A study is erased in one transaction; its bytes go after it, each under its own lock, and only those that nothing which
stays refers to. A process killed in between leaves bytes that the collector takes, since rows of an erased study hold
nothing (services/store/unreferenced.py).
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sqlalchemy.orm import Session

from pipelines.core.errors import BadInput, Conflict, LegalHold
from services.log import logger
from services.settings import Settings
from services.store import audit, outbox, retention, studies
from services.store.entries import known_names
from services.store.retention import Place, Preview
from services.store.session import unit_of_work
from services.store.states import RetentionState
from services.store.stores import Store
from services.store.studies import study_instances
from services.store.tables import RetentionPolicy, Study
from services.work.collect import remove_unreferenced

log = logger("scheduler")
SYSTEM: Final = "system"
#: Studies that one round removes: each is a transaction for itself and one for every file.
ROUND: Final = 20
#: Bytes published since belong to an upload under way; the collector sees to them later.
GRACE_SECONDS: Final = 60.0
SHORTEST_DAYS: Final = 1
REASON_CHARACTERS: Final = 1024


@dataclass(frozen=True, slots=True)
class Wanted:
    """A policy as a person asks for it."""

    name: str
    states: Collection[RetentionState]
    older_than_days: int
    pipeline: str | None = None


@dataclass(frozen=True, slots=True)
class Removed:
    """What was removed."""

    studies: int = 0
    files: int = 0


def add(store: Store, wanted: Wanted, actor: str) -> RetentionPolicy:
    """Write a policy down; nothing is removed before it is approved. Raises BadInput, Conflict."""
    if wanted.older_than_days < SHORTEST_DAYS or not wanted.states:
        raise BadInput("a policy names at least one state and at least one day", code="bad_policy")
    if wanted.pipeline is not None and wanted.pipeline not in known_names(store):
        raise BadInput("there is no pipeline of this name", code="unknown_pipeline")
    with unit_of_work(store.database) as session:
        policy = retention.add_policy(
            session, wanted.name, wanted.states, wanted.older_than_days, wanted.pipeline, actor
        )
        audit.record(session, actor, "retention.added", policy=policy.id, days=policy.older_than_days)
        return policy


def remove(store: Store, policy_id: str, actor: str) -> None:
    """End a policy; what it removed stays removed. Raises NotFound."""
    with unit_of_work(store.database) as session:
        policy = retention.get_policy(session, policy_id)
        retention.end_policy(session, policy)
        audit.record(session, actor, "retention.removed", policy=policy.id)


def look(store: Store, policy_id: str) -> tuple[RetentionPolicy, Preview]:
    """What a policy would remove now; nothing is changed. Raises NotFound."""
    with unit_of_work(store.database, writing=False) as session:
        policy = retention.get_policy(session, policy_id)
        return policy, retention.preview(session, policy)


def approve(store: Store, policy_id: str, seen_studies: int, actor: str) -> RetentionPolicy:
    """Let a policy act from now on, by a person who has seen how many studies it means.

    Raises NotFound, Conflict (`preview_changed`) where it means another number by now.
    """
    with unit_of_work(store.database) as session:
        policy = retention.get_policy(session, policy_id)
        means = retention.preview(session, policy).studies
        if means != seen_studies:
            raise Conflict(
                "the policy means another number of studies now; look again", code="preview_changed", now=means
            )
        retention.approve_policy(session, policy, actor)
        audit.record(session, actor, "retention.approved", policy=policy.id, studies=means)
        return policy


def hold(store: Store, study_id: str, reason: str, actor: str) -> None:
    """Put a legal hold on a study: retention leaves it as it is. Raises NotFound, Conflict where it was removed."""
    with unit_of_work(store.database) as session:
        study = studies.lock_study(session, study_id)
        if study.erased_at is not None:
            raise LegalHold("retention has removed this study's images already", code="already_erased")
        study.legal_hold, study.legal_hold_reason = True, reason[:REASON_CHARACTERS]
        audit.record(session, actor, "study.held", study_id)
        _tell(session, study)


def release(store: Store, study_id: str, actor: str) -> None:
    """Lift a legal hold; harmless where there is none. Raises NotFound."""
    with unit_of_work(store.database) as session:
        study = studies.lock_study(session, study_id)
        if study.legal_hold:
            study.legal_hold, study.legal_hold_reason = False, None
            audit.record(session, actor, "study.released", study_id)
            _tell(session, study)


def _tell(session: Session, study: Study) -> None:
    outbox.emit(session, "study", study.id, {"study": study.id, "state": study.state, "legal_hold": study.legal_hold})


@dataclass
class _Walk:
    """How far a policy has come: studies still to look at, and where the next page begins (None: a new walk)."""

    waiting: list[str] = field(default_factory=list)
    after: Place | None = None


@dataclass
class Keeper:
    """Carries approved policies out, round by round; it walks the archive and begins anew at its end."""

    store: Store
    settings: Settings
    walks: dict[str, _Walk] = field(default_factory=dict)

    def round(self) -> Removed:
        """Remove up to ROUND studies for each approved policy. Raises DatabaseUnavailable."""
        with unit_of_work(self.store.database, writing=False) as session:
            approved = [policy for policy in retention.policies(session) if policy.approved_at is not None]
        self.walks = {policy.id: self.walks.get(policy.id, _Walk()) for policy in approved}
        removed = [self._carry_out(policy) for policy in approved]
        return Removed(sum(one.studies for one in removed), sum(one.files for one in removed))

    @property
    def is_through(self) -> bool:
        """Whether every policy's walk has come to the archive's end."""
        return all(not walk.waiting and walk.after is None for walk in self.walks.values())

    def _carry_out(self, policy: RetentionPolicy) -> Removed:
        walk = self.walks[policy.id]
        if not walk.waiting:
            with unit_of_work(self.store.database, writing=False) as session:
                page = retention.page(session, policy, walk.after)
            walk.waiting, walk.after = list(page.study_ids), page.after
        due, walk.waiting = walk.waiting[:ROUND], walk.waiting[ROUND:]
        gone = [erase(self.store, self.settings, policy.id, study_id) for study_id in due]
        files = [count for count in gone if count is not None]
        if files:
            log.info("retention.removed", policy=policy.id, studies=len(files), files=sum(files))
        return Removed(len(files), sum(files))


def erase(store: Store, settings: Settings, policy_id: str, study_id: str) -> int | None:
    """Remove one study under a policy; how many files went, None where it is not meant any more.

    Everything is looked at again under the study's lock: a hold, a draft or a late image since then keeps it. Raises
    DatabaseUnavailable, NotFound where the policy is gone.
    """
    with unit_of_work(store.database, writing=False) as session:
        shown = _shown(session, study_id)
    _forget(settings, shown)
    with unit_of_work(store.database) as session:
        study = studies.lock_study(session, study_id)
        policy = retention.get_policy(session, policy_id)
        session.refresh(policy, with_for_update={"read": True})
        if policy.removed_at is not None or policy.approved_at is None:
            return None
        if not retention.is_meant(session, policy, study_id):
            return None
        digests = retention.erase(session, study)
        audit.record(session, SYSTEM, "study.erased", study_id, policy=policy_id, files=len(digests))
        outbox.emit(session, "study", study_id, {"study": study_id, "state": "erased"})
    _forget(settings, shown)
    return sum(remove_unreferenced(store, sha256, GRACE_SECONDS) for sha256 in digests)


def _shown(session: Session, study_id: str) -> Sequence[str]:
    """How names of the viewer's kept files begin: pictures by the image's digest, volumes by their series'."""
    series: dict[str, list[str]] = {}
    for instance in study_instances(session, study_id):
        series.setdefault(instance.series_id, []).append(instance.blob_sha256)
    volumes = [hashlib.sha256("\n".join(digests).encode()).hexdigest() for digests in series.values()]
    return [*(sha256 for digests in series.values() for sha256 in digests), *volumes]


def _forget(settings: Settings, digests: Sequence[str]) -> None:
    """Remove what this machine's viewer keeps of these images."""
    wanted = frozenset(digests)
    length = len(next(iter(wanted), ""))
    for folder in (settings.rendered_dir, settings.volumes_dir):
        for path in _files(folder):
            if path.name[:length] in wanted:
                path.unlink(missing_ok=True)


def _files(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.is_dir() else []
