"""What an examination found: one line each, and what to do about it."""

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warn", "error"]


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; `remedy` is what to type or do where it is not ok."""

    level: Level
    subject: str  # "python", "torch", "plugin recipes/llara"
    text: str
    remedy: str = ""

    def to_json(self) -> dict[str, str]:
        """As `--json` prints it."""
        return {"level": self.level, "subject": self.subject, "text": self.text, "remedy": self.remedy}
