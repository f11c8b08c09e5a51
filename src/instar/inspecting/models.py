"""What was taught: a checkpoint by its card, a detector by its manifest; read without torch."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from instar.checkpoint import CARD
from instar.errors import DataError
from instar.files import MANIFEST, read_json, read_jsonl
from instar.inspecting.description import Description, Value, in_words, settings, size

METRICS: Final = "metrics.jsonl"


def checkpoint(folder: Path) -> Description:
    """A checkpoint, or a training that has not finished."""
    whole = (folder / CARD).is_file()
    card = read_json(folder / CARD) if whole else {}
    if not isinstance(card, dict):
        raise DataError(f"{folder / CARD}: not the card of a checkpoint")
    facts: list[tuple[str, Value]] = [] if whole else [("state", "training has not finished; run it again to go on")]
    facts += _card_facts(card)
    logged = _logged(folder)
    facts += [(f"last {name}", value) for name, (_, value) in logged.items()]
    facts += [("last step logged", max(step for step, _ in logged.values()))] if logged else []
    facts.append(("bytes", size(folder)))
    tables = tuple(settings(title, card[title]) for title in ("training", "versions") if _is_filled(card.get(title)))
    return Description("checkpoint", str(card.get("name") or folder.resolve().name), whole, tuple(facts), tables)


def detector(folder: Path) -> Description:
    """A taught detector."""
    manifest = read_json(folder / MANIFEST)
    facts: list[tuple[str, Value]] = [("camera", manifest["camera"]), ("demos", in_words(manifest["run"]["demos"]))]
    facts += [(name.replace("_", " "), value) for name, value in manifest["facts"].items()]
    facts.append(("bytes", size(folder)))
    tables = (settings("training", manifest["run"]["config"]), settings("versions", manifest["versions"]))
    return Description("detector", folder.resolve().name, whole=True, facts=tuple(facts), tables=tables)


def _card_facts(card: Mapping[str, Any]) -> Iterator[tuple[str, Value]]:
    """The lines of a card that people ask for; read without torch, and without a card's later additions."""
    for name in ("recipe", "backbone", "base", "robot", "steps", "adapter", "samples", "format"):
        if name in card:
            yield name, in_words(card[name])


def _is_filled(value: Any) -> bool:
    return isinstance(value, Mapping) and bool(value)


def _logged(folder: Path) -> dict[str, tuple[int, float]]:
    """The last step and value of every metric that training logged."""
    last: dict[str, tuple[int, float]] = {}
    for row in read_jsonl(folder / METRICS):
        try:
            last[str(row["name"])] = (int(row["step"]), float(row["value"]))
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"{folder / METRICS}: a row without step, name and value: {str(row)[:100]}") from error
    return last
