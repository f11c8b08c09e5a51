"""How results look on a terminal: tables and one progress line. Used by `cli` alone.

What is shown is duck-typed or imported only for the types: a list of plugins must not wait for the statistics of runs.
"""

import contextlib
import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.table import Table
from rich.text import Text

from instar.progress import Progress, silent

if TYPE_CHECKING:
    from instar.metrics import Comparison, SuccessRate

out: Final = Console()
errors: Final = Console(stderr=True)

COLOURS: Final[Mapping[str, str]] = {"ok": "green", "warn": "yellow", "error": "red"}


class _Rate(ProgressColumn):
    """How many a second."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:.1f}/s" if task.speed else "", style="dim")


@contextlib.contextmanager
def progress(*, quiet: bool) -> Iterator[Progress]:
    """A progress line on stderr with rate and time left; silent when stderr is not a terminal."""
    if quiet or not errors.is_terminal:
        yield silent
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn())
    with Bar(*columns, console=errors, transient=True) as bar:
        line = bar.add_task("", total=None)

        def tell(done: int, total: int, note: str) -> None:
            bar.update(line, completed=done, total=total, description=escape(note))

        yield tell


def plain(value: Any) -> Any:
    """`value` as JSON can hold it."""
    if hasattr(value, "to_json"):
        return value.to_json()
    if dataclasses.is_dataclass(value):
        return {item.name: plain(getattr(value, item.name)) for item in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(item) for item in value]
    if isinstance(value, Enum):
        return value.value
    return str(value) if isinstance(value, Path) else value


def exit_code(result: Any) -> int:
    """0, or 2 where the result itself is that something does not hold."""
    found = result if isinstance(result, list) else []
    return 2 if any(getattr(finding, "level", "") == "error" for finding in found) else 0


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_header=any(columns))
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def show_catalogue(entries: Sequence[Any]) -> None:
    """Plugins by kind; with their options where they are known."""
    if not any(entry.summary for entry in entries):
        table = _table("kind", "installed")
        for kind in dict.fromkeys(entry.kind for entry in entries):
            table.add_row(kind, ", ".join(entry.name for entry in entries if entry.kind == kind))
        out.print(table)
        return
    for entry in entries:
        out.print(f"[bold]{escape(entry.name)}[/]  {escape(entry.summary)}")
        for option in entry.options:
            out.print(f"    {escape(option.name)} = {escape(option.default)}  [dim]{escape(option.help)}[/]")


def show_findings(findings: Sequence[Any]) -> None:
    """One line per finding, what to do about it beneath."""
    table = _table("", "what", "")
    for finding in findings:
        remedy = getattr(finding, "remedy", "")
        text = escape(finding.text) + (f"\n[dim]{escape(remedy)}[/]" if remedy else "")
        table.add_row(f"[{COLOURS[finding.level]}]{finding.level}[/]", escape(finding.subject), text)
    out.print(table)


def show_summary(summary: Any) -> None:
    """The fields of a summary; mappings and lists as their own lines."""
    table = _table("", "")
    for item in dataclasses.fields(summary):
        value = getattr(summary, item.name)
        if isinstance(value, Mapping):
            for key, inner in value.items():
                table.add_row(f"{item.name.replace('_', ' ')}: {key}", _short(inner))
        elif isinstance(value, Sequence) and not isinstance(value, str):
            table.add_row(item.name.replace("_", " "), str(len(value)))
            for inner in value[:20]:
                table.add_row("", escape(_short(inner)))
        else:
            table.add_row(item.name.replace("_", " "), escape(_short(value)))
    out.print(table)


def _short(value: Any) -> str:
    from instar.metrics import SuccessRate

    if isinstance(value, SuccessRate):
        return rate(value).strip()
    if dataclasses.is_dataclass(value):
        return ": ".join(_short(getattr(value, item.name)) for item in dataclasses.fields(value))
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def show_description(found: Any) -> None:
    """An artefact: its facts, its tables, and examples of what it holds."""
    state = "" if found.whole else "  [yellow]not whole[/]"
    out.print(f"[bold]{escape(found.kind)}[/] {escape(found.name)}{state}")
    facts = _table("", "")
    for name, value in found.facts:
        facts.add_row(escape(name), escape(_short(value)))
    out.print(facts)
    for each in found.tables:
        table = _table(*map(escape, each.head))
        table.title = escape(each.title)
        table.title_justify = "left"
        for row in each.rows:
            table.add_row(*(escape(_short(value)) for value in row))
        out.print(table)
    for example in found.examples:
        out.print(f"[bold]{escape(example.title)}[/]")
        for line in example.lines:
            colour = "green" if line.learn else "default"
            out.print(f"  [dim]{escape(line.role)}:[/] [{colour}]{escape(line.text)}[/]", highlight=False)


def show_answer(answer: Any) -> None:
    """What the model said, and the picture that shows it."""
    out.print(escape(answer.reply), soft_wrap=True, highlight=False)
    if answer.out is not None:
        out.print(f"[dim]picture:[/] {escape(str(answer.out))}", soft_wrap=True, highlight=False)


def rate(success: "SuccessRate", nothing: str = "no episodes") -> str:
    """A success rate as people write it: `83.3 % [66.4, 92.7] n=30`; `nothing` where nothing was counted."""
    if success.rate is None:
        return nothing
    low, high = success.interval.low, success.interval.high
    text = f"{100 * success.rate:5.1f} % [{100 * low:.1f}, {100 * high:.1f}] n={success.n}"
    return text + (f" ({success.crashed} crashed)" if success.crashed else "")


def show_run(run: Any) -> None:
    """Success per task, per suite and overall, with Wilson 95 % intervals."""
    summary = run.summary
    table = _table("", "success [95 %]")
    for name, success in summary.tasks.items():
        table.add_row(escape(name), escape(rate(success)))
    for name, success in summary.suites.items():
        table.add_row(f"[bold]{escape(name)}[/]", escape(rate(success)))
    table.add_row("[bold]overall[/]", escape(rate(summary.overall)))
    out.print(table)
    ended = ", ".join(f"{count} {name}" for name, count in summary.outcomes.items() if count)
    out.print(f"{escape(str(run.folder))}: {ended}")


def show_comparison(compared: Any) -> None:
    """The paired difference, its interval and its p-value."""
    found: Comparison = compared.comparison
    if found.interval is None or found.difference is None:
        out.print("no episode is in both runs")
        return
    low, high = 100 * found.interval.low, 100 * found.interval.high
    table = _table("", "")
    table.add_row(escape(compared.a), f"{100 * (found.rate_a or 0):.1f} %")
    table.add_row(escape(compared.b), f"{100 * (found.rate_b or 0):.1f} %")
    difference = f"{100 * found.difference:+.1f} points [{low:+.1f}, {high:+.1f}] 95 %"
    table.add_row(escape(f"{compared.b} - {compared.a}"), escape(difference))
    table.add_row("McNemar, exact", f"p = {found.p:.3g}")
    table.add_row("pairs", f"{found.n}: both {found.both}, neither {found.neither}")
    if compared.differing:
        table.add_row("the runs differ in", escape(", ".join(compared.differing)))
    table.add_row("only one solved", escape(f"{compared.a} {found.only_a}, {compared.b} {found.only_b}"))
    left_out = len(found.crashed) + len(found.unpaired_a) + len(found.unpaired_b)
    if left_out:
        table.add_row(
            "left out", f"{left_out}: crashed {len(found.crashed)}, in one run only {left_out - len(found.crashed)}"
        )
    out.print(table)


def show_replay(report: Any) -> None:
    """How many episodes ended as recorded, by task, level and overall, and which did not."""
    out.print(f"[bold]{escape(report.results)}[/] on {escape(report.benchmark)}, read by {escape(report.recipe)}")
    table = _table("", "ended as recorded")
    for name, found in report.tasks.items():
        table.add_row(escape(name), _of(found))
    for name, found in report.levels.items():
        table.add_row(f"[bold]{escape(name)}[/]", _of(found))
    table.add_row("[bold]overall[/]", _of(report.overall))
    if report.unreadable.n:
        table.add_row("with an unreadable answer, where the original acted at random", _of(report.unreadable))
    if report.prompts is not None:
        table.add_row("questions with the recorded task", _of(report.prompts.tasks))
        table.add_row("questions with the recorded finished steps", _of(report.prompts.histories))
    out.print(table)
    for one in report.differences:
        out.print(f"{escape(one.id)}: {one.recorded} on record, {one.replayed} now; {escape(one.where)}")
    for place, theirs, ours in report.prompts.differing if report.prompts is not None else ():
        out.print(escape(f"{place}\n  recorded: {theirs}\n  asked:    {ours}"), highlight=False)
    for name in report.crashed:
        out.print(f"[yellow]crashed[/]: {escape(name)}")
    if report.left_out:
        out.print(f"{report.left_out} recorded episodes were not played")


def _of(found: Any) -> str:
    return f"{found.same} of {found.n}"


def show_detection(found: Any) -> None:
    """Precision and recall by kind of picture, with Wilson 95 % intervals; names right, and whatever they are."""
    if found.aim is not None:
        _show_aim(found)
        return
    table = _table("pictures", "", "precision [95 %]", "recall [95 %]", "precision, any name", "recall, any name")
    for score in found.scores:
        shares = (score.precision, score.recall, score.precision_unnamed, score.recall_unnamed)
        table.add_row(score.kind, f"{score.pictures:,}", *(escape(rate(share, "none")) for share in shares))
    out.print(f"[bold]{escape(found.subject)}[/] on {escape(found.demos)}, camera {escape(found.camera)}")
    out.print(table)
    out.print("[dim]precision: of n sightings; recall: of n objects; boxes that overlap by one half or more[/]")


def _show_aim(found: Any) -> None:
    """How often an end effector was found, and how far from its place."""
    aim = found.aim
    out.print(f"[bold]{escape(found.subject)}[/] on {escape(found.demos)}, camera {escape(found.camera or 'any')}")
    table = _table("", f"{aim.pictures:,} pictures")
    table.add_row("found where it is seen [95 %]", escape(rate(aim.found, "none shows it")))
    table.add_row("found where it is not", escape(rate(aim.invented, "all show it")))
    if aim.errors is not None:
        far = aim.errors
        table.add_row("off by, median", f"{far.median:.1f} pixels")
        table.add_row("off by at most, in 90 %", f"{far.q90:.1f} pixels")
        table.add_row("off by most", escape(f"{far.largest:.1f} pixels: {far.where}"))
    out.print(table)


def show_demo(summary: Any) -> None:
    """The four policies beside each other, and where the page is."""
    table = _table("policy", "success [95 %]", "episodes")
    for run in summary.runs:
        table.add_row(escape(run.name), escape(rate(run.summary.overall)), str(len(run.records)))
    out.print(table)
    out.print(f"report: {escape(str(summary.report))}", soft_wrap=True)


def show_transfer(summary: Any) -> None:
    """Every protocol by task, what their differences are worth, and where the page is."""
    home = [] if summary.source is None else [("source, at home", summary.source)]
    table = _table("", "", "success [95 %]")
    for name, run in [*home, *((run.name, run) for run in summary.runs)]:
        table.add_row(f"[bold]{escape(name)}[/]", "[bold]overall[/]", escape(rate(run.summary.overall)))
        for task, success in run.summary.tasks.items():
            table.add_row("", escape(task), escape(rate(success)))
    out.print(table)
    for compared in summary.comparisons:
        show_comparison(compared)
    out.print(f"report: {escape(str(summary.report))}", soft_wrap=True)
