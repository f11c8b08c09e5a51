"""The verbs: one command line over the road, and the only module that prints or exits.

Data goes to stdout, progress to stderr. Exit codes: 0 done, 1 a bug (with its traceback), 2 something the message names
(an InstarError, one line), 130 interrupted.
"""

import importlib
import json
import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from instar.errors import ConfigError, InstarError


@dataclass(frozen=True)
class Verb:
    """One verb: where its config and its deed live, found only when it is used, so that `--help` answers at once."""

    summary: str
    example: str
    config: str  # "module:Dataclass"
    deed: str  # "module:function", called with the config and `progress`
    shows: str  # "function of instar.console" that draws the result


VERBS: Final[Mapping[str, Verb]] = {
    "list": Verb(
        "what is installed: formats, recipes, auxiliary tasks, simulators, benchmarks, models ...",
        "instar list recipes",
        "instar.catalogue:ListConfig",
        "instar.catalogue:catalogue",
        "show_catalogue",
    ),
    "check": Verb(
        "run the conformance suite of a plugin, yours or ours",
        "instar check recipes llara",
        "instar.testing:CheckConfig",
        "instar.testing:check",
        "show_findings",
    ),
    "doctor": Verb(
        "what this machine can do, and the exact command for what it lacks",
        "instar doctor",
        "instar.doctor:DoctorConfig",
        "instar.doctor:examine",
        "show_findings",
    ),
    "inspect": Verb(
        "show any artefact: demonstrations, samples, a checkpoint, a model, a run",
        "instar inspect samples/",
        "instar.inspection:InspectConfig",
        "instar.inspection:inspect",
        "show_description",
    ),
    "collect": Verb(
        "write demonstrations in the raw VIMA layout, for example those of the scripted expert",
        "instar collect --demos tabletop:episodes=100 --out demos/",
        "instar.collect:CollectConfig",
        "instar.collect:collect_demos",
        "show_summary",
    ),
    "build": Verb(
        "demonstrations to conversations: a folder of samples",
        "instar build --demos vima:data.zip --recipe llara --auxiliary all --out samples/",
        "instar.build:BuildConfig",
        "instar.build:build",
        "show_summary",
    ),
    "train": Verb(
        "samples to a checkpoint: finetune a vision-language model, whole or by LoRA",
        "instar train --samples samples/ --model path/to/llava --out checkpoint/",
        "instar.train:TrainConfig",
        "instar.train:train",
        "show_summary",
    ),
    "ask": Verb(
        "ask a model something about a picture: the one that comes with instar, or yours",
        'instar ask --image scene.png "where is the red block?"',
        "instar.ask:AskConfig",
        "instar.ask:ask",
        "show_answer",
    ),
    "eval": Verb(
        "let a policy act in a benchmark and record every episode",
        "instar eval --policy checkpoint/ --benchmark tabletop:per_task=50 --out runs/mine",
        "instar.evaluate:EvaluateConfig",
        "instar.evaluate:evaluate",
        "show_run",
    ),
    "compare": Verb(
        "two runs on the same episodes: exact McNemar test and interval of the difference",
        "instar compare runs/mine runs/yours",
        "instar.compare:CompareConfig",
        "instar.compare:compare",
        "show_comparison",
    ),
    "report": Verb(
        "runs to one self-contained HTML page, and Markdown",
        "instar report --runs runs/* --out report.html",
        "instar.report:ReportConfig",
        "instar.report:write_report",
        "show_summary",
    ),
    "replay": Verb(
        "play the recorded answers of a LLaRA result file again and see whether its episodes end as recorded",
        "instar replay results.json --benchmark vima:python=path/to/python",
        "instar.replay:ReplayConfig",
        "instar.replay:replay",
        "show_replay",
    ),
    "export llava": Verb(
        "samples, or a mixture of them, as LLaVA-style JSON and an image folder for other trainers",
        "instar export llava --samples samples/ --mixture D --out llava/",
        "instar.llava:ExportConfig",
        "instar.llava:export",
        "show_summary",
    ),
    "import llava": Verb(
        "LLaVA-style JSON and its images as a samples folder",
        "instar import llava data.json --images images/ --out samples/",
        "instar.llava:ImportConfig",
        "instar.llava:import_json",
        "show_summary",
    ),
    "export lerobot": Verb(
        "demonstrations of any format as a LeRobotDataset v3.0, pictures in its rows or in videos",
        "instar export lerobot --demos hdf5:lift.hdf5 --fps 20 --out lift/",
        "instar.storing.lerobot:LeRobotConfig",
        "instar.storing.lerobot:export",
        "show_summary",
    ),
    "export rlds": Verb(
        "demonstrations of any format as RLDS, in a folder that TensorFlow Datasets builds from",
        "instar export rlds --demos lerobot:pusht --out pusht_rlds/",
        "instar.storing.rlds:RldsConfig",
        "instar.storing.rlds:export",
        "show_summary",
    ),
    "export results": Verb(
        "a run as a result file in LLaRA's layout",
        "instar export results --run runs/mine --out results/",
        "instar.results:ExportConfig",
        "instar.results:export",
        "show_summary",
    ),
    "detector train": Verb(
        "teach an object detector to find and name what reference pictures show, or to find the robot's hand",
        "instar detector train --demos vima:data.zip --model path/to/rt-detr --out detector/",
        "instar.seeing.teach_detector:DetectorTrainConfig",
        "instar.seeing.teach_detector:train_detector",
        "show_summary",
    ),
    "detector measure": Verb(
        "precision and recall of a detector, or of a policy's own model, on pictures whose objects are known",
        "instar detector measure --detector detr:detector/ --demos tabletop:episodes=50",
        "instar.seeing.teach_detector:DetectorMeasureConfig",
        "instar.seeing.teach_detector:measure_detector",
        "show_detection",
    ),
    "trace": Verb(
        "let a detector find the robot's hand in every frame: visual traces without a calibrated camera",
        "instar trace --demos rlds:bridge_dataset --camera primary --detector detr:eye/ --out traces.parquet",
        "instar.seeing.trace:TraceConfig",
        "instar.seeing.trace:trace_demos",
        "show_summary",
    ),
    "transfer": Verb(
        "LLaRA's three ways to a new domain: zero-shot, finetuning, joint training, on the table's second look",
        "instar transfer --protocol joint --out transfer/",
        "instar.transfer:TransferConfig",
        "instar.transfer:transfer",
        "show_transfer",
    ),
    "demo": Verb(
        "the whole road in minutes on a laptop: demonstrations, training, four policies, a report",
        "instar demo --out demo/",
        "instar.walkthrough:DemoConfig",
        "instar.walkthrough:walk",
        "show_demo",
    ),
}


