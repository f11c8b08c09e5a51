"""The page and the Markdown as a reader's program sees them."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

from instar.demo import Image
from instar.errors import ConfigError, DataError
from instar.evaluate import identity
from instar.files import append_jsonl, write_json
from instar.report import ReportConfig, ReportSummary, write_report
from instar.reporting import gallery
from instar.rollout import Outcome
from tests.recorded import garbled, record, records, run, step

LOADING = {"src", "srcset", "href", "poster", "data", "action", "xlink:href"}
VOID = {"meta", "link", "img", "input", "br"}


class Reader(HTMLParser):
    """Text, tags and attributes of a page; raises where tags do not nest."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.pieces: list[str] = []
        self.scripts: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "script":
            self.scripts.append(data)
        elif not self.open or self.open[-1] != "style":
            self.pieces.append(data)

    @property
    def text(self) -> str:
        """What a person reads, spaces evened out."""
        return " ".join(" ".join(self.pieces).split())

    def all(self, tag: str) -> list[dict[str, str]]:
        """The attributes of every such tag."""
        return [attributes for name, attributes in self.tags if name == tag]


def report(tmp_path: Path, *runs: Path, pictures: int = 60) -> tuple[Reader, str, ReportSummary]:
    """The page, the Markdown and the summary of some runs."""
    summary = write_report(ReportConfig(runs=runs, out=tmp_path / "page.html", pictures=pictures))
    return Reader(summary.page.read_text("utf-8")), summary.markdown.read_text("utf-8"), summary


def test_success_is_on_both_pages_with_n_and_wilson_interval(tmp_path: Path) -> None:
    page, markdown, summary = report(tmp_path, run(tmp_path / "a", records(solved=7)))
    assert "70.0 % (7/10) [40, 89]" in page.text
    assert r"70.0 % (7/10) \[40, 89\]" in markdown
    assert summary.episodes == 10
    assert summary.bytes == (tmp_path / "page.html").stat().st_size


def test_tasks_and_suites_have_rows_of_their_own(tmp_path: Path) -> None:
    mixed = [*records(solved=1, of=4), *records(solved=4, of=4, task="rearrange")]
    page, _, _ = report(tmp_path, run(tmp_path / "a", mixed))
    for words in ("62.5 % (5/8)", "25.0 % (1/4)", "100.0 % (4/4)", "rotate", "rearrange"):
        assert words in page.text


def test_a_whisker_ends_where_the_interval_does(tmp_path: Path) -> None:
    page, _, _ = report(tmp_path, run(tmp_path / "a", records(solved=5)))
    lines = [line for line in page.all("line") if line.get("class") == "whisker"]
    assert lines
    assert {(line["x1"], line["x2"]) for line in lines} == {("23.66%", "76.34%")}  # Wilson for 5 of 10


def test_a_crashed_episode_is_named_and_not_counted(tmp_path: Path) -> None:
    broken = [*records(solved=9, of=9), record("rotate", 9, Outcome.CRASHED, (), "SolverError: diverged")]
    page, markdown, _ = report(tmp_path, run(tmp_path / "a", broken))
    assert "100.0 % (9/9)" in page.text
    assert "the simulator crashed in 1 episode;" in page.text
    assert "SolverError: diverged" in page.text
    assert "9 success, 1 crashed" in markdown


def test_runs_are_compared_pair_by_pair_with_the_first(tmp_path: Path) -> None:
    a, b = run(tmp_path / "a", records(solved=2)), run(tmp_path / "b", records(solved=9), "yours")
    page, markdown, _ = report(tmp_path, a, b)
    assert "Paired comparison with mine" in page.text
    assert "+70.0 points" in page.text
    assert "0.016" in page.text  # 2 * 0.5 ** 7: seven pairs, all one way
    assert re.search(r"\| yours \| \+70\.0 points .* \| 10 \| 2 \| 7 \| 0 \| 1 \| 0\.016 \| better \|", markdown)


