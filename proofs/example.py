"""Make the beliefs that come with the package, from a simulated table.

python proofs/example.py
"""

from pathlib import Path

import numpy as np
import xarray as xr

import coterie as co

OUTCOMES = (
    co.Outcome.binary("save", successes="saves", trials="listeners"),
    co.Outcome.binary("add", successes="adds", trials="listeners"),
    co.Outcome.binary("follow", successes="follows", trials="listeners"),
    co.Outcome.count("depth", total="downstream_streams", exposure="new_listeners"),
    co.Outcome.count("reach", total="listeners", exposure="spend", informs=False),
)
BUNDLED = Path(__file__).parents[1] / "src" / "coterie" / "beliefs" / "bundled"
CLUSTERS = ("late-night headphones", "indie pop", "gym", "focus", "road trip")
ARTISTS = (
    "Ana Vale", "Bright Harbour", "Cold Letters", "Dune Parade", "Elm & Ash", "Ferro", "Glass Kin",
    "Halden", "Ivory Static", "Juno Park", "Kite Season", "Low Meridian", "Marrow", "Night Ferry",
    "Oslo Choir", "Paper Tigers", "Quiet Riot Club", "Rue Verte", "Salt Year", "Tidal Lock",
)  # fmt: skip
SHARES = dict(zip(CLUSTERS, (0.3, 0.25, 0.2, 0.15, 0.1), strict=True))
PROB = dict(zip(CLUSTERS, (0.35, 0.3, 0.25, 0.2, 0.15), strict=True))
SEED = 20260907
TRIES = 5


def thinned(beliefs: co.Beliefs) -> co.Beliefs:
    """Keep the draws at which beliefs were integrated, and those in the middle between two."""
    sizes = beliefs.tree["posterior"].sizes["draw"]
    at = beliefs.tree["beliefs"]["draw"].to_numpy()
    kept = np.union1d(at, (at[:-1] + at[1:]) // 2)
    own = {
        path: node.to_dataset().pipe(
            lambda d: d.sel(draw=kept) if d.sizes.get("draw") == sizes else d
        )
        for path, node in beliefs.tree.subtree_with_keys
    }
    for dataset in own.values():
        for name in dataset.data_vars:
            if "draw" in dataset[name].dims and dataset[name].dtype == np.float64:
                dataset[name] = dataset[name].astype(np.float32)
    tree = xr.DataTree.from_dict(own)
    tree.attrs = dict(beliefs.tree.attrs) | {"coterie_draws_asked": kept.size}
    return co.Beliefs(tree)


def main() -> None:
    """Fit one home and many homes, and save both."""
    for homes in ("one", "many"):
        rng = np.random.default_rng(SEED)
        world = co.simulate.world(
            artists=ARTISTS,
            clusters=CLUSTERS,
            homes=homes,
            outcomes=OUTCOMES,
            listeners=1500,
            elsewhere=0.05,
            rng=rng,
        )
        prior = co.MembershipPrior.from_shares(SHARES, prob=PROB)
        for again in range(TRIES):
            whole = co.fit(
                world.evidence(),
                prior,
                homes=homes,
                draws=3600,
                tune=1500,
                belief_draws=360,
                rng=np.random.default_rng([SEED, again]),
            )
            # Few draws are kept, and are to have settled by themselves.
            beliefs = thinned(whole)
            if beliefs.diagnose().ok:
                break
            print(homes, again, beliefs.diagnose().lines)
        assert beliefs.diagnose().ok, beliefs.diagnose()
        beliefs.save(BUNDLED / f"{homes}.nc")
        print(homes, (BUNDLED / f"{homes}.nc").stat().st_size, beliefs.diagnose())
        truth = world.truth["home" if homes == "one" else "member"]
        print(beliefs, truth.to_series(), sep="\n")


if __name__ == "__main__":
    main()
