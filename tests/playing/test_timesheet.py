"""Who worked when."""

import time

import pytest

from instar.playing.timesheet import Timesheet


def test_nothing_done_is_no_time_and_no_share() -> None:
    sheet = Timesheet()
    assert (sheet.seconds, sheet.model, sheet.simulators) == (0, 0, 0)


def test_shares_are_of_the_time_from_the_first_work_to_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    sheet = Timesheet(workers=2)
    for clock, seconds in ((103.0, 3.0), (104.0, 4.0), (108.0, 1.0)):
        now[0] = clock
        sheet.simulated(seconds)
    now[0] = 110.0
    sheet.asked(5.0, contexts=3)
    assert sheet.seconds == 10
    assert sheet.model == 0.5
    assert sheet.simulators == pytest.approx(0.4)
    assert sheet.to_json() == {
        "seconds": 10.0,
        "workers": 2,
        "model": {"share": 0.5, "calls": 1, "contexts": 3},
        "simulators": {"share": 0.4, "orders": 3},
    }
