"""A small tokenizer for any text: words of the table and tags are one token each, digits stand alone."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import transformers
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

PAD: Final = "<pad>"

# The tags of the action language (LLaRA, Li et al., ICLR 2025): frequent, and better read as one token each.
TAGS: Final = tuple(f"<{slash}{name}>" for name in ("task", "scene", "p", "b", "r", "d", "e") for slash in ("", "/"))

SHAPES: Final = """L-shaped block pentagon bowl line three-sided rectangle shorter block small letter heart cross
container flower frame ring square triangle hexagon star diamond round pallet pan object"""

TEXTURES: Final = """red blue green yellow purple orange pink cyan olive gray black white dark light brick tiger paisley
rainbow plastic wooden granite magma sky glass stripe swirl polka dot checkerboard plaid"""

SPEECH: Final = """Pick up the at, rotate degrees, and drop it at. Sweep stop Step. Put into onto next to Stack in this
order Rearrange Move Place Turn robot arm table image picture location angle clockwise range from coordinates where
is are what which should do actions list every that you see in a of an on with by for one two first second then before
after done so far have been its center width height origin top left right bottom above below closer further distance
between them relative does not change changes far away moves answer task scene written as each action objects describe
find give name same exactly format normalized suction cup spatula picks released user assistant USER ASSISTANT"""

LETTERS: Final = (
    "A B C D E F G H I J K L M N O P Q R S T U V W X Y Z a b c d e f g h i j k l m n o p q r s t u v w x y z"
)

# A word takes the space before it along; digits stand alone; marks run together up to the space before a number.
_PIECES: Final = r" ?\p{L}+|\p{N}|[^\p{L}\p{N}\s]+(?: (?!\p{L}))?|\s+(?!\p{L})|\s"


def words_tokenizer(
    special: Sequence[str],
    texts: Iterable[str] = (),
    phrases: Iterable[str] = (),
    bos: str | None = "<s>",
    eos: str = "</s>",
) -> PreTrainedTokenizerFast:
    """A byte-level tokenizer with about 1,000 tokens; `texts` are learned from besides the words it knows.

    `special` are further special tokens of a model family; the padding token is "<pad>". Each of `phrases` becomes one
    token: for sentences that are always the same, which a small model need not read word by word.
    """
    specials = [token for token in (PAD, bos, eos, *special) if token]
    specials = list(dict.fromkeys(specials))
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_PIECES), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=1500,
        min_frequency=2,
        special_tokens=specials,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_corpus(texts), trainer)
    # An opening tag takes the space before it along, like a word.
    spaced = [f" {tag}" for tag in TAGS if "/" not in tag]
    tokenizer.add_tokens([AddedToken(token, normalized=False) for token in (*TAGS, *spaced, *phrases)])
    if bos:
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{bos} $A", special_tokens=[(bos, tokenizer.token_to_id(bos))]
        )
    marks: dict[str, Any] = {"bos_token": bos, "eos_token": eos, "pad_token": PAD}
    untyped: Any = transformers
    made: PreTrainedTokenizerFast = untyped.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        **marks,
        clean_up_tokenization_spaces=False,
        additional_special_tokens=list(special),
        model_max_length=4096,
    )
    return made


def _corpus(texts: Iterable[str]) -> Iterator[str]:
    """Every word often enough to become one token, with a space before it and at the beginning of a line."""
    words = f"{SHAPES} {TEXTURES} {SPEECH} {LETTERS}".split()
    for word in words:
        plain = word.strip(".,")
        yield from (f" {plain}", plain, f" {plain}", plain) * 10
    yield from ("(0.5, 0.5), {0.5, 0.5}", " at (0.5, 0.5).\n", "[-5]", "[5] ", ": ", "\n") * 10
    yield from texts
