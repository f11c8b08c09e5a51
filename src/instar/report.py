"""Runs as one page that needs nothing else: success with intervals, comparison, pictures, failures; and as Markdown."""

import base64
import functools
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typing_extensions import Doc

from instar.errors import ConfigError
from instar.files import write_bytes
from instar.progress import Progress, silent
from instar.reporting.entries import read_entries
from instar.reporting.markdown import markdown
from instar.reporting.page import Page, compose

if TYPE_CHECKING:
    import jinja2


@dataclass(frozen=True)
class ReportConfig:
    """The command line of `instar report`."""

    runs: Annotated[tuple[Path, ...], Doc("run folders; all others are compared with the first")]
    out: Annotated[Path, Doc("the page; its tables go next to it as Markdown")] = Path("report.html")
    title: Annotated[str, Doc("headline; empty says which policies played what")] = ""
    checkpoints: Annotated[
        tuple[Path, ...], Doc("checkpoint folders, for learning curves of runs whose checkpoint is not found nearby")
    ] = ()
    pictures: Annotated[int, Doc("show pictures of at most so many episodes")] = 60

    def __post_init__(self) -> None:
        if not self.runs:
            raise ConfigError("there is nothing to report; name at least one run folder")
        if self.out.suffix.lower() not in (".html", ".htm"):
            raise ConfigError(f"out is {self.out}; it must end in .html, the Markdown goes next to it")
        if self.pictures < 0:
            raise ConfigError(f"pictures is {self.pictures}; it cannot be negative")


@dataclass(frozen=True)
class ReportSummary:
    """What was written."""

    page: Path
    markdown: Path
    bytes: int  # of the page
    episodes: int  # over all runs
    shown: int  # episodes with pictures on the page
    left_out: int  # episodes with pictures that are not on the page
    notes: tuple[str, ...]  # what to know before comparing: incomplete runs, other episodes


def write_report(config: ReportConfig, progress: Progress = silent) -> ReportSummary:
    """Read the runs and write page and Markdown. Raises DataError for a run that is empty or damaged."""
    entries = read_entries(config.runs)
    progress(0, 2, "reading pictures")
    page = compose(entries, config.title, config.pictures, config.checkpoints)
    progress(1, 2, "writing the page")
    html = render(page).encode()
    beside = config.out.with_suffix(".md")
    write_bytes(config.out, html)
    write_bytes(beside, markdown(page).encode())
    progress(2, 2, "done")
    episodes = sum(len(entry.records) for entry in entries)
    return ReportSummary(config.out, beside, len(html), episodes, page.shown, page.filmed - page.shown, page.notes)


def render(page: Page) -> str:
    """The page as HTML. Everything that comes from a run is escaped, and the page may run no script but its own."""
    templates = _templates()
    script = templates.get_template("script.html").render()
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return templates.get_template("page.html").render(page=page, script_hash=f"sha256-{digest}")


@functools.cache
def _templates() -> "jinja2.Environment":
    import jinja2

    return jinja2.Environment(
        loader=jinja2.PackageLoader("instar.reporting", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
