"""Sections of a Markdown page that programs write, between two comments that name them."""

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from instar.files import write_bytes

RESULTS: Final = Path(__file__).parents[1] / "docs" / "results.md"


def write_section(page: Path, name: str, text: str) -> None:
    """Put `text` where `page` has its section `name`, or at its end; the rest of the page stays as it is."""
    old = page.read_text(encoding="utf-8") if page.exists() else "# Results\n"
    start, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    section = f"{start}\n{text.strip()}\n{end}"
    found = re.compile(re.escape(start) + ".*?" + re.escape(end), re.DOTALL)
    new = found.sub(lambda _: section, old) if found.search(old) else f"{old.rstrip()}\n\n{section}\n"
    write_bytes(page, new.encode())


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; columns after the first are set right."""
    lines = [f"| {' | '.join(header)} |", f"|---|{'---:|' * (len(header) - 1)}"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def introduced(introduction: str, study: object, command: str, **more: object) -> str:
    """The words before a table, with the command, the commit, the options of the study and what else they tell of."""
    return introduction.format(**(vars(study) | {"command": command, "commit": commit()} | more))


def commit() -> str:
    """The commit that is checked out, in short."""
    found = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return found.stdout.strip() or "unknown"
