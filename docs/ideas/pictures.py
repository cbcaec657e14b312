"""Draw the pictures of "what a belief is" from a simulated world and from a study's results.

python docs/ideas/pictures.py
"""

import json
import warnings
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np

import coterie as co

HERE = Path(__file__).parent
RESULTS = HERE.parents[1] / "proofs" / "results"
CLUSTERS = ["late-night headphones", "indie pop", "gym", "focus", "road trip"]


def prior_to_posterior() -> None:
    """Draw two artists of a world whose homes are known."""
    rng = np.random.default_rng(7)
    artists = [f"artist {i + 1}" for i in range(60)]
    world = co.simulate.world(artists=artists, clusters=CLUSTERS, homes="one", rng=rng)
    shares = dict(zip(CLUSTERS, [0.4, 0.25, 0.15, 0.1, 0.1], strict=True))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", co.ConvergenceWarning)
        beliefs = co.fit(
            world.evidence(),
            co.MembershipPrior.from_shares(shares),
            draws=500,
            chains=2,
            rng=rng,
        )
    best = beliefs.home.mean(("chain", "draw")).max("cluster").to_series().sort_values()
    shown = [best.index[-1], best.index[len(best) // 6]]
    co.plot_home(beliefs, artists=shown, backend="matplotlib").savefig(HERE / "belief.png")


def interval_and_artists() -> None:
    """Draw the width of intervals against artists, and against one artist's own listeners."""
    found = json.loads((RESULTS / "shrinking.json").read_text())
    figure, axes = plt.subplots(1, 2, figsize=(8, 3), sharey=True, layout="constrained")
    arms = (
        ("artists_added", "Artists in the table"),
        ("own_listeners_times", "One artist's listeners, times"),
    )
    for axis, (arm, label) in zip(axes, arms, strict=True):
        sizes = [int(size) for size in found[arm]]
        axis.plot(sizes, [found[arm][str(s)]["log_odds"] for s in sizes], "o-", color="#0072B2")
        axis.set(xscale="log", xlabel=label)
        axis.set_xticks(sizes, [str(size) for size in sizes], minor=False)
        axis.xaxis.set_minor_locator(mpl.ticker.NullLocator())
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylim(bottom=0)
    axes[0].set_ylabel("Width of the 90 % interval\n(log odds, nats)")
    figure.savefig(HERE / "interval.png", dpi=150)


if __name__ == "__main__":
    prior_to_posterior()
    interval_and_artists()
