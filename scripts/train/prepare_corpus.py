"""Turns the corpus into normalised text, a SentencePiece training sample and a token file.

`sample` reads DATA/corpus, keeps a share of each source, normalises and shuffles the documents and
writes DATA/normalized.txt and DATA/sentencepiece_sample.txt. `encode` needs the SentencePiece model
trained on that sample and writes DATA/tokens.uint16 (all documents, one after another) and
DATA/meta.json (the special tokens).
"""

import argparse
import gzip
import json
import random
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np

from normalization import Tokenizer, normalize

SHARES = {"wiki2015core": 1.0, "wiki2014": 0.35, "amlit_fiction": 0.33, "openstax": 1.0}
"""Source, which is also the prefix of its files, -> share of its documents that is kept."""

SENTENCEPIECE_LINE_SHARE = 0.28
MAX_SENTENCEPIECE_LINE = 2000
LINES_PER_ENCODING = 20_000


def read_documents(corpus: Path, source: str) -> Iterator[str]:
    """Documents are separated by an empty line; each of their lines is a paragraph."""
    for path in sorted(corpus.glob(f"{source}_*.txt.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as file:
            text = file.read()
        for document in text.split("\n\n"):
            if document := document.strip("\n"):
                yield document


def normalize_document(document: str) -> str:
    lines = (normalize(line) for line in document.split("\n"))
    return "\n".join(line for line in lines if line)


def sample(data: Path, seed: int) -> None:
    generator = random.Random(seed)
    documents: list[str] = []
    for source, share in SHARES.items():
        kept = [
            normalize_document(document)
            for document in read_documents(data / "corpus", source)
            if generator.random() < share
        ]
        documents += kept
        print(f"{source}: {len(kept)} documents, {sum(map(len, kept)) / 1e6:.1f} M characters")
    generator.shuffle(documents)

    with open(data / "normalized.txt", "w", encoding="utf-8") as file:
        file.writelines(f"{document}\n\n" for document in documents)
    count = 0
    with open(data / "sentencepiece_sample.txt", "w", encoding="utf-8") as file:
        for document in documents:
            for line in document.split("\n"):
                if generator.random() < SENTENCEPIECE_LINE_SHARE:
                    file.write(line[:MAX_SENTENCEPIECE_LINE] + "\n")
                    count += 1
    print(f"{count} lines for SentencePiece")


def encode(data: Path) -> None:
    tokenizer = Tokenizer(data / "spiece.model")
    if tokenizer.processor.get_piece_size() > np.iinfo(np.uint16).max + 1:
        raise ValueError("the vocabulary does not fit uint16")
    (data / "meta.json").write_text(json.dumps(asdict(tokenizer.special)))

    count = 0
    with (
        open(data / "normalized.txt", encoding="utf-8") as source,
        open(data / "tokens.uint16", "wb") as target,
    ):
        while lines := [line for _, line in zip(range(LINES_PER_ENCODING), source)]:
            # The lines are normalised already.
            encoded = tokenizer.processor.encode([line.strip() for line in lines], num_threads=-1)
            tokens = np.array([index for ids in encoded for index in ids], np.uint16)
            tokens.tofile(target)
            count += len(tokens)
    print(f"{count / 1e6:.1f} M tokens")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("step", choices=("sample", "encode"))
    parser.add_argument("--data", type=Path, required=True, help="the data folder")
    parser.add_argument("--seed", type=int, default=7)
    arguments = parser.parse_args()
    if arguments.step == "sample":
        sample(arguments.data, arguments.seed)
    else:
        encode(arguments.data)


if __name__ == "__main__":
    main()
