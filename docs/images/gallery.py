"""Draw the thumbnails of the gallery, from the beliefs that come with the package.

python docs/images/gallery.py
"""

from pathlib import Path

import numpy as np

import coterie as co

HERE = Path(__file__).parent / "gallery"


def main() -> None:
    """Draw each picture small."""
    rng = np.random.default_rng(7)
    one, many = co.example_beliefs("one"), co.example_beliefs("many")
    later = co.backtest(one, one.evidence, of="observed", rng=rng)
    pictures = {
        "plot_home": co.plot_home(one, artists=["Juno Park"], backend="matplotlib"),
        "plot_affinity": co.plot_affinity(
            many, artists=list(many.evidence.artists[:8]), backend="matplotlib"
        ),
        "plot_ranks": co.plot_ranks(one, artist="Juno Park", backend="matplotlib"),
        "plot_rates": co.plot_rates(one, outcome="save", artists=["Marrow"], backend="matplotlib"),
        "plot_depth": co.plot_depth(one, artists=["Oslo Choir"], backend="matplotlib"),
        "plot_prior": co.plot_prior(
            co.PopulationPrior(), one.evidence.outcomes[:2], rng=rng, backend="matplotlib"
        ),
        "plot_update": co.plot_update(one, artist="Marrow", backend="matplotlib"),
        "plot_ppc": co.plot_ppc(co.predictive_check(one, rng=rng), backend="matplotlib"),
        "plot_calibration": co.plot_calibration(later, backend="matplotlib"),
        "plot_sensitivity": co.plot_sensitivity(
            co.sensitivity(one, artists=["Marrow", "Halden"]), backend="matplotlib"
        ),
    }
    worth = {"save": 1.0, "add": 1.5, "follow": 4.0, "depth": 0.1}
    money = co.durable_yield(one, "Oslo Choir", values=worth, rng=rng)
    pictures["plot_finding"] = co.plot_finding(money, backend="matplotlib")
    for name, plots in pictures.items():
        plots.savefig(HERE / f"{name}.png", dpi=70)


if __name__ == "__main__":
    main()
