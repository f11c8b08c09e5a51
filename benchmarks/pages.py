"""Results as text: tables for the terminal and for docs/performance.md."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from benchmarks.harness import Comparison, Fact, Result
from instar.files import JSON
from studies.pages import table

PAGE: Final = Path(__file__).parents[1] / "docs" / "performance.md"


def text(part: str, result: Result, machine: dict[str, JSON]) -> str:
    """A section of the page: heading, tables, notes, and how to make it again."""
    parts = [f"## {result.title}"]
    parts += [_comparison(comparison) for comparison in result.comparisons]
    parts += [_facts(result.facts)] if result.facts else []
    parts += [f"* {note}" for note in result.notes]
    parts.append(f"Made by `python -m benchmarks {part}` on {_machine(machine)}.")
    return "\n\n".join(parts).replace("\n\n* ", "\n* ")


def summary(kept: Mapping[str, JSON]) -> str:
    """A line for every figure with an aim, of the results kept by part."""
    rows = [row for part, told in kept.items() for row in _aims(part, told)]
    return table(("figure", "measured", "aim", "part"), rows)


def _aims(part: str, told: Any) -> Iterator[tuple[str, str, str, str]]:
    result = told["result"]
    for found in result["comparisons"]:
        if found["aim"] is not None:
            ratio = found["ratios"][-1]
            measured = f"{ratio['median']:.3g} times [{ratio['low']:.3g}, {ratio['high']:.3g}]"
            met = _verdict(met=ratio["median"] >= found["aim"])
            yield f"{found['what']}: {ratio['name']}", measured, f"{found['aim']:g} times: {met}", part
    for fact in result["facts"]:
        if fact["met"] is not None:
            measured = f"{fact['value']:,.4g} {fact['unit']}".strip()
            yield fact["what"], measured, f"{fact['aim']}: {_verdict(met=fact['met'])}", part


def _verdict(*, met: bool) -> str:
    return "met" if met else "missed"


def _comparison(comparison: Comparison) -> str:
    ratios = {ratio.name: ratio for ratio in comparison.ratios}
    header = (comparison.what, f"{comparison.unit}/s", "slowest and quickest round", "times the reference", "aim")
    rows = []
    for rate in comparison.rates:
        ratio = ratios.get(rate.name)
        times = "reference" if ratio is None else f"{ratio.median:.3g} [{ratio.low:.3g}, {ratio.high:.3g}]"
        aim = _aim(comparison) if rate is comparison.rates[-1] else ""
        rows.append((rate.name, f"{rate.median:,.4g}", f"{rate.low:,.4g} to {rate.high:,.4g}", times, aim))
    return f"{table(header, rows)}\n\nMedian of {comparison.rounds} rounds in turns."


def _aim(comparison: Comparison) -> str:
    if comparison.aim is None:
        return ""
    return f"{comparison.aim:g}: {_verdict(met=bool(comparison.met))}"


def _facts(facts: tuple[Fact, ...]) -> str:
    return table(("figure", "value", "aim"), list(_rows(facts)))


def _rows(facts: tuple[Fact, ...]) -> Iterator[tuple[str, str, str]]:
    for fact in facts:
        verdict = "" if fact.met is None else f": {_verdict(met=fact.met)}"
        yield fact.what, f"{fact.value:,.4g} {fact.unit}".strip(), f"{fact.aim}{verdict}"


def _machine(machine: dict[str, JSON]) -> str:
    packages = machine["packages"]
    assert isinstance(packages, dict)
    versions = ", ".join(f"{name} {version}" for name, version in packages.items())
    cores = f"{machine['cores']} cores of {machine['processor']}, {machine['memory']}"
    return f"{cores}, Python {machine['python']} ({versions})"
