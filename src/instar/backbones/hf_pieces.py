"""Conversations to pieces of text, pictures and answers, by any chat template, without ever looking for an answer.

Each turn's text is replaced by a mark before the template is rendered, so where it ends up is known by construction.
The template's own words between the marks tell what comes before an answer and which token ends it.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from transformers import PreTrainedTokenizerBase, ProcessorMixin

from instar.chat import IMAGE, Conversation, Turn
from instar.errors import DataError

# Private-use characters: no template, no tokenizer and no instruction has a meaning for them.
_MARK: Final = "\ue000{turn}.{part}\ue001"
_MARKS: Final = re.compile("\ue000(\\d+)\\.(\\d+)\ue001")


@dataclass(frozen=True)
class Piece:
    """A stretch of a prompt that is made into tokens on its own."""

    text: str = ""
    kind: Literal["words", "picture", "answer", "end"] = "words"
    learn: bool = False
    turn: int = -1  # the turn that an answer or its end belongs to

    def __len__(self) -> int:
        return len(self.text)


@dataclass(frozen=True)
class Template:
    """How one processor writes conversations."""

    processor: ProcessorMixin
    picture: str  # what stands for a picture before it becomes tokens
    end: str  # ends an answer where the template itself has nothing for that
    specials: tuple[str, ...]  # the tokenizer's special tokens
    inline: bool  # the template would gather the pictures of a turn at its beginning

    def pieces(self, conversation: Conversation) -> list[Piece]:
        """The conversation in order; every answer stands alone, followed by the piece that ends it."""
        messages = [self._message(k, turn) for k, turn in enumerate(conversation.turns)]
        rendered = render(self.processor, messages)
        return list(_joined(self._assembled(rendered, conversation.turns)))

    def _message(self, k: int, turn: Turn) -> dict[str, Any]:
        texts = [turn.text] if self.inline else turn.text.split(IMAGE)
        content: list[dict[str, str]] = []
        for part, text in enumerate(texts):
            content += [{"type": "image"}] if part else []
            if text or len(texts) == 1:
                content.append({"type": "text", "text": _MARK.format(turn=k, part=part)})
        return {"role": turn.role, "content": content}

    def _assembled(self, rendered: str, turns: Sequence[Turn]) -> Iterator[Piece]:
        _check_complete(rendered, turns)
        fields = _MARKS.split(rendered)
        own, marks = fields[::3], list(zip(fields[1::3], fields[2::3], strict=True))
        pending = own[0]
        for (k, part), following in zip(marks, own[1:], strict=True):
            turn = turns[int(k)]
            said = turn.text if self.inline else turn.text.split(IMAGE)[int(part)]
            if turn.role != "assistant":
                yield from self._words(pending)
                yield from self._said(said, int(k), turn)
                pending = following
                continue
            before = pending.rstrip(" ")
            yield from self._words(before)
            # A model writes the space before its answer itself: most tokenizers have it in the first word.
            yield Piece(pending[len(before) :] + said, "answer", turn.learn, int(k))
            end, pending = self._ended(following)
            yield Piece(end, "end", turn.learn, int(k))
        yield from self._words(pending)

    def _said(self, text: str, k: int, turn: Turn) -> Iterator[Piece]:
        if turn.learn:
            raise DataError(f"turn {k} is the {turn.role}'s; only answers of the assistant can be learned")
        for position, words in enumerate(text.split(IMAGE)):
            if position:
                yield Piece(self.picture, "picture")
            yield Piece(words)

    def _words(self, text: str) -> Iterator[Piece]:
        for position, words in enumerate(text.split(self.picture)):
            if position:
                yield Piece(self.picture, "picture")
            yield Piece(words)

    def _ended(self, following: str) -> tuple[str, str]:
        """What ends an answer, and the template's words after that."""
        bare = following.lstrip()
        for special in self.specials:
            if bare.startswith(special):
                length = len(following) - len(bare) + len(special)
                return following[:length], following[length:]
        return self.end, following.lstrip()


