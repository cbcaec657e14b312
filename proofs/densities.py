"""Densities: the log masses behind every fit, and their slopes, against sixty-digit arithmetic.

    python proofs/densities.py    # 10,000 random points for each family and region, seed 1

An error is told as a share of what is allowed: 1e-8, and 1e-10 of the exact number.
"""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mpmath
import numpy as np

from coterie.beliefs.density import log_constant, log_kernel, shared_part

RESULTS = Path(__file__).parent / "results" / "densities.json"
POINTS, SEED = 10_000, 1
REGIONS = {"1e-3 to 1e8": (-3.0, 8.0, 9.0), "1e8 to 1e15": (8.0, 15.0, 6.0)}
"""Powers of ten of the concentration, and the largest power of ten of the counts."""


def exact(eta: float, kappa: float, y: float, n: float, is_count: bool) -> tuple[Any, Any, Any]:
    """Return the log mass, and its slopes in eta and in log kappa."""
    eta, kappa, y, n = map(mpmath.mpf, (eta, kappa, y, n))  # type: ignore[assignment]
    gamma, log = mpmath.loggamma, mpmath.log

    def rise(x: Any, by: Any) -> Any:
        return mpmath.psi(0, x + by) - mpmath.psi(0, x)

    if is_count:
        mean = n * mpmath.exp(eta)
        value = gamma(y + kappa) - gamma(kappa) - gamma(y + 1)
        value += y * log(mean / (kappa + mean)) - kappa * mpmath.log1p(mean / kappa)
        slope = rise(kappa, y) - mpmath.log1p(mean / kappa) + (mean - y) / (kappa + mean)
        return value, kappa * (y - mean) / (kappa + mean), kappa * slope
    mu, other = 1 / (1 + mpmath.exp(-eta)), 1 / (1 + mpmath.exp(eta))
    a, b = mu * kappa, other * kappa
    value = gamma(n + 1) - gamma(y + 1) - gamma(n - y + 1)
    value += gamma(a + y) - gamma(a) + gamma(b + n - y) - gamma(b)
    value += gamma(kappa) - gamma(kappa + n)
    up, down = rise(a, y), rise(b, n - y)
    return value, a * other * (up - down), a * up + b * down - kappa * rise(kappa, n)


def points(
    is_count: bool, region: tuple[float, float, float], rng: np.random.Generator
) -> Iterator[tuple[float, float, float, float]]:
    """Give (eta, kappa, y, n): y at an end, at its mean, drawn from the law, or anywhere."""
    low, high, largest = region
    for _ in range(POINTS):
        n = float(np.floor(10 ** rng.uniform(0, largest)))
        kappa, eta = 10 ** rng.uniform(low, high), rng.uniform(-10, 3 if is_count else 10)
        if is_count:
            mean = n * math.exp(eta)
            drawn = rng.poisson(min(mean * rng.gamma(min(kappa, 1e6)) / min(kappa, 1e6), 1e9))
            choice = (0.0, np.floor(mean), drawn, np.floor(mean * 10 ** rng.uniform(-2, 1)))
            y = min(float(choice[rng.integers(4)]), 10**largest)
        else:
            mean = n / (1 + math.exp(-eta))
            drawn = rng.binomial(int(n), mean / n)
            y = float((0.0, n, np.floor(mean), drawn, rng.integers(int(n) + 1))[rng.integers(5)])
        yield eta, kappa, y, n


def worst(is_count: bool, region: tuple[float, float, float]) -> tuple[list[float], int]:
    """Return the largest error of mass and slopes, each as a share of what is allowed."""
    rng = np.random.default_rng(SEED)
    found, beyond = [0.0, 0.0, 0.0], 0
    for case in points(is_count, region, rng):
        kernel = log_kernel(*case, *shared_part(*case[1:], is_count), is_count)
        y, n = (np.array([v]) for v in case[2:])
        ours = (kernel[0] + log_constant(y, n, np.array([is_count]))[0], *kernel[1:])
        shares = [
            float(abs(mpmath.mpf(float(mine)) - true) / (mpmath.mpf("1e-8") + abs(true) / 10**10))
            for mine, true in zip(ours, exact(*case, is_count), strict=True)
        ]
        beyond += max(shares) > 1
        found = [max(pair) for pair in zip(found, shares, strict=True)]
    return found, beyond


def main() -> None:
    """Measure, print, keep."""
    mpmath.mp.dps = 60
    table = []
    for family, is_count in (("beta-binomial", False), ("gamma-Poisson", True)):
        for name, region in REGIONS.items():
            shares, beyond = worst(is_count, region)
            row = {"family": family, "counts to": f"1e{region[2]:.0f}", "concentration": name}
            row |= {"points": f"{POINTS:,}", "beyond what is allowed": str(beyond)}
            parts = ("log mass", "slope in the level", "slope in log kappa")
            words = [f"{share:.1%} of what is allowed" for share in shares]
            table.append(row | dict(zip(parts, words, strict=True)))
            print(table[-1], flush=True)
    kept = {"command": "python proofs/densities.py", "seed": SEED, "table": table}
    RESULTS.write_text(json.dumps(kept, indent=1) + "\n")


if __name__ == "__main__":
    main()
