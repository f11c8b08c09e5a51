"""What LLaRA calls its files: `D-inBC-text-multi-train-8k-front.json`, `aux-limited_obj_det-train-8k-front.json` ..."""

from collections.abc import Sequence
from dataclasses import dataclass

from instar import plugins
from instar.mixture import LIMITED, Share
from instar.plugins import Choice
from instar.samples import Manifest


@dataclass(frozen=True)
class Names:
    """The file names of what is exported from one samples folder."""

    manifest: Manifest
    split: str  # "train-8k": a part of every name

    def file(self, kind: str, *, references: bool = True) -> str:
        """The file of one kind; with `references` false the one without reference pictures."""
        return f"{self._stem(kind, references=references)}{self._ending(kind)}"

    def merged(self, main: Sequence[str], shares: Sequence[Share]) -> str:
        """The file of a mixture: all its kinds, then their ratios with nothing before the first, as in LLaRA."""
        stems = [self._stem(kind) for kind in main]
        stems += [self._stem(share.kind, references=share.references) for share in shares]
        ratios = "_".join(share.amount for share in shares)
        return f"{'_'.join(stems)}{ratios}{self._ending(main[0] if main else '')}"

    def _stem(self, kind: str, *, references: bool = True) -> str:
        if self.manifest.recipe is not None and kind == self.manifest.recipe.name:
            # A recipe of several data sets has a name for each; one that has none is called by its own.
            return str(getattr(plugins.make("recipes", self.manifest.recipe), "dataset", kind))
        if self.manifest.recipe is None or kind not in seeing(self.manifest):
            return kind
        return f"aux-{kind if references else LIMITED + kind}"

    def _ending(self, kind: str) -> str:
        choices = [self.manifest.recipe, *self.manifest.auxiliary]
        known = [choice for choice in choices if choice is not None and choice.name == kind]
        camera = _camera(known[0]) if known else _camera(self.manifest.recipe)
        return "".join(f"-{part}" for part in (self.split, camera) if part) + ".json"


def _camera(choice: Choice | None) -> str:
    return "" if choice is None else str(choice.options.get("camera", ""))


def seeing(manifest: Manifest) -> frozenset[str]:
    """The kinds that auxiliary tasks make, those of this folder and those that are installed."""
    return frozenset(plugins.names("auxiliary")) | {choice.name for choice in manifest.auxiliary}
