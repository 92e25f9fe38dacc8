"""Pre-trains ALBERT with masked language modelling and sentence-order prediction.

The defaults are those of albert-mini-en: 5,197 steps of 512 sequences of 128 tokens. Without CUDA
the same program runs in float32, which is good for trying it on a small configuration only.
"""

import argparse
import json
import math
import time
from contextlib import AbstractContextManager
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from albert import AlbertConfig, AlbertForPreTraining, save_checkpoint
from batches import Batch, load_samplers

MINIMUM_LEARNING_RATE_SHARE = 0.02
WEIGHT_DECAY = 0.01
MAX_GRADIENT_NORM = 1.0


def losses(model: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
    """The MLM and the SOP cross-entropy."""
    mlm_logits, sop_logits = model(
        batch.input_ids, batch.token_type_ids, batch.masked_positions, batch.lengths
    )
    mlm_loss = F.cross_entropy(mlm_logits.float(), batch.labels.reshape(-1))
    return mlm_loss, F.cross_entropy(sop_logits.float(), batch.swapped)


def learning_rate(step: int, steps: int, peak: float, warmup_steps: int) -> float:
    """Linear warm-up times linear decay to a small rest."""
    warmup = min(1.0, step / warmup_steps) if warmup_steps else 1.0
    return peak * warmup * max(MINIMUM_LEARNING_RATE_SHARE, 1.0 - step / steps)


def make_optimizer(model: nn.Module, peak: float, fused: bool) -> torch.optim.AdamW:
    """AdamW without weight decay on biases and layer norms."""
    parameters = list(model.parameters())
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": WEIGHT_DECAY},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    options = {"fused": True} if fused else {}
    return torch.optim.AdamW(groups, lr=peak, betas=(0.9, 0.98), eps=1e-6, **options)


def autocast(device: torch.device) -> AbstractContextManager:
    """bfloat16 on the GPU, float32 elsewhere."""
    return torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda")


def pretrain(arguments: argparse.Namespace) -> None:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    on_gpu = device.type == "cuda"
    torch.manual_seed(arguments.seed)
    torch.backends.cuda.matmul.allow_tf32 = True

    values = json.loads(arguments.config.read_text()) if arguments.config else {}
    config = AlbertConfig.from_dict(values)
    sampler, _ = load_samplers(arguments.data, config.vocab_size, device)
    model = AlbertForPreTraining(config).to(device)
    optimizer = make_optimizer(model, arguments.learning_rate, fused=on_gpu)
    compiled = torch.compile(model, dynamic=False) if on_gpu else model
    count = sum(parameter.numel() for parameter in model.parameters())
    print(f"{count / 1e6:.2f} M parameters, {len(sampler.tokens) / 1e6:.1f} M training tokens")

    start = time.monotonic()
    for step in range(arguments.steps):
        rate = learning_rate(step, arguments.steps, arguments.learning_rate, arguments.warmup_steps)
        for group in optimizer.param_groups:
            group["lr"] = rate
        batch = sampler.draw(arguments.batch_size, arguments.sequence_length)
        with autocast(device):
            mlm_loss, sop_loss = losses(compiled, batch)
        optimizer.zero_grad(set_to_none=True)
        (mlm_loss + sop_loss).backward()
        norm = nn.utils.clip_grad_norm_(model.parameters(), MAX_GRADIENT_NORM)
        optimizer.step()

        done = step + 1
        if done % arguments.log_every == 0 or done == arguments.steps:
            tokens = done * arguments.batch_size * arguments.sequence_length
            print(
                f"step {done} MLM {mlm_loss.item():.3f} SOP {sop_loss.item():.3f} "
                f"gradient {norm.item():.2f} rate {rate:.2e} "
                f"{tokens / 1e6:.1f} M tokens {time.monotonic() - start:.0f} s",
                flush=True,
            )
            if not math.isfinite(mlm_loss.item()):
                raise SystemExit("the loss is no longer finite")
        if done % arguments.save_every == 0 or done == arguments.steps:
            save_checkpoint(model, arguments.output)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--data", type=Path, required=True, help="the data folder")
    parser.add_argument("--output", type=Path, required=True, help="the checkpoint to write")
    parser.add_argument("--config", type=Path, help="a config.json of other sizes")
    parser.add_argument("--steps", type=int, default=5197)
    parser.add_argument("--sequence-length", type=int, default=128)
    parser.add_argument("--batch-size", type=int, default=512)
    parser.add_argument("--learning-rate", type=float, default=1e-3, help="at its peak")
    parser.add_argument("--warmup-steps", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--log-every", type=int, default=200)
    parser.add_argument("--save-every", type=int, default=4000)
    pretrain(parser.parse_args())


if __name__ == "__main__":
    main()
