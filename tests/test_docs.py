"""What the documentation tells people to type, works."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```", re.MULTILINE | re.DOTALL)
PAGES = [
    ROOT / "docs" / name
    for name in (
        "llara.md",
        "tutorial.md",
        "extend.md",
        "formats.md",
        "transfer.md",
        "exchange.md",
        "vima.md",
        "detectors.md",
        "robustness.md",
    )
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_block_of_a_page_runs_in_order(page: Path, tmp_path: Path) -> None:
    said: list[str] = []  # the Python of a page is one program
    for language, text in BLOCK.findall(page.read_text(encoding="utf-8")):
        if language == "python":
            said.append(text)
            assert_runs([sys.executable, "-c", "\n".join(said)], tmp_path)
        else:
            assert_runs(["sh", "-ec", text], tmp_path)


def assert_runs(command: list[str], folder: Path) -> None:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=folder, env=environment, check=False, capture_output=True, text=True)
    assert done.returncode == 0, f"{command[-1]}\n{done.stdout[-1000:]}\n{done.stderr[-3000:]}"


def test_links_between_pages_lead_somewhere() -> None:
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
            assert target.startswith("http") or (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_readme_speaks_only_of_verbs_that_exist() -> None:
    from instar.cli import VERBS

    blocks = "".join(text for _, text in BLOCK.findall((ROOT / "README.md").read_text(encoding="utf-8")))
    named = set(re.findall(r"^instar (\w+)", blocks, re.MULTILINE))
    assert named
    assert named <= {verb.split()[0] for verb in VERBS}
