"""What was played: a run of ours, or a result file in LLaRA's layout."""

from collections.abc import Mapping

from instar.inspecting.description import Description, Table, Value, in_words, rates, size
from instar.reporting.entries import told
from instar.results import Results
from instar.run import Run


def played(run: Run) -> Description:
    """A run, whole or not."""
    overall = run.summary.overall
    settings = run.settings
    planned = settings.get("episodes")
    count = planned.get("count") if isinstance(planned, Mapping) else None
    facts: list[tuple[str, Value]] = [
        ("policy", in_words(settings.get("policy"))),
        ("recipe", run.recipe or None),
        ("benchmark", in_words(settings.get("benchmark"))),
        ("simulator", in_words(settings.get("simulator"))),
        *((name, told(settings[name])) for name in ("references", "naming", "prompt", "disturb") if name in settings),
        ("episodes played", len(run.records)),
        ("episodes planned", count if isinstance(count, int) else None),
        ("successes", overall.successes),
        ("success", overall.rate),
        ("success low", overall.interval.low),
        ("success high", overall.interval.high),
        ("crashed", overall.crashed),
        ("bytes", size(run.folder)),
    ]
    tables = (rates("success by task", run.summary.tasks), _counted_outcomes(run))
    return Description("run", run.name, run.whole, tuple(facts), tables)


def results_file(results: Results) -> Description:
    """A result file in LLaRA's layout; its levels are VIMA-Bench's partitions."""
    summary, settings = results.summary, results.settings
    facts: list[tuple[str, Value]] = [
        ("method", settings.filename or None),
        ("recipe", results.recipe),
        ("prompt mode", settings.prompt_mode),
        ("sentence", settings.sentence),
        ("episodes", summary.overall.n),
        ("most steps", settings.max_length),
        ("answers", sum(len(episode.answers) for episode in results.episodes)),
        ("successes", summary.overall.successes),
        ("failures", summary.outcomes["failure"]),
        ("out of steps", summary.outcomes["timeout"]),
        ("success", summary.overall.rate),
    ]
    tables = (rates("success by level", summary.suites), rates("success by task", summary.tasks))
    return Description("results", results.path.name, whole=True, facts=tuple(facts), tables=tables)


def _counted_outcomes(run: Run) -> Table:
    return Table("outcomes", ("outcome", "episodes"), tuple(run.summary.outcomes.items()))