def test_a_difference_that_may_be_chance_is_called_that(tmp_path: Path) -> None:
    a, b = run(tmp_path / "a", records(solved=5)), run(tmp_path / "b", records(solved=7), "yours")
    page, _, _ = report(tmp_path, a, b)
    assert "not distinguishable on these episodes" in page.text


def test_runs_of_one_policy_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    page, _, _ = report(tmp_path, run(tmp_path / "old", records(solved=1)), run(tmp_path / "new", records(solved=2)))
    assert "mine (old)" in page.text
    assert "mine (new)" in page.text


def test_an_incomplete_run_says_how_far_it_is(tmp_path: Path) -> None:
    page, markdown, summary = report(tmp_path, run(tmp_path / "a", records(solved=3, of=4), planned=12))
    assert "4 of 12 episodes" in page.text
    assert "mine is not complete" in markdown
    assert summary.notes == ("mine is not complete: 4 of 12 episodes so far.",)


def test_runs_on_other_episodes_are_flagged(tmp_path: Path) -> None:
    later = [record("rotate", seed, Outcome.SUCCESS) for seed in range(5, 15)]
    page, _, _ = report(tmp_path, run(tmp_path / "a", records(solved=5)), run(tmp_path / "b", later, "yours"))
    assert (
        "mine and yours played different episodes: 5 are shared, 5 only in the first, 5 only in the second" in page.text
    )
    assert "+100.0 points" in page.text  # of the five shared, the first solved none


def test_runs_on_other_benchmarks_are_not_paired(tmp_path: Path) -> None:
    a, b = run(tmp_path / "a", records(solved=5)), run(tmp_path / "b", records(solved=5, of=9), "yours")
    page, _, _ = report(tmp_path, a, b)
    assert "yours was played on another benchmark than mine" in page.text
    assert "Paired comparison" not in page.text


def test_nothing_is_loaded_from_anywhere(tmp_path: Path) -> None:
    filmed = run(tmp_path / "a", records(solved=2, of=4), films="always")
    page, _, _ = report(tmp_path, filmed)
    loaded = [value for _, attributes in page.tags for name, value in attributes.items() if name in LOADING]
    assert loaded
    assert not [value for value in loaded if not value.startswith(("data:", "#"))]
    text = (tmp_path / "page.html").read_text("utf-8")
    assert not re.search(r"https?://|url\(|@import", text)


def test_the_policy_of_the_page_allows_its_own_script_and_no_other(tmp_path: Path) -> None:
    page, _, _ = report(tmp_path, run(tmp_path / "a", records(solved=2)))
    [script] = page.scripts
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    [policy] = [meta["content"] for meta in page.all("meta") if meta.get("http-equiv")]
    assert f"script-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'")


def test_what_a_model_says_is_text_and_nothing_else(tmp_path: Path) -> None:
    evil = "<script>alert(1)</script><img src=https://evil.example/x.png onerror=alert(2)>"
    bad = record(evil.replace("/", ""), 0, Outcome.UNREADABLE, (step(), garbled(evil)), f"cannot read {evil}")
    page, markdown, _ = report(tmp_path, run(tmp_path / "a", [bad], policy=evil.replace("/", "|"), films="always"))
    assert len(page.scripts) == 1
    assert "alert(" not in page.scripts[0]
    assert evil in page.text
    assert not [image for image in page.all("img") if "onerror" in image]
    assert "<script>" not in re.sub(r"(?ms)^```.*?^```", "", markdown)  # in code, it is code
    assert r"\<script\>" in markdown


def test_pictures_show_where_the_policy_picks_and_places(tmp_path: Path) -> None:
    page, _, summary = report(tmp_path, run(tmp_path / "a", records(solved=0, of=1), films="always"))
    before, after = page.all("img")
    assert "pick at pixel (66, 78), place at (204, 96)" in before["alt"]
    assert after["alt"] == "placement/rotate/0, at the end"
    assert summary.shown == 1
    circles = page.all("circle")
    assert {(circle["cx"], circle["cy"]) for circle in circles} == {("65.8", "78.5")}
    data = base64.b64decode(before["src"].removeprefix("data:image/jpeg;base64,"))
    assert Image.encoded(data).pixels.shape == (128, 256, 3)


