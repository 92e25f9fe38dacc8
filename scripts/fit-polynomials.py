"""Fits the polynomials of assembly/math.ts and prints them with their errors.

Minimax fits by Lawson's iteratively reweighted least squares, in float64, on Chebyshev points. The
printed errors are those of the coefficients rounded to float32, evaluated in float64: what float32
arithmetic adds on top is measured by test/assembly/activation.test.ts.

    python3 scripts/fit-polynomials.py
"""

import math

import numpy as np

ITERATIONS = 200


def lawson(basis: np.ndarray, target: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Coefficients c that minimise max |weight * (basis @ c - target)|."""
    importance = np.full(len(target), 1 / len(target))
    best_error, best = math.inf, np.zeros(basis.shape[1])
    for _ in range(ITERATIONS):
        scale = np.sqrt(importance) * weight
        coefficients, *_ = np.linalg.lstsq(basis * scale[:, None], target * scale, rcond=None)
        error = np.abs(weight * (basis @ coefficients - target))
        if error.max() < best_error:
            best_error, best = error.max(), coefficients
        importance = importance * error
        importance /= importance.sum()
    return best


def chebyshev_points(low: float, high: float, count: int = 4001) -> np.ndarray:
    return (low + high) / 2 - (high - low) / 2 * np.cos(np.linspace(0, np.pi, count))


def report(name: str, coefficients: np.ndarray, error: np.ndarray, kind: str) -> None:
    """Prints the coefficients as math.ts lists them, highest degree first."""
    print(f"{name}: {kind} error {np.abs(error).max():.1e}")
    print("  " + ", ".join(repr(float(np.float32(c))) for c in coefficients[::-1]))


def fit_exp() -> None:
    """exp(r) = 1 + r + r^2 p(r) on [-ln 2 / 2, ln 2 / 2]: p of degree 3."""
    half = math.log(2) / 2 * 1.0005
    r = chebyshev_points(-half, half)
    basis = np.stack([r ** (2 + i) for i in range(4)], 1)
    c = lawson(basis, np.exp(r) - 1 - r, np.exp(-r))
    rounded = c.astype(np.float32).astype(np.float64)
    report("exp", c, (1 + r + basis @ rounded) / np.exp(r) - 1, "relative")


def fit_odd(name: str, function, high: float, degrees: range, fixed: float) -> None:
    """function(x) = fixed * x + x * sum(c_i x^(2i)) on [0, high]."""
    x = high * np.sqrt((1 - np.cos(np.linspace(0, np.pi, 3001))) / 2)[1:]
    values = np.array([function(v) for v in x])
    z = (x / high) ** 2
    basis = np.stack([x * z**i for i in degrees], 1)
    c = lawson(basis, values - fixed * x, 1 / values) / high ** (2 * np.array(degrees))
    rounded = c.astype(np.float32).astype(np.float64)
    fitted = fixed * x + sum(k * x ** (2 * i + 1) for k, i in zip(rounded, degrees))
    report(name, c, fitted / values - 1, "relative")


def fit_erf_large() -> None:
    """ln erfc(x) on [0.9, 4], weighted so that the absolute error of erf is least."""
    low, high = 0.9, 4.0
    x = chebyshev_points(low, high)
    erfc = np.array([math.erfc(v) for v in x])
    centre, half = (low + high) / 2, (high - low) / 2
    s = (x - centre) / half
    scaled = lawson(np.stack([s**i for i in range(6)], 1), np.log(erfc), erfc)
    polynomial = np.poly1d([0.0])
    for i, c in enumerate(scaled):
        polynomial = polynomial + c * np.poly1d([1 / half, -centre / half]) ** i
    c = polynomial.coeffs[::-1]
    rounded = c.astype(np.float32).astype(np.float64)
    fitted = 1 - np.exp(sum(k * x**i for i, k in enumerate(rounded)))
    report("erf from 0.9: ln erfc", c, fitted - (1 - erfc), "absolute")


if __name__ == "__main__":
    fit_exp()
    fit_odd("erf below 0.9", math.erf, 0.9, range(6), 0.0)
    fit_erf_large()
    fit_odd("tanh below 0.5", math.tanh, 0.5, range(1, 5), 1.0)