@dataclass(frozen=True)
class Flags:
    """What every verb understands."""

    as_json: bool
    quiet: bool
    verbose: bool
    config: Path | None


def main() -> None:
    """Run one verb and exit."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run the verb that `arguments` begin with; the exit code."""
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(overview())
        return 0
    if arguments[0] in ("-V", "--version"):
        print(importlib.import_module("instar").__version__)
        return 0
    try:
        name, rest = _split(arguments)
        return _verb(name, rest)
    except InstarError as error:
        print(f"instar: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("instar: interrupted; the same command again goes on from here", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of our output has seen enough
        sys.stderr.close()
        return 0


def overview() -> str:
    """The first page of help: the road in verbs."""
    width = max(map(len, VERBS))
    verbs = "\n".join(f"  {name:<{width}}  {verb.summary}" for name, verb in VERBS.items())
    return f"""usage: instar VERB [OPTIONS]

Robot demonstrations in, a vision-language policy you can trust out.

  demonstrations --build--> samples/ --train--> checkpoint/ --eval--> run/ --report--> report.html

{verbs}

Every verb: --help explains its options, --json prints the result as JSON, --config FILE.yaml sets options,
            --quiet hides progress, --verbose logs more.
Begin with: instar demo"""


def _split(arguments: Sequence[str]) -> tuple[str, Sequence[str]]:
    """The verb, of one word or of two, and what follows it."""
    kinds = [name.partition(" ")[2] for name in VERBS if name.startswith(f"{arguments[0]} ")]
    if not kinds:
        return arguments[0], arguments[1:]
    if len(arguments) < 2 or arguments[1].startswith("-"):
        raise ConfigError(f"say what to {arguments[0]}: " + " or ".join(f"`instar {arguments[0]} {k}`" for k in kinds))
    return " ".join(arguments[:2]), arguments[2:]


def _verb(name: str, arguments: Sequence[str]) -> int:
    if name not in VERBS:
        import difflib

        close = difflib.get_close_matches(name, VERBS, n=1)
        meant = f"; did you mean {close[0]!r}?" if close else f"; verbs: {', '.join(VERBS)}"
        raise ConfigError(f"no verb is called {name!r}{meant}")
    verb = VERBS[name]
    flags, rest = _flags(arguments)
    _log(flags)
    config = _config(name, verb, flags, rest)
    console = importlib.import_module("instar.console")
    with console.progress(quiet=flags.quiet) as progress:
        result = _load(verb.deed)(config, progress)
    if flags.as_json:
        print(json.dumps(console.plain(result), indent=2, sort_keys=True, ensure_ascii=False))
    else:
        getattr(console, verb.shows)(result)
    return int(console.exit_code(result))


def _flags(arguments: Sequence[str]) -> tuple[Flags, list[str]]:
    """Take the options that every verb understands out of `arguments`."""
    rest: list[str] = []
    taken: dict[str, Any] = {"as_json": False, "quiet": False, "verbose": False, "config": None}
    names = {"--json": "as_json", "--quiet": "quiet", "-q": "quiet", "--verbose": "verbose", "-v": "verbose"}
    waiting = iter(arguments)
    for argument in waiting:
        if argument in names:
            taken[names[argument]] = True
        elif argument == "--config":
            path = next(waiting, None)
            if path is None:
                raise ConfigError("--config needs a YAML file")
            taken["config"] = Path(path)
        else:
            rest.append(argument)
    return Flags(**taken), rest


def _log(flags: Flags) -> None:
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(levelname).1s %(message)s", force=True)
    ours = logging.DEBUG if flags.verbose else logging.WARNING if flags.quiet else logging.INFO
    logging.getLogger("instar").setLevel(ours)
    logging.captureWarnings(capture=True)


def _config(name: str, verb: Verb, flags: Flags, arguments: Sequence[str]) -> Any:
    import tyro

    config = _load(verb.config)
    about = f"{verb.summary[0].upper()}{verb.summary[1:]}.\n\nExample: {verb.example}"
    options: dict[str, Any] = {"prog": f"instar {name}", "description": about, "args": list(arguments)}
    if flags.config is not None:
        options["default"] = _from_yaml(config, flags.config)
    return tyro.cli(config, **options)


def _from_yaml(config: Any, path: Path) -> Any:
    """The options in a YAML file as a config; options on the command line win over it."""
    from instar.edges import checked
    from instar.files import read_yaml

    value = read_yaml(path)
    if not isinstance(value, dict):
        raise ConfigError(f"{path}: expected options as a mapping, `option: value`")
    unknown = set(value) - set(config.__dataclass_fields__)
    if unknown:
        raise ConfigError(f"{path}: unknown option {', '.join(sorted(map(str, unknown)))}")
    return checked(config, value, str(path), ConfigError)


def _load(place: str) -> Callable[..., Any]:
    module, _, name = place.partition(":")
    loaded: Callable[..., Any] = getattr(importlib.import_module(module), name)
    return loaded


if __name__ == "__main__":
    main()
