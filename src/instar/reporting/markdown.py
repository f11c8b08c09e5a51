"""The tables of a report as GitHub Markdown, for pull requests and chats."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from instar.reporting.entries import NOTHING
from instar.reporting.page import Page

CELL: Final = 160  # characters of free text in a cell


def markdown(page: Page, failures: int = 50) -> str:
    """The page without its pictures; of the failures, the first so many."""
    return "\n".join(_lines(page, failures)) + "\n"


def _lines(page: Page, failures: int) -> Iterator[str]:
    yield f"# {cell(page.title)}"
    yield from ("", cell(page.subtitle), "")
    yield from (f"> **Note:** {cell(note, 1000)}\n" for note in page.notes)
    yield from ("## Success", "", "Rate (successes/episodes) [95 % Wilson interval]", "")
    yield from table(
        ["Task", *(card.label for card in page.cards)],
        [[_emphasised(row.label, row.level), *(dot.words or NOTHING for dot in row.dots)] for row in page.success.rows],
        escaped=1,
    )
    if page.comparisons:
        yield from ("", f"## Compared with {cell(page.cards[0].label)}, episode by episode", "")
        yield from table(
            ["Policy", "difference [95 %]", "shared", "both", "only this", "only first", "neither", "McNemar p", ""],
            [
                [row.label, row.difference, row.shared, row.both, row.gained, row.lost, row.neither, row.p, row.verdict]
                for row in page.comparisons
            ],
        )
    yield from ("", "## Outcomes", "")
    yield from table(["Policy", "episodes"], [[bar.label, bar.words] for bar in page.outcomes])
    if page.latencies:
        yield from ("", "## Latency", "")
        yield from table(["Policy", "policy calls"], [[plot.label, plot.words] for plot in page.latencies])
    if page.curves:
        yield from ("", "## Training", "")
        yield from table(["Metric", "logged"], [[plot.title, plot.words] for plot in page.curves])
    yield from _failures(page, failures)
    yield from ("", "## Reproduce", "")
    for run in page.provenance:
        fence = "`" * (3 + max((len(ticks) for ticks in re.findall("`+", run.command)), default=0))
        yield from (f"{cell(run.label)}:", "", f"{fence}sh", run.command, fence, "")


def _failures(page: Page, most: int) -> Iterator[str]:
    if not page.failures:
        return
    yield from ("", "## Failures", "")
    yield from table(
        ["Policy", "episode", "outcome", "steps", "reason"],
        [[row.label, row.id, row.outcome, row.steps, row.reason or NOTHING] for row in page.failures[:most]],
    )
    if len(page.failures) > most:
        yield from ("", f"{len(page.failures) - most} more are in the HTML page.")


def _emphasised(label: str, level: str) -> str:
    return f"**{cell(label)}**" if level != "task" else cell(label)


def table(head: Sequence[str], rows: Sequence[Sequence[object]], escaped: int = 0) -> Iterator[str]:
    """A pipe table; the first `escaped` columns of the rows are Markdown already, everything else is plain text."""
    yield "| " + " | ".join(cell(name) for name in head) + " |"
    yield "|" + " --- |" * len(head)
    for row in rows:
        cells = [str(value) if k < escaped else cell(str(value)) for k, value in enumerate(row)]
        yield "| " + " | ".join(cells) + " |"


def cell(text: str, most: int = CELL) -> str:
    """Plain text on one line that Markdown takes literally: replies and reasons are not to be trusted."""
    line = " ".join(text.split())
    line = line if len(line) <= most else line[: most - 1] + "…"
    # Zero-width space after @ and #: nobody is to be notified and no issue linked by what a model said.
    line = re.sub(r"([\\`*_{}\[\]<>|~!])", r"\\\1", line).replace("&", "&amp;")
    return re.sub(r"([@#])(?=\w)", "\\1\u200b", line)
