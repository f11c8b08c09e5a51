"""What a detector is taught or measured on: episodes of demonstrations, pictures labelled by hand, or both."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from instar import plugins
from instar.demo import DemoSource
from instar.errors import ConfigError
from instar.files import JSON, digest_file
from instar.plugins import Choice
from instar.seeing.album import Wanted
from instar.seeing.detect import Kind, Labelled
from instar.seeing.effector import Effector, sought, told


class Sources(Protocol):
    """The options that say what pictures there are."""

    @property
    def demos(self) -> str:
        """Demonstrations; empty for none."""
        ...

    @property
    def labels(self) -> Sequence[Path]:
        """Files of labels."""
        ...

    @property
    def finds(self) -> str:
        """What is to be found in them."""
        ...

    @property
    def camera(self) -> str:
        """The camera of the demonstrations."""
        ...

    @property
    def pictures(self) -> tuple[Kind, ...]:
        """The kinds of pictures that show objects."""
        ...

    @property
    def episodes(self) -> int | None:
        """Only the first so many."""
        ...


@dataclass(frozen=True, eq=False)
class Material:
    """Pictures that are known to be there, most of them not read yet."""

    wanted: Wanted
    by_hand: tuple[Labelled, ...]
    identity: Mapping[str, JSON]  # of all that it is from: demos, fingerprint, labels

    @classmethod
    def of(cls, config: Sources) -> "Material":
        """What the options name. Raises DataError for labels that will not do."""
        effector = sought(config.finds)
        by_hand = [look for path in config.labels for look in told(path, effector or Effector())]
        demos, fingerprint = Choice(""), ""
        ids: tuple[str, ...] = ()
        if config.demos:
            source: DemoSource = plugins.make("demos", config.demos)
            demos, fingerprint = plugins.choice_of("demos", source), source.fingerprint()
            ids = tuple(source.ids()[: config.episodes])
        identity = {
            "demos": demos.to_json() if config.demos else None,
            "fingerprint": fingerprint,
            "labels": [digest_file(path) for path in config.labels],
        }
        return cls(Wanted(demos, ids, config.camera, config.pictures, effector), tuple(by_hand), identity)

    def only(self, fits: Callable[[str], bool]) -> "Material":
        """That of the episodes whose id `fits`."""
        ids = tuple(filter(fits, self.wanted.ids))
        by_hand = tuple(look for look in self.by_hand if fits(look.episode))
        return replace(self, wanted=replace(self.wanted, ids=ids), by_hand=by_hand)

    @property
    def episodes(self) -> int:
        """How many there are; what was labelled by hand is grouped into some, too."""
        return len({*self.wanted.ids, *(look.episode for look in self.by_hand)})


def require_sources(config: Sources) -> None:
    """Raises ConfigError where there are no pictures, or labels of what is not sought."""
    if config.labels and sought(config.finds) is None:
        raise ConfigError("labels say where an end effector is; add --finds effector, or leave them out")
    if not config.demos and not config.labels:
        raise ConfigError("there is nothing to look at; name demos, or labels of an end effector")
