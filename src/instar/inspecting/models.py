"""What was taught or is to be: a checkpoint by its card, a detector by its manifest, a model; read without torch."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from safetensors import SafetensorError, safe_open

from instar.checkpoint import CARD
from instar.errors import DataError
from instar.files import MANIFEST, read_json, read_jsonl
from instar.inspecting.description import Description, Value, counted, in_words, settings, size

METRICS: Final = "metrics.jsonl"
CONFIG: Final = "config.json"  # of a model of transformers
_INDEX: Final = "model.safetensors.index.json"  # which weights lie in which shard


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


def model(folder: Path) -> Description:
    """A model of transformers that nothing of ours was taught."""
    config = read_json(folder / CONFIG)
    parts: Counter[str] = Counter()
    kinds = set()
    for name, shape, kind in _weights(folder):
        if shape:  # the others count batches
            parts[next((part for part in name.split(".") if part != "model"), name)] += math.prod(shape)
            kinds.add(kind)
    lack = _lack(folder)
    facts: list[tuple[str, Value]] = [("state", lack)] if lack else []
    facts += [("class", in_words(config.get("architectures"))), ("type", in_words(config["model_type"]))]
    facts += [("parameters", parts.total()), ("dtype", ", ".join(sorted(kinds)))] if parts else []
    facts.append(("bytes", size(folder)))
    tables = (counted("parameters", "part", parts),) if parts else ()
    return Description("model", folder.resolve().name, not lack, tuple(facts), tables)


def _weights(folder: Path) -> Iterator[tuple[str, list[int], str]]:
    """Name, shape and type of every weight. Files of pickles are passed over: to read them is to run them."""
    for path in sorted(folder.glob("*.safetensors")):
        try:
            with safe_open(path, "np") as file:
                names = file.keys()
                for name in names:
                    weight = file.get_slice(name)
                    yield name, weight.get_shape(), weight.get_dtype()
        except SafetensorError as error:
            raise DataError(f"{path}: not a file of weights ({error}); was it downloaded whole?") from error


def _lack(folder: Path) -> str:
    """What a model lacks; empty where it is whole."""
    there = {path.name for path in folder.glob("*.safetensors")}
    index = read_json(folder / _INDEX) if (folder / _INDEX).is_file() else {}
    missing = sorted(set(index.get("weight_map", {}).values()) - there)
    if missing:
        return f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing"
    return "" if there else "no weights in safetensors"


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
