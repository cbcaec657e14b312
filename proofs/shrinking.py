"""Intervals of beliefs: do they mean what they are said to mean.

The interval of a belief is how far the population parameters are unsettled. It should shrink
as artists are added, and should not shrink because one artist has more listeners.

    python proofs/shrinking.py

One world of 300 artists, fitted on its first 30, first 100 and all; then the first 30 again,
with every listener of its first artist counted 10 and 100 times. Widths are of the 90 %
equal-tailed interval of the log odds of membership, in nats, where a probability near 0 or 1
does not hide them.
"""

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import logit

import coterie as co

RESULTS = Path(__file__).parent / "results"
SEED, PI, FEW = 20261123, 0.25, 30
COUNTED = ("saves", "adds", "follows", "downstream_streams", "listeners", "new_listeners")


def widths(frame: Any, clusters: list[Any], artists: list[Any]) -> dict[str, float]:
    """Fit, and return the mean width over the pairs of some artists."""
    evidence = co.Evidence.from_frame(frame)
    prior = co.MembershipPrior.uniform(clusters, prob=PI)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", co.ConvergenceWarning)
        beliefs = co.fit(
            evidence, prior, homes="many", draws=1000, tune=500, chains=2, belief_draws=1000,
            rng=np.random.default_rng(SEED),
        )  # fmt: skip
    drawn = beliefs.membership.sel(artist=artists).stack(sample=("chain", "draw"))
    near = np.clip(drawn.transpose("sample", ...).to_numpy(), 1e-12, 1 - 1e-12)
    low, high = np.quantile(logit(near), [0.05, 0.95], axis=0)
    low_p, high_p = np.quantile(near, [0.05, 0.95], axis=0)
    return {"log_odds": float((high - low).mean()), "probability": float((high_p - low_p).mean())}


def main() -> None:
    """Run both arms, print and keep."""
    world = co.simulate.world(artists=300, homes="many", pi=PI, rng=np.random.default_rng(SEED))
    frame = world.evidence().to_frame()
    artists = world.truth["artist"].to_numpy().tolist()
    clusters = world.truth["cluster"].to_numpy().tolist()
    found: dict[str, Any] = {"seed": SEED, "artists_added": {}, "own_listeners_times": {}}
    for size in (FEW, 100, 300):
        part = frame[frame["artist"].isin(artists[:size])]
        found["artists_added"][size] = widths(part, clusters, artists[:FEW])
        print(size, found["artists_added"][size], flush=True)
    for times in (1, 10, 100):
        part = frame[frame["artist"].isin(artists[:FEW])].copy()
        own = part["artist"] == artists[0]
        for column in COUNTED:
            part.loc[own, column] *= times
        found["own_listeners_times"][times] = widths(part, clusters, artists[:1])
        print(times, found["own_listeners_times"][times], flush=True)
    (RESULTS / "shrinking.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