def test_question_and_reply_lie_under_the_picture(tmp_path: Path) -> None:
    said = record("rotate", 0, Outcome.FAILURE, (step("I pick <b>it</b>.", "Which one?"),), "fell off the table")
    page, _, _ = report(tmp_path, run(tmp_path / "a", [said], films="always"))
    assert "Asked Which one?" in page.text
    assert "Said I pick <b>it</b>." in page.text
    assert "1 step: fell off the table" in page.text


def test_failures_come_first_and_lead_to_their_pictures(tmp_path: Path) -> None:
    page, _, _ = report(tmp_path, run(tmp_path / "a", records(solved=2, of=4), films="always"))
    strips = [attributes["data-outcome"] for attributes in page.all("div") if "data-outcome" in attributes]
    assert strips == ["timeout", "timeout", "success", "success"]
    anchors = {attributes["id"] for attributes in page.all("article")}
    links = {attributes["href"][1:] for attributes in page.all("a") if attributes["href"].startswith("#episode-")}
    assert len(links) == 2
    assert links <= anchors


def test_the_number_of_pictures_is_bounded_and_the_rest_is_counted(tmp_path: Path) -> None:
    mixed = [*records(solved=0, of=5), *records(solved=5, of=5, task="rearrange")]
    page, _, summary = report(tmp_path, run(tmp_path / "a", mixed, films="always"), pictures=4)
    assert (summary.shown, summary.left_out) == (4, 6)
    assert "6 more were filmed and are left out" in page.text
    assert len(page.all("article")) == 4
    assert {words.split("/")[1] for words in page.text.split() if words.startswith("placement/")} >= {
        "rotate",
        "rearrange",
    }


def test_the_bytes_of_pictures_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filmed = run(tmp_path / "a", records(solved=0, of=4), films="always")
    one = sum(path.stat().st_size for path in (filmed / "frames" / "placement" / "rotate" / "0").glob("*.jpg"))
    monkeypatch.setattr(gallery, "LARGEST", 2 * one)
    _, _, summary = report(tmp_path, filmed)
    assert (summary.shown, summary.left_out) == (2, 2)


def test_a_long_episode_is_shown_evenly_from_its_beginning_to_its_end(tmp_path: Path) -> None:
    long = record("rotate", 0, Outcome.TIMEOUT, [step()] * 30)
    page, _, _ = report(tmp_path, run(tmp_path / "a", [long], films="always"))
    *before, end = [image["alt"] for image in page.all("img")]
    assert end.endswith("at the end")
    steps = [int(found[1]) for alt in before if (found := re.search(r"before step (\d+)", alt))]
    assert (len(steps), steps[0]) == (11, 1)
    assert {later - earlier for earlier, later in pairwise([*steps, 31])} == {2, 3}


def test_latency_says_median_and_tail(tmp_path: Path) -> None:
    timed = [record("rotate", k, Outcome.SUCCESS, (step(milliseconds=10.0 * (k + 1)),)) for k in range(100)]
    page, markdown, _ = report(tmp_path, run(tmp_path / "a", timed))
    words = "100 calls, median 505 ms, 95 % within 950 ms, slowest 1 s"
    assert words in page.text
    assert words in markdown


def test_the_learning_curve_of_a_checkpoint_beside_the_run_is_drawn(tmp_path: Path) -> None:
    checkpoint = tmp_path / "taught"
    write_json(checkpoint / "card.json", {"name": "taught"})
    for at, value in ((10, 2.5), (20, 1.5), (30, 0.75)):
        append_jsonl(checkpoint / "metrics.jsonl", {"step": at, "name": "loss", "value": value})
    played = run(tmp_path / "runs" / "a", records(solved=5), identity(str(checkpoint)))
    page, markdown, _ = report(tmp_path, played)
    assert "taught: 2.5 at step 10, 0.75 at step 30" in page.text
    assert "taught: 2.5 at step 10, 0.75 at step 30" in markdown
    [line] = page.all("polyline")
    assert len(line["points"].split()) == 3


