"""Conversations kept as text, so that a changed prompt shows in review.

After a change that is meant, write them again with `INSTAR_GOLDEN=write pytest tests` and review the difference.
"""

import os
from collections.abc import Iterable
from pathlib import Path

from instar.chat import Conversation

FOLDER = Path(__file__).parent / "recipes" / "golden"


def assert_golden(name: str, conversations: Iterable[tuple[str, Conversation]]) -> None:
    """Titled conversations are those in the file `name`.txt, which is written when asked for."""
    text = "".join(
        f"######## {title}\n" + "".join(f"---- {turn.role}\n{turn.text}\n" for turn in conversation.turns) + "\n"
        for title, conversation in conversations
    )
    path = FOLDER / f"{name}.txt"
    if os.environ.get("INSTAR_GOLDEN") == "write":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")
