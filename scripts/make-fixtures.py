"""Makes the fixtures in test/fixtures/flax: what FlaxAlbert returns, beside a float64 reference.

A fixture is a folder CASE/HEAD with the configuration (`config.json`) and the inputs and outputs
(`expected.safetensors`: `input.*`, `flax.*`, `f64.*`); some folders also hold the weights as the
`safetensors` and `flax` libraries write them. `flax_error_vs_float64.json` records how far
FlaxAlbert's float32 is from float64, which is the yardstick for other implementations.

Weights and inputs come from formulas (formula.py), the float64 outputs from reference_albert.py,
the float32 outputs from the FlaxAlbert classes of transformers 4, the last major version that has
them:

    python3.11 -m venv venv && venv/bin/pip install 'transformers>=4.40,<5' 'numpy<2' \\
        'scipy<1.13' 'jax==0.4.13' 'jaxlib==0.4.13' 'flax==0.7.0' 'safetensors<1'
    venv/bin/python scripts/make-fixtures.py --output test/fixtures/flax

Everything but FlaxAlbert itself can be checked with numpy alone:

    python3 scripts/make-fixtures.py --without-flax --check test/fixtures/flax
"""

import argparse
import json
import struct
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import formula
from reference_albert import ARCHITECTURES, Output, ReferenceAlbert, parameter_shapes

Tensors = dict[str, np.ndarray]

BASE_CONFIG: dict[str, Any] = {
    "attention_probs_dropout_prob": 0.0,
    "bos_token_id": 2,
    "classifier_dropout_prob": 0.1,
    "embedding_size": 20,
    "eos_token_id": 3,
    "hidden_act": "gelu_new",
    "hidden_dropout_prob": 0.0,
    "hidden_size": 60,
    "initializer_range": 0.02,
    "inner_group_num": 1,
    "intermediate_size": 100,
    "layer_norm_eps": 1e-12,
    "max_position_embeddings": 64,
    "model_type": "albert",
    "num_attention_heads": 5,
    "num_hidden_groups": 1,
    "num_hidden_layers": 3,
    "pad_token_id": 0,
    "tie_word_embeddings": True,
    # The release whose form of config.json this is; readers must cope with files of version 5.
    "transformers_version": "5.17.0",
    "type_vocab_size": 2,
    "vocab_size": 203,
}

FIRST_ORDINARY_ID = 5
"""Ids below are special tokens."""


@dataclass(frozen=True)
class Case:
    """A configuration, its inputs and the heads that run on it."""

    name: str
    heads: tuple[str, ...]
    batch: int
    length: int
    config: Mapping[str, Any] = field(default_factory=dict)
    labels: Mapping[str, int] = field(default_factory=dict)
    """Head -> number of labels, where config.json names them; else the default of two holds."""
    right_padding: tuple[int, ...] = ()
    left_padding: tuple[int, ...] = ()
    holes: bool = False
    """Whether a quarter of the mask, anywhere but in the first column, is zero."""
    arbitrary_positions: bool = False
    with_intermediates: tuple[str, ...] = ("model",)
    """Heads whose hidden states and attentions are stored."""
    with_weights: tuple[str, ...] = ()
    """Heads whose weight files are stored."""
    logits_stride: tuple[int, int] = (1, 1)
    """Every how many positions and vocabulary entries masked-LM logits are kept."""


CASES = (
    Case(
        name="tiny",
        heads=tuple(ARCHITECTURES),
        batch=2,
        length=9,
        with_intermediates=tuple(ARCHITECTURES),
        with_weights=("model", "pretraining", "question_answering"),
    ),
    Case(
        name="groups",
        heads=tuple(ARCHITECTURES),
        batch=3,
        length=17,
        config={"num_hidden_layers": 4, "num_hidden_groups": 2, "inner_group_num": 2},
        labels={"model": 5},
        right_padding=(0, 5, 10),
        with_weights=("pretraining",),
    ),
    Case(
        name="exact_gelu",
        heads=("model", "masked_lm", "sequence_classification"),
        batch=2,
        length=33,
        config={
            "hidden_act": "gelu",
            "hidden_size": 128,
            "num_attention_heads": 2,
            "intermediate_size": 512,
            "embedding_size": 32,
            "vocab_size": 301,
            "layer_norm_eps": 1e-5,
            "type_vocab_size": 3,
        },
        labels={"model": 3, "masked_lm": 3, "sequence_classification": 3},
        left_padding=(0, 11),
        arbitrary_positions=True,
    ),
    Case(
        name="untied_relu",
        heads=("masked_lm", "model", "pretraining"),
        batch=1,
        length=1,
        config={
            "hidden_act": "relu",
            "hidden_size": 48,
            "num_attention_heads": 3,
            "intermediate_size": 96,
            "tie_word_embeddings": False,
        },
        with_weights=("pretraining",),
    ),
    Case(
        name="ragged_dims",
        heads=("model", "masked_lm", "question_answering", "token_classification"),
        batch=4,
        length=31,
        config={
            "hidden_act": "silu",
            "hidden_size": 84,
            "num_attention_heads": 12,
            "intermediate_size": 131,
            "embedding_size": 13,
            "vocab_size": 97,
        },
        holes=True,
    ),
    Case(
        name="base_v2",
        heads=("model", "masked_lm"),
        batch=2,
        length=64,
        config={
            "embedding_size": 128,
            "hidden_size": 768,
            "intermediate_size": 3072,
            "max_position_embeddings": 512,
            "num_attention_heads": 12,
            "num_hidden_layers": 12,
            "vocab_size": 30000,
        },
        right_padding=(0, 22),
        with_intermediates=(),
        logits_stride=(5, 97),
    ),
)


