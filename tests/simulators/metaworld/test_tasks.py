"""Meta-World's tasks and what they are called."""

from instar.files import read_yaml
from instar.simulators.metaworld.tasks import SUITES, TASKS, WORDS, instruction, suite_of


def test_there_are_fifty_tasks_in_four_groups() -> None:
    assert [len(tasks) for tasks in SUITES.values()] == [28, 11, 6, 5]
    assert len(set(TASKS)) == 50
    assert suite_of("push-v3") == "hard"


def test_every_task_is_told_in_several_sentences_that_no_other_has() -> None:
    words = read_yaml(WORDS)
    assert set(words) == set(TASKS)
    sentences = [sentence for told in words.values() for sentence in told]
    assert len(set(sentences)) == len(sentences)
    for told in words.values():
        assert len(told) >= 2
        assert all(sentence.endswith(".") and "{" not in sentence for sentence in told)


def test_the_first_wording_is_told_unless_the_seed_is_to_draw() -> None:
    assert {instruction("reach-v3", seed, "first") for seed in range(20)} == {"Reach the goal."}
    assert {instruction("reach-v3", seed, "all") for seed in range(20)} == set(read_yaml(WORDS)["reach-v3"])
    assert instruction("push-v3", 7, "all") == instruction("push-v3", 7, "all")
