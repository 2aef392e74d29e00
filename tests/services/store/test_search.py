"""Text search over studies, the same on both databases."""

from __future__ import annotations

import pytest

from services.store import search
from services.store.received import PatientFacts
from services.store.session import unit_of_work
from services.store.stores import Store
from tests.services.store.world import Sent, receive

OLGA = PatientFacts("clinic", "P-2", "Müller^Olga")


@pytest.fixture
def studies(store: Store) -> tuple[str, str]:
    """A study of Jane Doe and a later one of Olga Müller."""
    jane, _ = receive(store, Sent("a", sop="1.1", study="1.1", description="Screening 100% both_eyes"))
    olga, _ = receive(store, Sent("b", sop="1.2", study="1.2", patient=OLGA, description="Follow-up"))
    return jane, olga


def found(store: Store, words: str) -> list[str]:
    """The ids that the words find."""
    with unit_of_work(store.database, writing=False) as session:
        return list(search.search_studies(session, words))


@pytest.mark.parametrize(
    "words", ["doe", "DOE", "jane doe", "doe jane", "oe", "P-1", "screen", "100%", "both_eyes", "1.1"]
)
def test_words_and_parts_of_words_find_a_study(store: Store, studies: tuple[str, str], words: str) -> None:
    assert found(store, words)[-1:] == [studies[0]]


@pytest.mark.parametrize(
    "words",
    ["", "  ", "nobody", "jane olga", "j_ne", "j%e", '"', "doe OR olga", "no\0body", "\0", "words:doe", "doe*", "10_%"],
)
def test_other_words_and_operators_find_nothing_and_break_nothing(
    store: Store, studies: tuple[str, str], words: str
) -> None:
    assert found(store, words) == []


def test_the_newest_study_comes_first(each_store: Store, studies: tuple[str, str]) -> None:
    assert found(each_store, "P-") == [studies[1], studies[0]]


def test_umlauts_are_found(each_store: Store, studies: tuple[str, str]) -> None:
    assert found(each_store, "müller") == [studies[1]]


def test_a_patient_renamed_is_found_by_the_later_name(each_store: Store, studies: tuple[str, str]) -> None:
    receive(each_store, Sent("c", sop="1.3", study="1.1", patient=PatientFacts("clinic", "P-1", "Roe^Jane")))
    assert found(each_store, "roe") == [studies[0]]
    assert found(each_store, "doe") == []


def test_an_earlier_study_of_a_renamed_patient_is_found_by_the_new_name(
    each_store: Store, studies: tuple[str, str]
) -> None:
    later, _ = receive(each_store, Sent("c", sop="1.3", study="1.3", patient=PatientFacts("clinic", "P-1", "Roe^Jane")))
    assert found(each_store, "roe") == [later, studies[0]]


def test_a_forgotten_study_is_not_found(each_store: Store, studies: tuple[str, str]) -> None:
    with unit_of_work(each_store.database) as session:
        search.forget_study(session, studies[0])
    assert found(each_store, "jane") == []
    assert found(each_store, "olga") == [studies[1]]
