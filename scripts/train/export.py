"""Exports a checkpoint as a Hugging Face folder with float16 weights and both tokenizer files."""

import argparse
import base64
import json
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from sentencepiece import sentencepiece_model_pb2

from albert import AlbertConfig, load_checkpoint

TOKENIZER_CONFIG = {
    "tokenizer_class": "AlbertTokenizer",
    "do_lower_case": True,
    "remove_space": True,
    "keep_accents": False,
    "bos_token": "[CLS]",
    "eos_token": "[SEP]",
    "unk_token": "<unk>",
    "sep_token": "[SEP]",
    "pad_token": "<pad>",
    "cls_token": "[CLS]",
    "mask_token": "[MASK]",
}


def make_config(config: AlbertConfig) -> dict[str, Any]:
    """The contents of config.json."""
    return {
        "architectures": ["AlbertForPreTraining"],
        "model_type": "albert",
        "vocab_size": config.vocab_size,
        "embedding_size": config.embedding_size,
        "hidden_size": config.hidden_size,
        "num_hidden_layers": config.num_hidden_layers,
        "num_hidden_groups": 1,
        "inner_group_num": 1,
        "num_attention_heads": config.num_attention_heads,
        "intermediate_size": config.intermediate_size,
        "hidden_act": "gelu_new",
        "hidden_dropout_prob": 0.1,
        "attention_probs_dropout_prob": 0.0,
        "classifier_dropout_prob": 0.1,
        "max_position_embeddings": config.max_position_embeddings,
        "type_vocab_size": config.type_vocab_size,
        "initializer_range": config.initializer_range,
        "layer_norm_eps": config.layer_norm_eps,
        "pad_token_id": 0,
        "bos_token_id": 2,
        "eos_token_id": 3,
        "tie_word_embeddings": True,
        "dtype": "float16",
    }


def added_token(index: int, content: str) -> dict[str, Any]:
    return {
        "id": index,
        "content": content,
        "single_word": False,
        # [MASK] takes the space before it, as a word in its place would.
        "lstrip": content == "[MASK]",
        "rstrip": False,
        "normalized": False,
        "special": True,
    }


def tokenizer_score(piece: str, score: float) -> float:
    """AlbertTokenizer never ends a piece in digit and comma; the `tokenizers` library cannot say
    so, and a low score has the same effect."""
    ends_in_number_comma = len(piece) > 1 and piece[-1] == "," and piece[-2].isdigit()
    return score - 100 if ends_in_number_comma else score


def make_tokenizer(spiece: Path) -> dict[str, Any]:
    """The contents of tokenizer.json: spiece.model in the form of the `tokenizers` library."""
    model = sentencepiece_model_pb2.ModelProto()
    model.ParseFromString(spiece.read_bytes())
    pieces = [[p.piece, tokenizer_score(p.piece, p.score)] for p in model.pieces]
    index = {piece: position for position, (piece, _) in enumerate(pieces)}
    charsmap = base64.b64encode(model.normalizer_spec.precompiled_charsmap).decode()
    metaspace = {
        "type": "Metaspace",
        "replacement": "\u2581",
        "prepend_scheme": "always",
        "split": True,
    }

    def special(content: str, type_id: int) -> dict[str, Any]:
        return {"SpecialToken": {"id": content, "type_id": type_id}}

    def sequence(name: str, type_id: int) -> dict[str, Any]:
        return {"Sequence": {"id": name, "type_id": type_id}}

    single = [special("[CLS]", 0), sequence("A", 0), special("[SEP]", 0)]
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            added_token(index[content], content)
            for content in ("<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]")
        ],
        "normalizer": {
            "type": "Sequence",
            "normalizers": [
                {"type": "Replace", "pattern": {"String": "``"}, "content": '"'},
                {"type": "Replace", "pattern": {"String": "''"}, "content": '"'},
                {"type": "NFKD"},
                {"type": "StripAccents"},
                {"type": "Lowercase"},
                {"type": "Precompiled", "precompiled_charsmap": charsmap},
                {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "},
            ],
        },
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, metaspace]},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": single,
            "pair": [*single, sequence("B", 1), special("[SEP]", 1)],
            "special_tokens": {
                content: {"id": content, "ids": [index[content]], "tokens": [content]}
                for content in ("[CLS]", "[SEP]")
            },
        },
        "decoder": metaspace,
        "model": {
            "type": "Unigram",
            "unk_id": model.trainer_spec.unk_id,
            "vocab": pieces,
            "byte_fallback": model.trainer_spec.byte_fallback,
        },
    }


def export(checkpoint: Path, spiece: Path, output: Path) -> None:
    config, state = load_checkpoint(checkpoint)
    weights = {name: value.to(torch.float16).contiguous() for name, value in state.items()}
    tokenizer_config = TOKENIZER_CONFIG | {"model_max_length": config.max_position_embeddings}

    output.mkdir(parents=True, exist_ok=True)
    save_file(weights, output / "model.safetensors", metadata={"format": "pt"})
    (output / "config.json").write_text(json.dumps(make_config(config), indent=2))
    (output / "tokenizer_config.json").write_text(json.dumps(tokenizer_config, indent=2))
    (output / "tokenizer.json").write_text(
        json.dumps(make_tokenizer(spiece), ensure_ascii=False), encoding="utf-8"
    )
    shutil.copyfile(spiece, output / "spiece.model")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--spiece", type=Path, required=True, help="the SentencePiece model")
    parser.add_argument("--output", type=Path, required=True, help="the folder to write")
    arguments = parser.parse_args()
    export(arguments.checkpoint, arguments.spiece, arguments.output)


if __name__ == "__main__":
    main()
