"""A second run is told beside the first, and where it differs by more than chance."""

from pretraining.again import beside, comparison
from pretraining.measure import Figures, Share

FIRST: Figures = {
    "plain": {"median px off": 1.8, "counted": Share(50, 100), "asked": Share(9, 10), "named": Share(0, 0)}
}
SECOND: Figures = {
    "plain": {"median px off": 2.1, "counted": Share(80, 100), "asked": Share(9, 10), "named": Share(0, 0)}
}


def test_both_figures_stand_in_a_cell_and_what_is_better_beyond_its_interval_is_marked() -> None:
    assert beside(FIRST, SECOND).splitlines()[2:] == [
        "| median px off | 1.8 / 2.1 |",
        "| counted | 50.0 / 80.0 % ▲ |",
        "| asked | 90.0 / 90.0 % |",
        "| named | - |",
    ]
    assert "| counted | 80.0 / 50.0 % ▼ |" in beside(SECOND, FIRST)
    assert "| counted | 50.0 / 50.0 % |" in beside(FIRST, FIRST)


def test_the_section_counts_what_differs_and_shows_the_learning_curve() -> None:
    log = [{"stage": "look", "step": 200, "minutes": 2.5}, {"stage": "speak", "step": 400, "minutes": 61.2}]
    text = comparison({"seed": 1, "look": 200, "speak": 400}, log, FIRST, SECOND, asked=300)
    assert "the same 300 pictures of each kind" in " ".join(text.split())
    assert "--seed 1" in text
    assert "61 minutes of training" in text
    assert "(1 and 0 of the shares; the other 1 are alike" in " ".join(text.split())
    assert "| 400 | 61.2 |" in text
