"""Plugins are found by name, made from text, and stored as the choice that makes them again."""

import pytest

from instar import plugins
from instar.errors import PluginError
from instar.plugins import Choice


@pytest.mark.parametrize(
    ("text", "name", "options"),
    [
        ("llara", "llara", {}),
        ("llara:past=3,camera=front", "llara", {"past": 3, "camera": "front"}),
        ("vima:some/data.zip", "vima", {"": "some/data.zip"}),
        ("vima:data.zip,tasks=[rotate,twist]", "vima", {"": "data.zip", "tasks": ["rotate", "twist"]}),
        ("llara:describe=false", "llara", {"describe": False}),
    ],
)
def test_reads_a_choice(text: str, name: str, options: dict[str, object]) -> None:
    assert Choice.parse(text) == Choice(name, options)


@pytest.mark.parametrize(
    "value", [None, True, 3, 0.5, "", "x", "3", "true", "null", "a,b", "a: b", [1, "x", None], ["a,b"]]
)
def test_options_read_back_as_they_were_written(value: object) -> None:
    choice = Choice("any", {"option": value, "other": 1})
    assert Choice.parse(str(choice)) == choice


def test_a_choice_makes_the_same_plugin_again() -> None:
    recipe = plugins.make("recipes", "llara:describe=false,past=3")
    choice = plugins.choice_of("recipes", recipe)
    assert plugins.make("recipes", Choice.from_json(choice.to_json())) == recipe
    assert plugins.make("recipes", str(choice)) == recipe


@pytest.mark.parametrize(
    ("kind", "choice", "says"),
    [
        ("recipes", "lara", "did you mean 'llara'"),
        ("recipes", "nothing-like-it", "there are: "),
        ("recipes", "llara:pasts=3", "no option 'pasts'; did you mean 'past'"),
        ("recipes", "llara:past=many", "option llara:past"),
        ("demos", "vima", "needs the option path"),
        ("recipes", "llara:past=3,oops", "option=value"),
        ("robots", "x", "no kind of plugin"),
    ],
)
def test_a_wrong_choice_says_what_to_do(kind: str, choice: str, says: str) -> None:
    with pytest.raises(PluginError, match=says):
        plugins.make(kind, choice)


def test_every_installed_plugin_loads() -> None:
    for kind in plugins.KINDS:
        for name in plugins.names(kind):
            assert plugins.load(kind, name) is not None
