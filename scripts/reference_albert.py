"""ALBERT's forward pass in float64, with numpy alone: the reference for the fixtures.

Plain on purpose: each function is one formula of the model. Parameters carry the names of the
PyTorch state dict, configurations those of Hugging Face's config.json. Hidden states are counted as
FlaxAlbert counts them: the embeddings' projection, then one per application of a group. Attentions
are one per inner layer.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

Array = np.ndarray
Config = Mapping[str, Any]
Output = dict[str, Array | tuple[Array, ...]]

ARCHITECTURES = {
    "model": "AlbertModel",
    "pretraining": "AlbertForPreTraining",
    "masked_lm": "AlbertForMaskedLM",
    "sequence_classification": "AlbertForSequenceClassification",
    "multiple_choice": "AlbertForMultipleChoice",
    "token_classification": "AlbertForTokenClassification",
    "question_answering": "AlbertForQuestionAnswering",
}
POOLED_HEADS = {"model", "pretraining", "sequence_classification", "multiple_choice"}

erf = np.vectorize(math.erf, otypes=[np.float64])

ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "relu": lambda x: np.maximum(x, 0.0),
    "silu": lambda x: x / (1.0 + np.exp(-x)),
    "gelu": lambda x: 0.5 * x * (1.0 + erf(x / math.sqrt(2.0))),
    "gelu_new": lambda x: (
        0.5 * x * (1.0 + np.tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * x**3)))
    ),
}


def num_labels(config: Config) -> int:
    """The number of classes, which config.json states by naming them."""
    return len(config["id2label"]) if "id2label" in config else 2


def parameter_shapes(config: Config, head: str) -> dict[str, tuple[int, ...]]:
    """Name and shape of every stored parameter, in the order of the PyTorch state dict."""
    hidden, embedding = config["hidden_size"], config["embedding_size"]
    shapes: dict[str, tuple[int, ...]] = {}

    def norm(name: str, size: int) -> None:
        shapes[f"{name}.weight"] = shapes[f"{name}.bias"] = (size,)

    def linear(name: str, inputs: int, outputs: int) -> None:
        shapes[f"{name}.weight"] = (outputs, inputs)
        shapes[f"{name}.bias"] = (outputs,)

    base = "" if head == "model" else "albert."
    for table, rows in (
        ("word", config["vocab_size"]),
        ("position", config["max_position_embeddings"]),
        ("token_type", config["type_vocab_size"]),
    ):
        shapes[f"{base}embeddings.{table}_embeddings.weight"] = (rows, embedding)
    norm(f"{base}embeddings.LayerNorm", embedding)
    linear(f"{base}encoder.embedding_hidden_mapping_in", embedding, hidden)
    for group in range(config["num_hidden_groups"]):
        for inner in range(config["inner_group_num"]):
            layer = f"{base}encoder.albert_layer_groups.{group}.albert_layers.{inner}"
            norm(f"{layer}.full_layer_layer_norm", hidden)
            for name in ("query", "key", "value", "dense"):
                linear(f"{layer}.attention.{name}", hidden, hidden)
            norm(f"{layer}.attention.LayerNorm", hidden)
            linear(f"{layer}.ffn", hidden, config["intermediate_size"])
            linear(f"{layer}.ffn_output", config["intermediate_size"], hidden)
    if head in POOLED_HEADS:
        linear(f"{base}pooler", hidden, hidden)

    if head in ("pretraining", "masked_lm"):
        shapes["predictions.bias"] = (config["vocab_size"],)
        norm("predictions.LayerNorm", embedding)
        linear("predictions.dense", hidden, embedding)
        if not config["tie_word_embeddings"]:
            shapes["predictions.decoder.weight"] = (config["vocab_size"], embedding)
    if head == "pretraining":
        linear("sop_classifier.classifier", hidden, 2)
    elif head in ("sequence_classification", "token_classification"):
        linear("classifier", hidden, num_labels(config))
    elif head == "multiple_choice":
        linear("classifier", hidden, 1)
    elif head == "question_answering":
        linear("qa_outputs", hidden, num_labels(config))
    return shapes


class ReferenceAlbert:
    """One model with one head; calling it runs the forward pass."""

    def __init__(self, config: Config, head: str, parameters: Mapping[str, Array]) -> None:
        self.config = config
        self.head = head
        self.parameters = {name: p.astype(np.float64) for name, p in parameters.items()}
        self.base = "" if head == "model" else "albert."
        self.activation = ACTIVATIONS[config["hidden_act"]]

    def linear(self, name: str, x: Array) -> Array:
        return x @ self.parameters[f"{name}.weight"].T + self.parameters[f"{name}.bias"]

    def norm(self, name: str, x: Array) -> Array:
        centred = x - x.mean(-1, keepdims=True)
        variance = (centred**2).mean(-1, keepdims=True)
        x = centred / np.sqrt(variance + self.config["layer_norm_eps"])
        return x * self.parameters[f"{name}.weight"] + self.parameters[f"{name}.bias"]

    def embeddings(self, input_ids: Array, token_type_ids: Array, position_ids: Array) -> Array:
        table = self.base + "embeddings.{}_embeddings.weight"
        x = (
            self.parameters[table.format("word")][input_ids]
            + self.parameters[table.format("position")][position_ids]
            + self.parameters[table.format("token_type")][token_type_ids]
        )
        return self.norm(f"{self.base}embeddings.LayerNorm", x)

    def attention(self, name: str, x: Array, mask: Array) -> tuple[Array, Array]:
        batch, length, hidden = x.shape
        heads = self.config["num_attention_heads"]

        def split(y: Array) -> Array:
            return y.reshape(batch, length, heads, hidden // heads).transpose(0, 2, 1, 3)

        query, key, value = (
            split(self.linear(f"{name}.{p}", x)) for p in ("query", "key", "value")
        )
        scores = query @ key.transpose(0, 1, 3, 2) / math.sqrt(hidden // heads)
        # The lowest finite number, not minus infinity: a row that masks everything stays a number.
        scores = np.where(mask[:, None, None, :] > 0, scores, np.finfo(np.float64).min)
        weights = np.exp(scores - scores.max(-1, keepdims=True))
        weights /= weights.sum(-1, keepdims=True)
        context = (weights @ value).transpose(0, 2, 1, 3).reshape(batch, length, hidden)
        return self.norm(f"{name}.LayerNorm", x + self.linear(f"{name}.dense", context)), weights

    def layer(self, name: str, x: Array, mask: Array) -> tuple[Array, Array]:
        x, weights = self.attention(f"{name}.attention", x, mask)
        y = self.linear(f"{name}.ffn_output", self.activation(self.linear(f"{name}.ffn", x)))
        return self.norm(f"{name}.full_layer_layer_norm", x + y), weights

    def encoder(self, x: Array, mask: Array) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """Every hidden state, the last one being the result, and every attention."""
        x = self.linear(f"{self.base}encoder.embedding_hidden_mapping_in", x)
        hidden_states, attentions = [x], []
        layers_per_group = self.config["num_hidden_layers"] / self.config["num_hidden_groups"]
        for index in range(self.config["num_hidden_layers"]):
            group = f"{self.base}encoder.albert_layer_groups.{int(index / layers_per_group)}"
            for inner in range(self.config["inner_group_num"]):
                x, weights = self.layer(f"{group}.albert_layers.{inner}", x, mask)
                attentions.append(weights)
            hidden_states.append(x)
        return tuple(hidden_states), tuple(attentions)

    def vocabulary_logits(self, x: Array) -> Array:
        x = self.norm("predictions.LayerNorm", self.activation(self.linear("predictions.dense", x)))
        tied = self.config["tie_word_embeddings"]
        decoder = "albert.embeddings.word_embeddings" if tied else "predictions.decoder"
        return x @ self.parameters[f"{decoder}.weight"].T + self.parameters["predictions.bias"]

    def __call__(
        self,
        input_ids: Array,
        attention_mask: Array,
        token_type_ids: Array,
        position_ids: Array | None = None,
    ) -> Output:
        """The fields of FlaxAlbert's output class for this head."""
        if position_ids is None:
            position_ids = np.broadcast_to(np.arange(input_ids.shape[-1]), input_ids.shape)
        leading = input_ids.shape[:-1]
        input_ids, attention_mask, token_type_ids, position_ids = (
            x.reshape(-1, x.shape[-1])
            for x in (input_ids, attention_mask, token_type_ids, position_ids)
        )
        embedded = self.embeddings(input_ids, token_type_ids, position_ids)
        hidden_states, attentions = self.encoder(embedded, attention_mask)
        last = hidden_states[-1]
        if self.head in POOLED_HEADS:
            pooled = np.tanh(self.linear(f"{self.base}pooler", last[:, 0]))

        output: Output
        match self.head:
            case "model":
                output = {"last_hidden_state": last, "pooler_output": pooled}
            case "pretraining":
                output = {
                    "prediction_logits": self.vocabulary_logits(last),
                    "sop_logits": self.linear("sop_classifier.classifier", pooled),
                }
            case "masked_lm":
                output = {"logits": self.vocabulary_logits(last)}
            case "sequence_classification":
                output = {"logits": self.linear("classifier", pooled)}
            case "multiple_choice":
                output = {"logits": self.linear("classifier", pooled).reshape(leading)}
            case "token_classification":
                output = {"logits": self.linear("classifier", last)}
            case "question_answering":
                logits = self.linear("qa_outputs", last)
                output = {"start_logits": logits[..., 0], "end_logits": logits[..., 1]}
            case _:
                raise ValueError(f"unknown head {self.head!r}")
        return output | {"hidden_states": hidden_states, "attentions": attentions}
