"""Draw the pictures of the ideas, from a simulated world and from the results of the proofs.

python docs/ideas/pictures.py
"""

import json
import warnings
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np

import coterie as co
from coterie.findings.replicating import RANKED

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


def reliability() -> None:
    """Draw how often beliefs are true, by bin of belief."""
    held = json.loads((RESULTS / "calibration.json").read_text())
    figure, axes = plt.subplots(1, 2, figsize=(8, 3.6), sharey=True, layout="constrained")
    for axis, (mode, found) in zip(axes, held.items(), strict=True):
        bins = found["bins"]
        said = [b["mean_belief"] for b in bins]
        error = [2 * b["se"] / b["n"] for b in bins]
        axis.plot([0, 1], [0, 1], color="#999999", linewidth=1)
        true = [b["share_true"] for b in bins]
        axis.errorbar(said, true, error, fmt="o", color="#0072B2", capsize=2, markersize=4)
        axis.set_title(f"{mode} home{'s' if mode == 'many' else ''}", fontsize=11)
        axis.set(xlabel="Belief", xlim=(0, 1), ylim=(0, 1), aspect="equal")
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("Share that is true")
    figure.savefig(HERE / "reliability.png", dpi=150)


def ranks() -> None:
    """Draw the ranks of the truth of every statistic, less the uniform distribution."""
    folder = RESULTS / "ranks"
    families = sorted({file.stem.rsplit("-", 1)[0] for file in folder.glob("*.json")})
    if not families:
        return
    figure, axes = plt.subplots(
        1, len(families), figsize=(3.2 * len(families), 3), sharey=True, layout="constrained"
    )
    for axis, family in zip(np.atleast_1d(axes), families, strict=True):
        files = sorted(folder.glob(f"{family}-*.json"))
        held = [r["ranks"] for f in files for r in json.loads(f.read_text())["replications"]]
        places = (np.arange(RANKED + 1) + 1) / (RANKED + 1)
        below = np.array(held)[:, :, None] <= np.arange(RANKED + 1)
        band = 2.576 * np.sqrt(places * (1 - places) / len(held))
        axis.fill_between(places, -band, band, color="#dddddd", linewidth=0)
        axis.plot(places, (below.mean(axis=0) - places).T, color="#0072B2", alpha=0.35, linewidth=1)
        axis.set_title(f"{family}, {len(held):,} worlds", fontsize=10)
        axis.set(xlabel="Rank of the truth / 100", xlim=(0, 1))
        axis.spines[["top", "right"]].set_visible(False)
    np.atleast_1d(axes)[0].set_ylabel("Observed less uniform")
    figure.savefig(HERE / "ranks.png", dpi=150)


if __name__ == "__main__":
    reliability()
    ranks()
    prior_to_posterior()
    interval_and_artists()
