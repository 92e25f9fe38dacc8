"""Evaluates the pre-trained model and writes reference outputs.

`pretraining`: accuracy and loss of MLM and SOP on the held-out tokens.
`expected`: expected.json, outputs in float64 from the float16 weights, for the library's tests.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

from albert import AlbertConfig, AlbertForPreTraining, AlbertForSequenceClassification
from batches import load_samplers
from normalization import Tokenizer

EVALUATION_SEED = 5
EVALUATION_BATCHES = 20
EVALUATION_BATCH_SIZE = 64
EVALUATION_LENGTH = 128
TOP = 5

FILL_MASK_TEXTS = (
    "Paris is the capital of [MASK].",
    "The cat sat on the [MASK].",
    "She opened the door and walked into the [MASK].",
    "He was born in [MASK] and moved to London as a child.",
    "Water freezes at zero [MASK].",
    "The president of the United [MASK] gave a speech.",
    "I would like a cup of [MASK], please.",
)
SENTIMENT_TEXTS = (
    "A wonderful, moving film with brilliant performances.",
    "The plot is a mess and the jokes fall flat.",
    "I can't recommend this enough!",
    "It was fine, I guess.",
    "What a waste of two hours.",
    "Not bad at all, in fact I rather enjoyed it.",
    "The acting is superb, but the story never comes together.",
    "An unforgettable masterpiece.",
    "Café crème was délicieux — the “best” I’ve had.",
    "bad",
)
SENTENCES = (
    "The storm knocked out power across the city.",
    "Crews worked through the night to restore it.",
)


def load_model(folder: Path, kind: type[nn.Module], dtype: torch.dtype) -> nn.Module:
    """An exported model, its float16 weights widened to dtype."""
    config = AlbertConfig.from_dict(json.loads((folder / "config.json").read_text()))
    model = kind(config)
    model.load_state_dict(load_file(folder / "model.safetensors"))
    return model.to(dtype).eval()


@torch.no_grad()
def evaluate_pretraining(model: nn.Module, data: Path) -> dict[str, float]:
    """Means over batches of the held-out tokens, which never depend on the training's seed."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model.to(device)
    _, sampler = load_samplers(data, model.config.vocab_size, device)
    torch.manual_seed(EVALUATION_SEED)
    sums = torch.zeros(4, dtype=torch.float64)
    for _ in range(EVALUATION_BATCHES):
        batch = sampler.draw(EVALUATION_BATCH_SIZE, EVALUATION_LENGTH)
        mlm_logits, sop_logits = model(
            batch.input_ids, batch.token_type_ids, batch.masked_positions, batch.lengths
        )
        labels = batch.labels.reshape(-1)
        correct = (mlm_logits.argmax(-1) == labels).sum() / (labels >= 0).sum()
        sums += torch.tensor(
            [
                F.cross_entropy(mlm_logits, labels).item(),
                correct.item(),
                F.cross_entropy(sop_logits, batch.swapped).item(),
                (sop_logits.argmax(-1) == batch.swapped).double().mean().item(),
            ]
        )
    names = ("mlm_loss", "mlm_accuracy", "sop_loss", "sop_accuracy")
    return dict(zip(names, (sums / EVALUATION_BATCHES).tolist()))


def one_row(ids: list[int], types: list[int] | None = None) -> tuple[Tensor, Tensor]:
    input_ids = torch.tensor([ids])
    return input_ids, torch.zeros_like(input_ids) if types is None else torch.tensor([types])


@torch.no_grad()
def expected_outputs(pretrained: Path, classifier: Path) -> dict[str, list[dict[str, Any]]]:
    tokenizer = Tokenizer(pretrained / "spiece.model")
    model = load_model(pretrained, AlbertForPreTraining, torch.float64)
    max_length = model.config.max_position_embeddings
    nowhere = torch.zeros(1, 0, dtype=torch.long)

    fill_mask = []
    for text, ids in zip(FILL_MASK_TEXTS, tokenizer.encode_all(FILL_MASK_TEXTS, max_length)):
        position = torch.tensor([[ids.index(tokenizer.special.mask)]])
        logits, _ = model(*one_row(ids), position)
        best = logits[0].softmax(-1).topk(TOP)
        top = [
            {"token": tokenizer.piece(index), "id": index, "score": score}
            for score, index in zip(best.values.tolist(), best.indices.tolist())
        ]
        fill_mask.append({"text": text, "input_ids": ids, f"top{TOP}": top})

    sentence_order = []
    for a, b in (SENTENCES, SENTENCES[::-1]):
        ids, types = tokenizer.encode_pair(a, b)
        _, logits = model(*one_row(ids, types), nowhere)
        entry = {"a": a, "b": b, "input_ids": ids, "token_type_ids": types}
        sentence_order.append(entry | {"logits": logits[0].tolist()})

    model = load_model(classifier, AlbertForSequenceClassification, torch.float64)
    sentiment = []
    for text, ids in zip(SENTIMENT_TEXTS, tokenizer.encode_all(SENTIMENT_TEXTS, max_length)):
        logits = model(*one_row(ids))[0]
        entry = {"text": text, "input_ids": ids, "logits": logits.tolist()}
        sentiment.append(entry | {"scores": logits.softmax(-1).tolist()})
    return {"fill_mask": fill_mask, "sentiment": sentiment, "sop": sentence_order}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    commands = parser.add_subparsers(dest="command", required=True)
    pretraining = commands.add_parser("pretraining", help="MLM and SOP on the held-out tokens")
    pretraining.add_argument("--model", type=Path, required=True)
    pretraining.add_argument("--data", type=Path, required=True, help="the data folder")
    expected = commands.add_parser("expected", help="reference outputs in float64")
    expected.add_argument("--pretrained", type=Path, required=True)
    expected.add_argument("--classifier", type=Path, required=True)
    expected.add_argument("--output", type=Path, required=True, help="the expected.json to write")
    arguments = parser.parse_args()

    if arguments.command == "pretraining":
        model = load_model(arguments.model, AlbertForPreTraining, torch.float32)
        for name, value in evaluate_pretraining(model, arguments.data).items():
            print(f"{name} {value:.4f}")
    else:
        outputs = expected_outputs(arguments.pretrained, arguments.classifier)
        text = json.dumps(outputs, indent=1, ensure_ascii=False)
        arguments.output.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
