"""Batches for pre-training, drawn on the device: masked tokens and swapped sentence pairs."""

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from normalization import SpecialTokens

HELD_OUT_TOKENS = 300_000
"""Tokens at the end of the token file that are never trained on."""

WINDOW_MARGIN = 600
"""No window starts this close to the end; more than the longest sequence."""

MASKED_SHARE = 0.15
FIRST_ORDINARY_ID = 5
IGNORED_LABEL = -100


class Batch(NamedTuple):
    input_ids: Tensor
    token_type_ids: Tensor
    masked_positions: Tensor
    """(batch, masked); the entries past a row's own share carry IGNORED_LABEL."""
    labels: Tensor
    """(batch, masked): the original ids."""
    swapped: Tensor
    """(batch): 1 where the second part of the text comes first."""
    lengths: Tensor
    """(batch): tokens before the padding."""


class BatchSampler:
    """Draws `[CLS] X [SEP] Y [SEP]`, X and Y being runs of whole sentences adjacent in the text.

    Half of the pairs are swapped. 15 % of the tokens are to be predicted: of these 80 % are
    replaced by [MASK], 10 % by a random token, and 10 % stay. Random numbers come from the device's
    default generator.
    """

    def __init__(self, tokens: Tensor, special: SpecialTokens, vocab_size: int) -> None:
        self.tokens = tokens
        self.special = special
        self.vocab_size = vocab_size
        starts = (tokens == special.period).nonzero()[:, 0] + 1
        self.starts = starts[starts < len(tokens) - WINDOW_MARGIN]
        if len(self.starts) == 0:
            raise ValueError("too few tokens, or none of them ends a sentence")

    def draw(self, batch_size: int, sequence_length: int) -> Batch:
        windows, lengths, splits = self._draw_windows(batch_size, sequence_length - 3)
        device = self.tokens.device
        swapped = torch.rand(batch_size, 1, device=device) < 0.5
        first_lengths = torch.where(swapped, lengths - splits, splits)

        # For each slot of the sequence: where in the window its token comes from.
        zero = torch.zeros_like(splits)
        slots = torch.arange(sequence_length, device=device)[None]
        sources = torch.where(
            slots <= first_lengths,
            slots - 1 + torch.where(swapped, splits, zero),
            slots - first_lengths - 2 + torch.where(swapped, zero, splits),
        )
        input_ids = torch.gather(windows, 1, sources.clamp(0, windows.shape[1] - 1))

        totals = lengths + 3
        padding = slots >= totals
        special = (slots == 0) | (slots == first_lengths + 1) | (slots == totals - 1) | padding
        input_ids = input_ids.masked_fill(special, self.special.sep)
        input_ids = input_ids.masked_fill(slots == 0, self.special.cls)
        input_ids = input_ids.masked_fill(padding, 0)
        token_type_ids = ((slots > first_lengths + 1) & ~padding).long()

        input_ids, positions, labels = self._mask_tokens(input_ids, special, lengths)
        return Batch(
            input_ids, token_type_ids, positions, labels, swapped[:, 0].long(), totals[:, 0]
        )

    def _draw_windows(self, batch_size: int, size: int) -> tuple[Tensor, Tensor, Tensor]:
        """Runs of text that start a sentence; the length to use and where to split, (batch, 1)."""
        device = self.tokens.device
        choice = torch.randint(0, len(self.starts), (batch_size, 1), device=device)
        columns = torch.arange(size, device=device)
        windows = self.tokens[self.starts[choice] + columns].long()
        columns = columns[None]
        ends_sentence = windows == self.special.period

        # End with the last whole sentence, unless that would waste most of the window.
        last = torch.where(ends_sentence, columns, 0).amax(1, keepdim=True)
        last = torch.where(last < size // 3, size - 1, last)
        lengths = last + 1

        # Split at the end of the sentence that is nearest to a random place, or without one in the
        # middle.
        target = torch.rand(batch_size, 1, device=device) * lengths * 0.7 + 0.15 * lengths
        candidates = ends_sentence & (columns > 1) & (columns < last - 2)
        distances = (columns - target.long()).abs().masked_fill(~candidates, 2 * size)
        nearest = distances.argmin(1, keepdim=True) + 1
        splits = torch.where(candidates.any(1, keepdim=True), nearest, lengths // 2)
        return windows, lengths, splits

    def _mask_tokens(
        self, input_ids: Tensor, special: Tensor, lengths: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The ids with masked tokens, the positions to predict and their labels."""
        device = input_ids.device
        batch_size, sequence_length = input_ids.shape
        # Shapes must not depend on the data, or torch.compile would recompile: every row gets as
        # many positions as the longest text needs, and the superfluous ones are ignored.
        count = max(1, round(MASKED_SHARE * (sequence_length - 3)))
        priority = torch.rand(batch_size, sequence_length, device=device) - 2.0 * special
        positions = priority.topk(count, 1).indices
        wanted = (MASKED_SHARE * lengths).round().clamp(1, count)
        ignored = torch.gather(special.expand_as(input_ids), 1, positions)
        ignored = ignored | (torch.arange(count, device=device)[None] >= wanted)

        originals = torch.gather(input_ids, 1, positions)
        labels = originals.masked_fill(ignored, IGNORED_LABEL)
        draw = torch.rand(batch_size, count, device=device)
        others = torch.randint(
            FIRST_ORDINARY_ID, self.vocab_size, (batch_size, count), device=device
        )
        replacements = torch.where(draw < 0.9, others, originals)
        replacements = replacements.masked_fill(draw < 0.8, self.special.mask)
        replacements = torch.where(ignored, originals, replacements)
        return input_ids.scatter(1, positions, replacements), positions, labels


def load_samplers(
    data: Path, vocab_size: int, device: torch.device
) -> tuple[BatchSampler, BatchSampler]:
    """Samplers of the training tokens and of the held-out tokens."""
    tokens = np.fromfile(data / "tokens.uint16", np.uint16).astype(np.int32)
    special = SpecialTokens(**json.loads((data / "meta.json").read_text()))
    training, held_out = np.split(tokens, [max(0, len(tokens) - HELD_OUT_TOKENS)])
    return (
        BatchSampler(torch.from_numpy(training).to(device), special, vocab_size),
        BatchSampler(torch.from_numpy(held_out).to(device), special, vocab_size),
    )
