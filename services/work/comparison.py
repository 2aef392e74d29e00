"""Two versions of a model on the same images: how far they agree, with each other and with those who signed."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from pipelines.core.agreement import Share, Tally, Verdicts
from pipelines.core.change import UPWARDS, Change, ChangeKind, compare
from pipelines.core.errors import UnknownModel
from services.store import models
from services.store.pairs import Pair, paired, results_of
from services.store.session import unit_of_work
from services.store.signed import SignedWord, signed_words
from services.store.stores import Store
from services.store.tables import ModelVersion

PAGE: Final = 200
#: The newest results that a comparison looks at: figures of today's studies, at a cost with an end.
MOST_COMPARED: Final = 20_000
LARGEST: Final = 20


@dataclass(slots=True)
class Comparison:
    """What is known of two versions so far; grows by pairs, not with them."""

    pipeline: str
    n: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    upwards: int = 0
    abstained: Counter[str] = field(default_factory=Counter)
    seconds: Counter[str] = field(default_factory=Counter)
    reference_verdicts: Verdicts = field(default_factory=Verdicts)
    candidate_verdicts: Verdicts = field(default_factory=Verdicts)
    tally: Tally = field(init=False)
    largest: list[tuple[float, str, dict[str, Any]]] = field(default_factory=list)  # Any: JSON

    def __post_init__(self) -> None:
        """Begin the tables."""
        self.tally = Tally(self.pipeline)

    def add(self, pair: Pair, word: SignedWord | None) -> None:
        """One more pair, and what a reader signed of it."""
        change = compare(pair.reference.document, pair.candidate.document)
        self.n += 1
        self.kinds[change.kind] += 1
        self.upwards += change.kind is ChangeKind.CROSSED and change.weight >= UPWARDS
        for finding in change.findings:
            self.tally.add_change(finding)
        for side, row in (("reference", pair.reference), ("candidate", pair.candidate)):
            self.abstained[side] += row.abstained
            self.seconds[side] += sum(row.document["seconds"].values())
        if word is not None and word.document is not None:
            self.reference_verdicts.add(word.agrees(pair.reference.document))
            self.candidate_verdicts.add(word.agrees(pair.candidate.document))
        if change.weight > 0:
            self._rank(change, pair)

    def _rank(self, change: Change, pair: Pair) -> None:
        told = {
            "study_id": pair.candidate.study_id,
            "kind": change.kind.value,
            "weight": change.weight,
            "headline": change.headline,
            "reference_result_id": pair.reference.id,
            "candidate_result_id": pair.candidate.id,
        }
        heapq.heappush(self.largest, (change.weight, pair.candidate.id, told))
        if len(self.largest) > LARGEST:
            heapq.heappop(self.largest)

    def as_json(self) -> dict[str, Any]:
        """All figures; Any: JSON."""
        return {
            "n": self.n,
            "agreement": Share(self.kinds[ChangeKind.NONE], self.n).as_json(),
            "kinds": {kind.value: self.kinds[kind] for kind in ChangeKind if kind is not ChangeKind.NEW},
            "crossings": {"up": self.upwards, "down": self.kinds[ChangeKind.CROSSED] - self.upwards},
            **self.tally.as_json(),
            "abstained": {side: Share(self.abstained[side], self.n).as_json() for side in ("reference", "candidate")},
            "clinicians": {
                "reference": self.reference_verdicts.as_json(),
                "candidate": self.candidate_verdicts.as_json(),
            },
            "seconds": {
                side: round(self.seconds[side] / self.n, 4) if self.n else None for side in ("reference", "candidate")
            },
            "largest": [told for _, _, told in sorted(self.largest, reverse=True)],
        }


def comparison_of(store: Store, name: str, version: str | None = None) -> dict[str, Any]:
    """A version beside the one in use, on all images that both have read; Any: JSON. Raises UnknownModel.

    Without a version: the newest shadow. Looks at the newest MOST_COMPARED results of the version.
    """
    candidate, reference = _versions(store, name, version)
    found = Comparison(candidate.pipeline)
    for pairs, words in _pages(store, candidate, reference):
        for pair in pairs:
            found.add(pair, words.get(pair.candidate.slot_id))
    return {
        "model": name,
        "pipeline": candidate.pipeline,
        "candidate": candidate.version,
        "reference": reference.version,
        "newest": MOST_COMPARED,
        **found.as_json(),
    }


def _versions(store: Store, name: str, version: str | None) -> tuple[ModelVersion, ModelVersion]:
    """The candidate and the version in use."""
    with unit_of_work(store.database, writing=False) as session:
        reference = models.active_version(session, name)
        shadows = models.shadow_versions(session, name)
        if version is not None:
            candidate = models.find_version(session, name, version)
        elif shadows:
            candidate = shadows[-1]
        else:
            raise UnknownModel("no version of this model is a shadow: name the one to compare")
    if reference is None or reference.id == candidate.id:
        raise UnknownModel("there is no other version in use to compare with")
    return candidate, reference


def _pages(
    store: Store, candidate: ModelVersion, reference: ModelVersion
) -> Iterator[tuple[Sequence[Pair], Mapping[str, SignedWord]]]:
    """The pairs, newest first, with what readers signed; one short transaction a page."""
    before = None
    for _ in range(0, MOST_COMPARED, PAGE):
        with unit_of_work(store.database, writing=False) as session:
            rows = results_of(session, candidate, before, PAGE)
            if not rows:
                return
            pairs = paired(session, rows, reference)
            words = signed_words(session, {pair.candidate.slot_id for pair in pairs})
        yield pairs, words
        before = rows[-1].id
