"""ALBERT in plain PyTorch; the state dicts use Hugging Face's parameter names.

Only what the shipped models need: one hidden group with one layer, gelu_new, tied embeddings.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class AlbertConfig:
    """Sizes of a model, under the names of Hugging Face's config.json."""

    vocab_size: int = 16000
    embedding_size: int = 128
    hidden_size: int = 512
    num_hidden_layers: int = 8
    num_attention_heads: int = 8
    intermediate_size: int = 2048
    max_position_embeddings: int = 512
    type_vocab_size: int = 2
    initializer_range: float = 0.02
    layer_norm_eps: float = 1e-12

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "AlbertConfig":
        """Takes the known fields of a config.json and leaves the rest."""
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in values.items() if name in known})


class Embeddings(nn.Module):
    def __init__(self, config: AlbertConfig) -> None:
        super().__init__()
        size = config.embedding_size
        self.word_embeddings = nn.Embedding(config.vocab_size, size)
        self.position_embeddings = nn.Embedding(config.max_position_embeddings, size)
        self.token_type_embeddings = nn.Embedding(config.type_vocab_size, size)
        self.LayerNorm = nn.LayerNorm(size, eps=config.layer_norm_eps)

    def forward(self, input_ids: Tensor, token_type_ids: Tensor) -> Tensor:
        positions = torch.arange(input_ids.shape[1], device=input_ids.device)
        return self.LayerNorm(
            self.word_embeddings(input_ids)
            + self.position_embeddings(positions)[None]
            + self.token_type_embeddings(token_type_ids)
        )


class Attention(nn.Module):
    def __init__(self, config: AlbertConfig, dropout: float) -> None:
        super().__init__()
        size = config.hidden_size
        self.num_heads = config.num_attention_heads
        self.query = nn.Linear(size, size)
        self.key = nn.Linear(size, size)
        self.value = nn.Linear(size, size)
        self.dense = nn.Linear(size, size)
        self.LayerNorm = nn.LayerNorm(size, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(dropout)

    def forward(self, hidden: Tensor, mask: Tensor | None) -> Tensor:
        batch, length, size = hidden.shape
        query, key, value = (
            projection(hidden).view(batch, length, self.num_heads, -1).transpose(1, 2)
            for projection in (self.query, self.key, self.value)
        )
        context = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        context = self.dense(context.transpose(1, 2).reshape(batch, length, size))
        return self.LayerNorm(hidden + self.dropout(context))


class Layer(nn.Module):
    def __init__(self, config: AlbertConfig, dropout: float) -> None:
        super().__init__()
        self.full_layer_layer_norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.attention = Attention(config, dropout)
        self.ffn = nn.Linear(config.hidden_size, config.intermediate_size)
        self.ffn_output = nn.Linear(config.intermediate_size, config.hidden_size)
        self.dropout = nn.Dropout(dropout)

    def forward(self, hidden: Tensor, mask: Tensor | None) -> Tensor:
        attended = self.attention(hidden, mask)
        output = self.ffn_output(F.gelu(self.ffn(attended), approximate="tanh"))
        return self.full_layer_layer_norm(self.dropout(output) + attended)


class LayerGroup(nn.Module):
    def __init__(self, config: AlbertConfig, dropout: float) -> None:
        super().__init__()
        self.albert_layers = nn.ModuleList([Layer(config, dropout)])


class Encoder(nn.Module):
    """One layer, applied num_hidden_layers times: ALBERT's cross-layer parameter sharing."""

    def __init__(self, config: AlbertConfig, dropout: float) -> None:
        super().__init__()
        self.num_hidden_layers = config.num_hidden_layers
        self.embedding_hidden_mapping_in = nn.Linear(config.embedding_size, config.hidden_size)
        self.albert_layer_groups = nn.ModuleList([LayerGroup(config, dropout)])

    def forward(self, embedded: Tensor, mask: Tensor | None) -> Tensor:
        hidden = self.embedding_hidden_mapping_in(embedded)
        layer = self.albert_layer_groups[0].albert_layers[0]
        for _ in range(self.num_hidden_layers):
            hidden = layer(hidden, mask)
        return hidden


class Albert(nn.Module):
    def __init__(self, config: AlbertConfig, dropout: float = 0.0) -> None:
        super().__init__()
        self.embeddings = Embeddings(config)
        self.encoder = Encoder(config, dropout)
        self.pooler = nn.Linear(config.hidden_size, config.hidden_size)

    def forward(
        self, input_ids: Tensor, token_type_ids: Tensor, lengths: Tensor | None = None
    ) -> Tensor:
        """The last hidden state; `lengths` counts each row's tokens before its padding."""
        mask = None
        if lengths is not None:
            positions = torch.arange(input_ids.shape[1], device=input_ids.device)
            mask = (positions[None] < lengths[:, None])[:, None, None]
        return self.encoder(self.embeddings(input_ids, token_type_ids), mask)

    def pool(self, hidden: Tensor) -> Tensor:
        return torch.tanh(self.pooler(hidden[:, 0]))


class MaskedLanguageModelHead(nn.Module):
    def __init__(self, config: AlbertConfig) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(config.vocab_size))
        self.LayerNorm = nn.LayerNorm(config.embedding_size, eps=config.layer_norm_eps)
        self.dense = nn.Linear(config.hidden_size, config.embedding_size)

    def forward(self, hidden: Tensor, word_embeddings: Tensor) -> Tensor:
        hidden = self.LayerNorm(F.gelu(self.dense(hidden), approximate="tanh"))
        return F.linear(hidden, word_embeddings) + self.bias


