"""Weights and inputs of the fixtures, computed instead of stored.

Every value is a pure function of a name and an index: FNV-1a hashes the name, the hash offsets a
32-bit counter, and the murmur3 finaliser mixes the sum. Only 32-bit integer arithmetic is used, so
that a port to another language gives the same bits.
"""

import math

import numpy as np

FNV_OFFSET_BASIS = 0x811C9DC5
FNV_PRIME = 0x01000193
GOLDEN_RATIO = 0x9E3779B1


def fnv1a(name: str) -> int:
    """The 32-bit FNV-1a hash of a name."""
    value = FNV_OFFSET_BASIS
    for byte in name.encode():
        value = ((value ^ byte) * FNV_PRIME) & 0xFFFFFFFF
    return value


def unit(name: str, count: int) -> np.ndarray:
    """`count` numbers in [-1, 1), float64."""
    with np.errstate(over="ignore"):
        x = np.arange(count, dtype=np.uint32) * np.uint32(GOLDEN_RATIO) + np.uint32(fnv1a(name))
        x ^= x >> np.uint32(16)
        x *= np.uint32(0x85EBCA6B)
        x ^= x >> np.uint32(13)
        x *= np.uint32(0xC2B2AE35)
        x ^= x >> np.uint32(16)
    return x.astype(np.float64) / 2.0**32 * 2.0 - 1.0


def tensor(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """The float32 weight with this PyTorch name; its kind, read off the name, sets its range."""
    values = unit(name, math.prod(shape))
    if "LayerNorm.weight" in name or "layer_norm.weight" in name:
        values = 1.0 + 0.2 * values
    elif name.endswith("bias"):
        values = 0.1 * values
    elif "embeddings" in name:
        values = 0.5 * values
    else:
        # Unit variance per output; queries and keys a little larger, or attention would be flat.
        gain = 1.6 if ".query." in name or ".key." in name else 1.0
        values = values * (gain * np.sqrt(3.0 / shape[-1]))
    return values.astype(np.float32).reshape(shape)


def ids(name: str, shape: tuple[int, ...], low: int, high: int) -> np.ndarray:
    """int64 numbers in [low, high)."""
    fractions = (unit(name, math.prod(shape)) + 1.0) / 2.0
    return (low + np.floor(fractions * (high - low))).astype(np.int64).reshape(shape)