def test_another_checkpoint_is_not_taken_for_the_one_that_played(tmp_path: Path) -> None:
    for name in ("taught", "other"):
        write_json(tmp_path / name / "card.json", {"name": name})
    append_jsonl(tmp_path / "other" / "metrics.jsonl", {"step": 1, "name": "loss", "value": 1.0})
    page, _, _ = report(tmp_path, run(tmp_path / "a", records(solved=5), identity(str(tmp_path / "taught"))))
    assert "Learning curves" not in page.text


def test_the_command_that_plays_it_again_is_there(tmp_path: Path) -> None:
    policy = {"kind": "plugin", "name": "random", "options": {"seed": 3}}
    page, markdown, _ = report(tmp_path, run(tmp_path / "a", records(solved=5), policy))
    command = "instar eval --policy random:seed=3 --out again --benchmark tabletop:per_task=10 --replan 1"
    assert command in page.text
    assert f"```sh\n{command}\n```" in markdown


def test_every_picture_and_figure_has_words_for_those_who_cannot_see(tmp_path: Path) -> None:
    filmed = run(tmp_path / "a", records(solved=2, of=4), films="always")
    page, _, _ = report(tmp_path, filmed, run(tmp_path / "b", records(solved=3, of=4), "yours"))
    assert all(image["alt"] for image in page.all("img"))
    figures = [figure for figure in page.all("svg") if "role" in figure]
    assert figures
    assert all(figure["aria-label"] for figure in figures)
    assert all(heading.get("scope") in ("col", "row") for heading in page.all("th"))


def test_ids_are_not_used_twice(tmp_path: Path) -> None:
    page, _, _ = report(tmp_path, run(tmp_path / "a", records(solved=2, of=4), films="always"))
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_the_same_runs_give_the_same_bytes(tmp_path: Path) -> None:
    filmed = run(tmp_path / "a", records(solved=2, of=4), films="always")
    pages = [write_report(ReportConfig((filmed,), tmp_path / f"{k}.html")).page.read_bytes() for k in range(2)]
    assert pages[0] == pages[1]


def test_refuses_a_folder_without_a_run(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no run here"):
        write_report(ReportConfig((tmp_path,), tmp_path / "page.html"))


def test_refuses_a_run_without_episodes(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no episode of this run was played"):
        write_report(ReportConfig((run(tmp_path / "a", [], planned=5),), tmp_path / "page.html"))
    assert not (tmp_path / "page.html").exists()


def test_refuses_damaged_records_frames_and_metrics(tmp_path: Path) -> None:
    broken = run(tmp_path / "a", records(solved=5))
    (broken / "episodes.jsonl").write_text('{"id": 3}\n')
    filmed = run(tmp_path / "b", records(solved=1, of=1), films="always")
    next(filmed.rglob("0.jpg")).write_bytes(b"no picture")
    write_json(tmp_path / "taught" / "card.json", {"name": "taught"})
    (tmp_path / "taught" / "metrics.jsonl").write_text(json.dumps({"step": 1}) + "\n")
    taught = run(tmp_path / "c", records(solved=1), identity(str(tmp_path / "taught")))
    for folder, said in (
        (broken, "not an episode record"),
        (filmed, "0.jpg"),
        (taught, "without step, name and value"),
    ):
        with pytest.raises(DataError, match=said):
            write_report(ReportConfig((folder,), tmp_path / "page.html"))


def test_refuses_options_that_cannot_work(tmp_path: Path) -> None:
    for runs, out, pictures, said in (
        ((), "page.html", 1, "at least one run"),
        ((tmp_path,), "page.md", 1, "must end in .html"),
        ((tmp_path,), "page.html", -1, "negative"),
    ):
        with pytest.raises(ConfigError, match=said):
            ReportConfig(runs, tmp_path / out, pictures=pictures)
