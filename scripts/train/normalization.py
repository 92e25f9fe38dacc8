"""ALBERT's text normalisation and splitting into SentencePiece ids."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sentencepiece import SentencePieceProcessor


def normalize(text: str) -> str:
    """As AlbertTokenizer of an uncased model does: quotes, no accents, lower case, one space."""
    text = text.replace("``", '"').replace("''", '"')
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text)
        text = "".join(character for character in text if not unicodedata.combining(character))
    return " ".join(text.lower().split())


@dataclass(frozen=True)
class SpecialTokens:
    """Ids that the batches need; `period` marks the ends of sentences."""

    cls: int
    sep: int
    mask: int
    period: int

    @classmethod
    def of(cls, processor: SentencePieceProcessor) -> "SpecialTokens":
        pieces = ("[CLS]", "[SEP]", "[MASK]", ".")
        return cls(*(processor.piece_to_id(piece) for piece in pieces))


class Tokenizer:
    """Text to ids. `[MASK]` in the text becomes the mask token."""

    def __init__(self, model: Path) -> None:
        self.processor = SentencePieceProcessor(model_file=str(model))
        self.special = SpecialTokens.of(self.processor)

    def encode(self, text: str) -> list[int]:
        """Ids without [CLS] and [SEP]."""
        parts = [self.processor.encode(normalize(part)) for part in text.split("[MASK]")]
        ids = parts[0]
        for part in parts[1:]:
            ids = ids + [self.special.mask] + part
        return ids

    def encode_all(self, texts: Iterable[str], max_length: int) -> list[list[int]]:
        """`[CLS] text [SEP]` of each text, truncated to max_length ids."""
        special = self.special
        return [[special.cls, *self.encode(x)[: max_length - 2], special.sep] for x in texts]

    def encode_pair(self, a: str, b: str) -> tuple[list[int], list[int]]:
        """Ids and token types of `[CLS] a [SEP] b [SEP]`."""
        first = [self.special.cls, *self.encode(a), self.special.sep]
        second = [*self.encode(b), self.special.sep]
        return first + second, [0] * len(first) + [1] * len(second)

    def piece(self, index: int) -> str:
        return self.processor.id_to_piece(index)
