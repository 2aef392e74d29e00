"""The plan of a run: drawn from its seed, every kind of strike and of visit in it."""

from __future__ import annotations

from services.selftest.plan import POISON, Strike, VisitKind, make_plan


def test_the_same_seed_gives_the_same_plan() -> None:
    assert make_plan(7, 60) == make_plan(7, 60)
    assert make_plan(7, 60) != make_plan(8, 60)


def test_the_shortest_run_strikes_in_every_way_and_sends_every_poison() -> None:
    plan = make_plan(1, 20)
    assert set(plan.strikes) == set(Strike)
    assert {visit.word.act for visit in plan.visits if visit.is_poison} == set(POISON)
    assert {visit.kind for visit in plan.visits} == set(VisitKind) - {VisitKind.PHOTOGRAPH}


def test_a_longer_run_sends_photographs() -> None:
    assert VisitKind.PHOTOGRAPH in {visit.kind for visit in make_plan(1, 60).visits}


def test_a_run_of_chosen_strikes_is_without_poison_and_batches() -> None:
    plan = make_plan(1, 10, (Strike.KILL_API,))
    assert set(plan.strikes) == {Strike.KILL_API}
    assert not any(visit.is_poison for visit in plan.visits)
    assert not plan.batches


def test_visits_have_names_of_their_own_and_come_in_order() -> None:
    visits = make_plan(3, 120).visits
    assert len({visit.name for visit in visits}) == len(visits)
    assert [visit.at for visit in visits] == sorted(visit.at for visit in visits)
