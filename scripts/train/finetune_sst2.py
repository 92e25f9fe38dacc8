"""Fine-tunes a pre-trained checkpoint on SST-2, the Stanford Sentiment Treebank in two classes."""

import argparse
import json
import math
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from albert import AlbertForSequenceClassification, load_checkpoint, save_checkpoint
from normalization import Tokenizer
from pretrain import MAX_GRADIENT_NORM, WEIGHT_DECAY, autocast

MAX_LENGTH = 64
WARMUP_SHARE = 0.08

DETOKENIZATION = (
    (" n't", "n't"),
    (" 's", "'s"),
    (" 're", "'re"),
    (" 've", "'ve"),
    (" 'll", "'ll"),
    (" 'd", "'d"),
    (" 'm", "'m"),
    (" ,", ","),
    (" .", "."),
    (" ;", ";"),
    (" :", ":"),
    (" !", "!"),
    (" ?", "?"),
    ("-lrb- ", "("),
    (" -rrb-", ")"),
    ("` ", "'"),
    (" '", "'"),
)


class Examples(NamedTuple):
    input_ids: Tensor
    lengths: Tensor
    labels: Tensor


def detokenize(text: str) -> str:
    """SST-2 comes as Penn Treebank tokens; people write without the spaces."""
    text = f" {text} "
    for tokens, written in DETOKENIZATION:
        text = text.replace(tokens, written)
    return text.strip()


def load_examples(path: Path, tokenizer: Tokenizer, device: torch.device) -> Examples:
    """Reads lines of `{"text": ..., "label": 0 or 1}`; 1 is positive."""
    with open(path, encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    encoded = tokenizer.encode_all((detokenize(row["text"]) for row in rows), MAX_LENGTH)
    input_ids = torch.zeros(len(encoded), MAX_LENGTH, dtype=torch.long)
    for row, ids in zip(input_ids, encoded):
        row[: len(ids)] = torch.tensor(ids)
    return Examples(
        input_ids.to(device),
        torch.tensor([len(ids) for ids in encoded]).to(device),
        torch.tensor([int(row["label"]) for row in rows]).to(device),
    )


def logits_of(model: nn.Module, examples: Examples, index: Tensor | slice) -> Tensor:
    input_ids = examples.input_ids[index]
    return model(input_ids, torch.zeros_like(input_ids), examples.lengths[index])


@torch.no_grad()
def accuracy(model: nn.Module, examples: Examples, batch_size: int = 256) -> float:
    model.eval()
    correct = 0
    for begin in range(0, len(examples.labels), batch_size):
        index = slice(begin, begin + batch_size)
        predictions = logits_of(model, examples, index).argmax(-1)
        correct += (predictions == examples.labels[index]).sum().item()
    return correct / len(examples.labels)


def finetune(arguments: argparse.Namespace) -> None:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(arguments.seed)
    config, state = load_checkpoint(arguments.checkpoint)
    model = AlbertForSequenceClassification(config)
    prefix = "albert."
    model.albert.load_state_dict(
        {name.removeprefix(prefix): x for name, x in state.items() if name.startswith(prefix)}
    )
    model.to(device)

    tokenizer = Tokenizer(arguments.data / "spiece.model")
    training = load_examples(arguments.data / "sst2" / "train.jsonl", tokenizer, device)
    development = load_examples(arguments.data / "sst2" / "dev.jsonl", tokenizer, device)
    count, batch_size = len(training.labels), min(arguments.batch_size, len(training.labels))
    steps_per_epoch = count // batch_size
    steps = arguments.epochs * steps_per_epoch
    peak = arguments.learning_rate
    parameters = list(model.parameters())
    optimizer = torch.optim.AdamW(parameters, lr=peak, betas=(0.9, 0.98), weight_decay=WEIGHT_DECAY)

    model.train()
    for step in range(steps):
        within_epoch = step % steps_per_epoch
        if within_epoch == 0:
            order = torch.randperm(count, device=device)
        index = order[within_epoch * batch_size : (within_epoch + 1) * batch_size]
        warmup = min(1.0, (step + 1) / (WARMUP_SHARE * steps + 1))
        for group in optimizer.param_groups:
            group["lr"] = peak * warmup * (1.0 - step / steps)
        with autocast(device):
            logits = logits_of(model, training, index)
            loss = F.cross_entropy(logits.float(), training.labels[index])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, MAX_GRADIENT_NORM)
        optimizer.step()
        if (step + 1) % arguments.log_every == 0 or step + 1 == steps:
            print(f"step {step + 1} of {steps}, loss {loss.item():.3f}", flush=True)
            if not math.isfinite(loss.item()):
                raise SystemExit("the loss is no longer finite")

    save_checkpoint(model, arguments.output)
    print(f"development accuracy {accuracy(model, development):.4f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--data", type=Path, required=True, help="the data folder")
    parser.add_argument("--checkpoint", type=Path, required=True, help="from pretrain.py")
    parser.add_argument("--output", type=Path, required=True, help="the checkpoint to write")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--learning-rate", type=float, default=2e-4, help="at its peak")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--log-every", type=int, default=100)
    finetune(parser.parse_args())


if __name__ == "__main__":
    main()