@dataclass(frozen=True)
class Fixture:
    """One CASE/HEAD folder before it is written."""

    config: dict[str, Any]
    expected: Tensors
    weights: Tensors | None
    flax_tree: dict[str, Any] | None
    flax_error: dict[str, float]


def make_config(case: Case, head: str) -> dict[str, Any]:
    config = BASE_CONFIG | dict(case.config) | {"architectures": [ARCHITECTURES[head]]}
    if head in case.labels:
        names = [f"LABEL_{index}" for index in range(case.labels[head])]
        config["id2label"] = {str(index): name for index, name in enumerate(names)}
        config["label2id"] = {name: index for index, name in enumerate(names)}
    return config


def format_json(value: Any, sort_keys: bool = False) -> str:
    return json.dumps(value, indent=1, sort_keys=sort_keys)


def make_inputs(case: Case, head: str) -> Tensors:
    config = make_config(case, head)
    shape = (case.batch, case.length)
    input_ids = formula.ids(
        f"{case.name}.input_ids", shape, FIRST_ORDINARY_ID, config["vocab_size"]
    )
    mask = np.ones(shape, np.int64)
    for row, padding in enumerate(case.right_padding):
        mask[row, case.length - padding :] = 0
    for row, padding in enumerate(case.left_padding):
        mask[row, :padding] = 0
    if case.holes:
        mask[formula.ids(f"{case.name}.mask", shape, 0, 4) == 0] = 0
        mask[:, 0] = 1
    types = np.broadcast_to((np.arange(case.length) >= case.length // 2).astype(np.int64), shape)
    inputs = {"input_ids": input_ids, "attention_mask": mask, "token_type_ids": types}
    if case.arbitrary_positions:
        inputs["position_ids"] = formula.ids(
            f"{case.name}.pos", shape, 0, config["max_position_embeddings"]
        )
    if head == "multiple_choice":
        # Three choices a row: the rows themselves, shifted by one, and in reverse order.
        choices = (input_ids, np.roll(input_ids, 1, axis=0), input_ids[::-1])
        inputs = {name: np.stack((x, x, x), axis=1) for name, x in inputs.items()}
        inputs["input_ids"] = np.stack(choices, axis=1)
    return {name: np.ascontiguousarray(x) for name, x in inputs.items()}


def make_weights(config: Mapping[str, Any], head: str) -> Tensors:
    shapes = parameter_shapes(config, head)
    return {name: formula.tensor(name, shape) for name, shape in shapes.items()}


def to_flax_tree(weights: Tensors) -> dict[str, Any]:
    """FlaxAlbert's parameter tree: the same names as nested keys, kernels transposed."""
    tree: dict[str, Any] = {}
    for name, value in weights.items():
        *path, leaf = name.split(".")
        node = tree
        for key in path:
            node = node.setdefault(key, {})
        if leaf == "weight":
            if path[-1].endswith("_embeddings"):
                leaf = "embedding"
            elif value.ndim == 1:
                leaf = "scale"
            else:
                leaf, value = "kernel", np.ascontiguousarray(value.T)
        node[leaf] = value
    return tree


def flatten_output(output: Mapping[str, Any], with_intermediates: bool) -> Tensors:
    """Fields as arrays, tuples as `name.0`, `name.1` and so on."""
    flat: Tensors = {}
    for name, value in output.items():
        if not isinstance(value, tuple):
            flat[name] = np.asarray(value)
        elif with_intermediates:
            flat |= {f"{name}.{index}": np.asarray(x) for index, x in enumerate(value)}
    return flat


def run_flax(
    config: Mapping[str, Any], head: str, tree: Mapping[str, Any], inputs: Tensors
) -> Mapping[str, Any]:
    """FlaxAlbert in float32 on the CPU, at the highest matmul precision."""
    import jax
    import transformers

    jax.config.update("jax_platforms", "cpu")
    jax.config.update("jax_default_matmul_precision", "highest")
    model_class = getattr(transformers, f"Flax{ARCHITECTURES[head]}")
    model = model_class(transformers.AlbertConfig.from_dict(dict(config)), _do_init=False)
    return model(
        **inputs, params=jax.device_put(tree), output_hidden_states=True, output_attentions=True
    )


def largest_difference(a: np.ndarray, b: np.ndarray) -> float:
    if a.shape != b.shape:
        return float("inf")
    return float(np.max(np.abs(a.astype(np.float64) - b.astype(np.float64)), initial=0.0))


def make_fixture(case: Case, head: str, with_flax: bool) -> tuple[Fixture, Output]:
    """The fixture, and the reference's whole output, which has more fields than are stored."""
    config = make_config(case, head)
    inputs = make_inputs(case, head)
    weights = make_weights(config, head)
    tree = to_flax_tree(weights)

    def subsample(fields: Tensors) -> Tensors:
        positions, entries = case.logits_stride
        if head != "masked_lm" or case.logits_stride == (1, 1):
            return fields
        logits = np.ascontiguousarray(fields["logits"][:, ::positions, ::entries])
        return fields | {"logits": logits}

    output = ReferenceAlbert(config, head, weights)(**inputs)
    reference = flatten_output(output, with_intermediates=False)
    expected = {f"input.{name}": x for name, x in inputs.items()}
    expected |= {f"f64.{name}": x for name, x in subsample(reference).items()}
    error: dict[str, float] = {}
    if with_flax:
        flax = flatten_output(run_flax(config, head, tree, inputs), head in case.with_intermediates)
        expected |= {f"flax.{name}": x for name, x in subsample(flax).items()}
        error = {name: largest_difference(flax[name], x) for name, x in reference.items()}

    keep_weights = head in case.with_weights
    fixture = Fixture(
        config=config,
        expected={name: np.ascontiguousarray(x) for name, x in expected.items()},
        weights=weights if keep_weights else None,
        flax_tree=tree if keep_weights and with_flax else None,
        flax_error=error,
    )
    return fixture, output


def write_fixture(fixture: Fixture, folder: Path) -> None:
    from safetensors.numpy import save_file

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(format_json(fixture.config, sort_keys=True))
    save_file(fixture.expected, folder / "expected.safetensors")
    if fixture.weights is not None:
        save_file(fixture.weights, folder / "model.safetensors", metadata={"format": "pt"})
    if fixture.flax_tree is not None:
        from flax.serialization import to_bytes

        (folder / "flax_model.msgpack").write_bytes(to_bytes(fixture.flax_tree))


def update_flax_errors(path: Path, errors: Mapping[str, dict[str, float]]) -> None:
    """Replaces the entries of the cases that ran and keeps the others."""
    known = json.loads(path.read_text()) if path.exists() else {}
    merged = known | dict(errors)
    order = [f"{case.name}/{head}" for case in CASES for head in case.heads]
    path.write_text(format_json({key: merged[key] for key in order if key in merged}))


def read_safetensors(path: Path) -> Tensors:
    """Reads without the safetensors package, so that checking needs numpy alone."""
    dtypes = {"F32": np.float32, "F64": np.float64, "I64": np.int64}
    data = path.read_bytes()
    (header_size,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + header_size])
    tensors: Tensors = {}
    for name, entry in header.items():
        if name != "__metadata__":
            begin, end = (8 + header_size + offset for offset in entry["data_offsets"])
            values = np.frombuffer(data[begin:end], dtypes[entry["dtype"]])
            tensors[name] = values.reshape(entry["shape"])
    return tensors


@dataclass
class Check:
    """Compares fixtures with an existing tree: configurations, inputs and weights to the bit."""

    tree: Path
    tolerance: float
    differences: list[str] = field(default_factory=list)
    largest: dict[str, float] = field(default_factory=dict)

    def require(self, holds: bool, what: str) -> None:
        if not holds:
            self.differences.append(what)

    def compare_bits(self, made: Tensors, stored: Tensors, where: str) -> None:
        self.require(made.keys() == stored.keys(), f"{where}: names of tensors")
        for name in made.keys() & stored.keys():
            a, b = made[name], stored[name]
            same = a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
            self.require(same, f"{where}: {name}")

    def compare(self, key: str, fixture: Fixture, output: Output, with_flax: bool) -> None:
        folder = self.tree / key
        text = (folder / "config.json").read_text()
        self.require(text == format_json(fixture.config, sort_keys=True), f"{key}: config.json")

        def part(tensors: Tensors, prefix: str) -> Tensors:
            return {name: x for name, x in tensors.items() if name.startswith(prefix)}

        stored = read_safetensors(folder / "expected.safetensors")
        made = fixture.expected
        self.compare_bits(part(made, "input."), part(stored, "input."), key)
        for prefix in ("f64.", "flax.") if with_flax else ("f64.",):
            names = part(made, prefix).keys()
            self.require(names == part(stored, prefix).keys(), f"{key}: names of {prefix}*")
            for name in names & stored.keys():
                self.record(f"{prefix}* against the tree", made[name], stored[name])
        # FlaxAlbert's own hidden states and attentions, which float64 fields do not cover.
        reference = flatten_output(output, with_intermediates=True)
        for name, value in stored.items():
            field_name = name.removeprefix("flax.")
            if field_name.startswith(("hidden_states.", "attentions.")):
                self.require(field_name in reference, f"{key}: {name} has no counterpart")
                if field_name in reference:
                    self.record("stored flax.* against float64", reference[field_name], value)
        if any(name.startswith("flax.hidden_states.") for name in stored):
            for name in ("hidden_states", "attentions"):
                count = sum(x.startswith(f"flax.{name}.") for x in stored)
                self.require(count == len(output[name]), f"{key}: number of {name}")

        weights_path = folder / "model.safetensors"
        self.require(weights_path.exists() == (fixture.weights is not None), f"{key}: weights")
        if weights_path.exists() and fixture.weights is not None:
            self.compare_bits(fixture.weights, read_safetensors(weights_path), key)
        tree_path = folder / "flax_model.msgpack"
        if fixture.flax_tree is not None:
            self.compare_flax_trees(fixture.flax_tree, tree_path, key)

    def compare_flax_trees(self, made: Mapping[str, Any], path: Path, key: str) -> None:
        from flax.serialization import msgpack_restore
        from flax.traverse_util import flatten_dict

        stored = flatten_dict(msgpack_restore(path.read_bytes()), sep="/")
        self.compare_bits(flatten_dict(made, sep="/"), stored, f"{key} (msgpack)")

    def record(self, kind: str, a: np.ndarray, b: np.ndarray) -> None:
        self.largest[kind] = max(self.largest.get(kind, 0.0), largest_difference(a, b))

    def report(self) -> bool:
        """Prints the result; true if nothing differs by more than rounding."""
        for kind, difference in self.largest.items():
            print(f"{kind}: largest difference {difference:.3g}")
        for what in self.differences:
            print(f"differs: {what}", file=sys.stderr)
        exact = not self.differences
        print(f"configurations, inputs, names, weights: {'equal' if exact else 'different'}")
        reference = self.largest.get("f64.* against the tree", 0.0)
        return exact and reference <= self.tolerance


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--output", type=Path, help="folder to write the tree to")
    parser.add_argument("--check", type=Path, metavar="TREE", help="tree to compare with")
    parser.add_argument(
        "--case", action="append", choices=[case.name for case in CASES], help="only this case"
    )
    parser.add_argument(
        "--without-flax",
        action="store_true",
        help="leave out flax.*, flax_model.msgpack and the error of FlaxAlbert (needs numpy only)",
    )
    parser.add_argument(
        "--tolerance", type=float, default=1e-11, help="of --check, for f64.* (default: 1e-11)"
    )
    arguments = parser.parse_args()
    if arguments.output is None and arguments.check is None:
        parser.error("one of --output and --check is required")
    if arguments.output is not None and arguments.without_flax:
        parser.error("--output needs FlaxAlbert: a tree without its outputs is no fixture")
    return arguments


def main() -> int:
    arguments = parse_arguments()
    check = Check(arguments.check, arguments.tolerance) if arguments.check else None
    errors: dict[str, dict[str, float]] = {}
    for case in CASES:
        if arguments.case and case.name not in arguments.case:
            continue
        for head in case.heads:
            key = f"{case.name}/{head}"
            fixture, output = make_fixture(case, head, with_flax=not arguments.without_flax)
            errors[key] = fixture.flax_error
            if check is not None:
                check.compare(key, fixture, output, with_flax=not arguments.without_flax)
            if arguments.output is not None:
                write_fixture(fixture, arguments.output / key)
            print(f"made {key}", flush=True)
    if arguments.output is not None:
        update_flax_errors(arguments.output / "flax_error_vs_float64.json", errors)
    return 0 if check is None or check.report() else 1


if __name__ == "__main__":
    sys.exit(main())