class SentenceOrderHead(nn.Module):
    def __init__(self, config: AlbertConfig) -> None:
        super().__init__()
        self.classifier = nn.Linear(config.hidden_size, 2)

    def forward(self, pooled: Tensor) -> Tensor:
        return self.classifier(pooled)


class AlbertForPreTraining(nn.Module):
    """Masked language modelling (MLM) and sentence-order prediction (SOP; class 1: swapped)."""

    def __init__(self, config: AlbertConfig) -> None:
        super().__init__()
        self.config = config
        self.albert = Albert(config)
        self.predictions = MaskedLanguageModelHead(config)
        self.sop_classifier = SentenceOrderHead(config)
        for module in self.modules():
            if isinstance(module, (nn.Linear, nn.Embedding)):
                std = config.initializer_range
                nn.init.trunc_normal_(module.weight, std=std, a=-2 * std, b=2 * std)
            if isinstance(module, nn.Linear):
                nn.init.zeros_(module.bias)

    def forward(
        self,
        input_ids: Tensor,
        token_type_ids: Tensor,
        masked_positions: Tensor,
        lengths: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """MLM logits, one row per masked position of the whole batch, and SOP logits."""
        hidden = self.albert(input_ids, token_type_ids, lengths)
        size = hidden.shape[-1]
        index = masked_positions[..., None].expand(-1, -1, size)
        # Gathering first spares the vocabulary projection of the 85 % that are not predicted.
        masked = torch.gather(hidden, 1, index).reshape(-1, size)
        mlm_logits = self.predictions(masked, self.albert.embeddings.word_embeddings.weight)
        return mlm_logits, self.sop_classifier(self.albert.pool(hidden))


class AlbertForSequenceClassification(nn.Module):
    def __init__(
        self,
        config: AlbertConfig,
        num_labels: int = 2,
        hidden_dropout: float = 0.1,
        classifier_dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.config = config
        self.albert = Albert(config, hidden_dropout)
        self.classifier = nn.Linear(config.hidden_size, num_labels)
        self.dropout = nn.Dropout(classifier_dropout)
        nn.init.trunc_normal_(self.classifier.weight, std=config.initializer_range)
        nn.init.zeros_(self.classifier.bias)

    def forward(
        self, input_ids: Tensor, token_type_ids: Tensor, lengths: Tensor | None = None
    ) -> Tensor:
        pooled = self.albert.pool(self.albert(input_ids, token_type_ids, lengths))
        return self.classifier(self.dropout(pooled))


def save_checkpoint(model: nn.Module, path: Path) -> None:
    """Writes weights and configuration in one file, which load_checkpoint reads."""
    state = {name: value.detach().cpu() for name, value in model.state_dict().items()}
    torch.save({"config": json.dumps(asdict(model.config)), "state_dict": state}, path)


def load_checkpoint(path: Path) -> tuple[AlbertConfig, dict[str, Tensor]]:
    checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    return AlbertConfig.from_dict(json.loads(checkpoint["config"])), checkpoint["state_dict"]
