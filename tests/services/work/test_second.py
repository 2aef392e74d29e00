"""The lot that sends a share of all readings to a second reader."""

from __future__ import annotations

from services.store.ids import new_id
from services.work.second import drawn

DRAWS = 4000
SHARE = 0.1


def test_about_the_asked_share_is_drawn_and_a_slot_always_alike() -> None:
    slots = [new_id() for _ in range(DRAWS)]
    lots = [drawn(slot, SHARE) for slot in slots]
    assert lots == [drawn(slot, SHARE) for slot in slots]
    # Five standard deviations of a fair lot: 95 of 4000.
    assert abs(sum(lots) - DRAWS * SHARE) < 95


def test_none_and_all_are_no_lots() -> None:
    slots = [new_id() for _ in range(100)]
    assert not any(drawn(slot, 0.0) for slot in slots)
    assert all(drawn(slot, 1.0) for slot in slots)
