from benchmarks.harness import Comparison, Contender, Fact, Rate, Ratio, Result, compare
from benchmarks.machine import machine
from benchmarks.pages import summary, text


def test_contenders_take_turns_and_every_other_round_goes_backwards() -> None:
    order: list[str] = []

    def worker(name: str) -> Contender:
        def work() -> float:
            order.append(name)
            return 1.0

        return Contender(name, work)

    found = compare("a job", "jobs", [worker("a"), worker("b")], rounds=3)
    assert order == ["a", "b", *"ab", *"ba", *"ab"]
    assert [rate.name for rate in found.rates] == ["a", "b"]
    assert [ratio.name for ratio in found.ratios] == ["b"]


def test_a_reset_runs_before_every_time() -> None:
    done: list[str] = []

    def work() -> float:
        assert done[-1] == "reset"
        done.append("work")
        return 1.0

    again = Contender("again", work, reset=lambda: done.append("reset"))
    compare("a job", "jobs", [again, Contender("other", lambda: 1.0)], rounds=2)
    assert done == ["reset", "work"] * 3


def test_a_section_says_what_was_met_and_how_to_make_it_again() -> None:
    rates = (Rate("plain", 10.0, 9.0, 11.0), Rate("ours", 30.0, 29.0, 31.0))
    comparison = Comparison("building", "episodes", 5, rates, (Ratio("ours", 3.0, 2.6, 3.4),), aim=2.0)
    result = Result(
        "Building", (comparison,), (Fact("forwards", 0.5, "a token", "at most 0.4", met=False),), ("a note",)
    )
    page = text("building", result, machine())
    assert "| ours | 30 | 29 to 31 | 3 [2.6, 3.4] | 2: met |" in page
    assert "| forwards | 0.5 a token | at most 0.4: missed |" in page
    assert "* a note" in page
    assert "python -m benchmarks building" in page


def test_the_summary_has_a_line_for_every_aim() -> None:
    rates = (Rate("plain", 10.0, 9.0, 11.0), Rate("ours", 30.0, 29.0, 31.0))
    comparison = Comparison("build", "episodes", 5, rates, (Ratio("ours", 3.0, 2.6, 3.4),), aim=4.0)
    facts = (Fact("forwards", 0.3, "a token", "at most 0.4", met=True), Fact("bytes", 9.0, "MB"))
    lines = summary({"building": {"result": Result("Building", (comparison,), facts).to_json()}}).splitlines()
    assert lines[2:] == [
        "| build: ours | 3 times [2.6, 3.4] | 4 times: missed | building |",
        "| forwards | 0.3 a token | at most 0.4: met | building |",
    ]


def test_only_a_comparison_with_an_aim_is_met_or_missed() -> None:
    rates = (Rate("plain", 1.0, 1.0, 1.0), Rate("ours", 1.0, 1.0, 1.0))
    assert Comparison("x", "x", 1, rates, (Ratio("ours", 1.0, 1.0, 1.0),)).met is None
    assert Comparison("x", "x", 1, rates, (Ratio("ours", 1.0, 1.0, 1.0),), aim=2.0).met is False