def template(processor: ProcessorMixin) -> Template:
    """How `processor` writes conversations. Raises DataError if it has no chat template."""
    picture = picture_token(processor)
    tokenizer: PreTrainedTokenizerBase = processor.tokenizer
    specials = sorted(special_tokens(tokenizer), key=len, reverse=True)
    end = tokenizer.eos_token
    if not isinstance(end, str):
        raise DataError("the tokenizer has no end token (eos_token); set one in tokenizer_config.json")
    probe = [
        {"type": "text", "text": _MARK.format(turn=0, part=0)},
        {"type": "image"},
        {"type": "text", "text": _MARK.format(turn=0, part=1)},
    ]
    rendered = render(processor, [{"role": "user", "content": probe}])
    between = _MARKS.split(rendered)[3::3]
    inline = len(between) != 2 or picture not in between[0]
    return Template(processor, picture, end, tuple(specials), inline)


def render(processor: ProcessorMixin, messages: list[dict[str, Any]]) -> str:
    """`messages` as the chat template writes them. Raises DataError where it cannot."""
    source = chat_template(processor)
    if not source:
        raise DataError(
            "the model has no chat template, so it is not known how it was talked to; "
            "use an instruction-tuned checkpoint or put its chat_template.jinja into the folder"
        )
    try:
        rendered = processor.apply_chat_template(messages, source, tokenize=False, add_generation_prompt=False)
    except Exception as error:  # jinja's own errors and whatever the template raises
        roles = ", ".join(message["role"] for message in messages)
        raise DataError(f"the chat template cannot write a conversation of {roles}: {error}") from error
    assert isinstance(rendered, str)
    return rendered


def chat_template(processor: ProcessorMixin) -> str:
    """The chat template of a processor or else of its tokenizer; empty if there is none."""
    source = processor.chat_template or processor.tokenizer.chat_template or ""
    return source if isinstance(source, str) else source.get("default", "")


def picture_token(processor: ProcessorMixin) -> str:
    """What stands for a picture in this processor's text. Raises DataError if it takes no pictures."""
    token = getattr(processor, "image_token", None)
    if not isinstance(token, str) or getattr(processor, "image_processor", None) is None:
        raise DataError(f"{type(processor).__name__} takes no pictures; choose a vision-language model")
    return token


def special_tokens(tokenizer: PreTrainedTokenizerBase) -> set[str]:
    """Tokens that mean something to a model besides their letters."""
    marked = {str(token) for token in tokenizer.added_tokens_decoder.values() if token.special}
    return marked | set(tokenizer.all_special_tokens)


def check_plain(conversation: Conversation, specials: Sequence[str]) -> None:
    """Refuse texts that would be read as a model's special tokens. Raises DataError."""
    for k, turn in enumerate(conversation.turns):
        said = turn.text.replace(IMAGE, "")
        found = [token for token in specials if token in said]
        if found:
            raise DataError(f"the text of turn {k} contains {found[0]!r}, a special token of this model; reword it")


def _check_complete(rendered: str, turns: Sequence[Turn]) -> None:
    seen = {int(k) for k, _ in _MARKS.findall(rendered)}
    lost = [k for k, turn in enumerate(turns) if k not in seen and turn.text.replace(IMAGE, "")]
    if lost:
        raise DataError(f"the chat template leaves out turn {lost[0]} ({turns[lost[0]].role}); put its text elsewhere")


def _joined(pieces: Iterator[Piece]) -> Iterator[Piece]:
    """Words that stand side by side as one piece, so that they become the tokens they are together."""
    waiting = Piece()
    for piece in pieces:
        if piece.kind == "words":
            waiting = replace(waiting, text=waiting.text + piece.text)
            continue
        if waiting.text:
            yield waiting
        waiting = Piece()
        yield piece
    if waiting.text:
        yield waiting
