"""Published results: are they what this library finds in the same data under the same priors.

    python proofs/references.py ../shared/reference

Reads the reference files of a folder, runs each data set through Evidence.from_frame, fit,
mode and predict, and compares every published number with ours. Tolerances are those of the
files, with four Monte Carlo standard errors of ours on top; published standard errors have no
stated tolerance and get 1 % of themselves.
"""

import json
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from arviz_stats.base import array_stats
from scipy.special import expit

import coterie as co

RESULTS = Path(__file__).parent / "results"
SEED = 20261124
ERRORS = 4
SE_SHARE = 0.01

Found = dict[str, dict[str, tuple[float, float]]]
"""By estimate and statistic: our value and its Monte Carlo standard error."""

ZERO = co.ParameterPrior.fixed(0.0)
POOLED = co.PopulationPrior().replace(
    loading=ZERO, kappa_spread=ZERO, cluster_scale=ZERO, period_scale=ZERO
)
"""No affinity, no clusters, no windows: a hierarchy of units alone."""

ONE_LEVEL = POOLED.replace(artist_scale=ZERO)
NO_SCATTER = co.ParameterPrior.fixed(np.inf)


def table(columns: dict[str, Any], **arguments: Any) -> co.Evidence:
    """Read units that all stand in one cluster."""
    size = len(next(iter(columns.values())))
    frame = {"artist": [f"unit {i + 1}" for i in range(size)], "cluster": ["all"] * size, **columns}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", co.EvidenceWarning)
        return co.Evidence.from_frame(frame, **arguments)


def of_draws(draws: Any) -> dict[str, tuple[float, float]]:
    """Summarise draws over (chain, draw): each statistic with its Monte Carlo error."""
    values = np.asarray(draws, dtype=np.float64)
    told = {
        "mean": (values.mean(), array_stats.mcse(values, method="mean")),
        "sd": (values.std(ddof=1), array_stats.mcse(values, method="sd")),
    }
    for percent in (2.5, 10, 50, 90, 97.5):
        share = percent / 100
        error = array_stats.mcse(values, method="quantile", prob=share)
        told[f"q{percent:g}"] = (np.quantile(values, share), error)
    return {name: (float(value), float(error)) for name, (value, error) in told.items()}


def exact(**values: float) -> Found:
    """Return point estimates, which have no Monte Carlo error."""
    return {name: {"value": (float(value), 0.0)} for name, value in values.items()}


def rate_pair(alpha: Any, kappa: Any) -> tuple[Any, Any]:
    """Return the two shapes of the Beta law with this level and concentration."""
    return expit(alpha) * kappa, expit(-alpha) * kappa


def bda3(alpha: Any, kappa: Any) -> Any:
    """Prior (a + b)^(-5/2) on the shapes, as a density of log odds and concentration."""
    return (-1.5 * np.log(kappa) - alpha - 2 * np.log1p(np.exp(-alpha))).sum()


def bugs_scale(artist_scale: Any) -> Any:
    """Prior Gamma(0.001, 0.001) on the precision, as a density of the standard deviation."""
    return (2 * 0.999 * np.log(artist_scale) - 0.001 / artist_scale**2).sum() - (
        3 * np.log(artist_scale)
    ).sum()


def rat_tumours(columns: dict[str, list[int]]) -> dict[str, Found]:
    rng = np.random.default_rng(SEED)
    outcomes = [co.Outcome.binary("tumour", successes="y", trials="n")]
    whole = table(columns, outcomes=outcomes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", co.ImproperPriorWarning)
        population = ONE_LEVEL.with_joint(bda3, over=("alpha", "kappa"), improper=True)
    beliefs = co.fit(whole, None, homes=None, population=population, draws=2500, rng=rng)
    post = beliefs.tree["posterior"].to_dataset().isel(outcome=0)
    a, b = rate_pair(post["alpha"], post["kappa"])
    rates = co.predict(beliefs, whole, of="observed", rng=rng)["rate"].isel(binary_outcome=0)
    posterior = {
        "alpha": of_draws(a),
        "beta": of_draws(b),
        "alpha/(alpha+beta)": of_draws(expit(post["alpha"])),
        "log(alpha+beta)": of_draws(np.log(post["kappa"])),
    } | {f"theta[{row}]": of_draws(rates.isel(row=row - 1)) for row in (1, 67, 68, 71)}
    early = table({k: v[:70] for k, v in columns.items()}, outcomes=outcomes)
    top = co.mode(early, population=ONE_LEVEL, rng=rng)
    a, b = rate_pair(top["alpha"].item(), top["kappa"].item())
    return {
        "bda3_full_bayes": posterior,
        "quadrature": posterior,
        "bayesgof_mle_70": exact(alpha=a, beta=b),
        "bda3_moment_point": moments(early, whole, rng),
    }


def moments(early: co.Evidence, whole: co.Evidence, rng: np.random.Generator) -> Found:
    """Return the moment estimate of raw rates, and what it says of the last unit."""
    counts = early.counts
    raw = (counts["numerator"] / counts["denominator"]).to_numpy()
    mean, spread = raw.mean(), raw.var(ddof=1)
    size = mean * (1 - mean) / spread - 1
    stated = ONE_LEVEL.replace(
        alpha=co.ParameterPrior.fixed(float(np.log(mean / (1 - mean)))),
        kappa=co.ParameterPrior.fixed(float(size)),
    )
    beliefs = co.fit(whole, None, homes=None, population=stated, draws=4000, rng=rng)
    rates = co.predict(beliefs, whole, of="observed", rng=rng)["rate"]
    last = of_draws(rates.isel(binary_outcome=0, row=70))
    return exact(alpha=mean * size, beta=(1 - mean) * size) | {"theta[71]|moment_prior": last}


def seeds(columns: dict[str, list[int]]) -> dict[str, Found]:
    rng = np.random.default_rng(SEED)
    both = np.multiply(columns["seed_o73"], columns["root_cucumber"]).tolist()
    slopes = {"alpha1": "seed_o73", "alpha2": "root_cucumber", "alpha12": "both"}
    plates = table(
        {**columns, "both": both},
        outcomes=[co.Outcome.binary("germinated", successes="r", trials="n")],
        covariates=[co.Covariate(name, centre=0, unit=1) for name in slopes.values()],
    )
    vague = co.ParameterPrior.normal(0, 1000)
    population = POOLED.replace(kappa=NO_SCATTER, alpha=vague, slope=vague)
    population = population.with_joint(bugs_scale, over=("artist_scale",))
    beliefs = co.fit(
        plates, None, homes=None, population=population, draws=4000, target_accept=0.9, rng=rng
    )
    post = beliefs.tree["posterior"].to_dataset().isel(outcome=0)
    posterior = {
        "alpha0": of_draws(post["alpha"]),
        "sigma": of_draws(post["artist_scale"]),
    } | {name: of_draws(post["slope"].sel(covariate=x)) for name, x in slopes.items()}
    top = co.mode(plates, population=ONE_LEVEL, rng=rng).isel(outcome=0)
    size, error = top["kappa"].item(), top["se_kappa"].item()
    found = exact(alpha0=top["alpha"].item(), rho=1 / (1 + size), loglik=top.log_likelihood)
    found["alpha0"]["se"] = (top["se_alpha"].item(), 0.0)
    found["rho"]["se"] = (error / (1 + size) ** 2, 0.0)
    for name, x in slopes.items():
        own = top.sel(covariate=x)
        found[name] = {
            "value": (own["slope"].item(), 0.0), "se": (own["se_slope"].item(), 0.0)
        }  # fmt: skip
    return {
        "openbugs_50k": posterior,
        "bugs_manual": posterior,
        "nuts_long": posterior,
        "beta_binomial_mle": found,
    }


def billboard_exposures(columns: dict[str, list[int]]) -> dict[str, Found]:
    people = table(
        {**columns, "weeks": [1.0] * len(columns["people"])},
        outcomes=[co.Outcome.count("seen", total="exposures", exposure="weeks")],
        weight="people",
    )
    top = co.mode(people, population=ONE_LEVEL, rng=np.random.default_rng(SEED))
    r = top["kappa"].item()
    point = exact(r=r, alpha=r / np.exp(top["alpha"].item()), loglik=top.log_likelihood)
    return {"nbd_mle": point, "nbd_mle_precise": point}


DATA: dict[str, Callable[[dict[str, list[int]]], dict[str, Found]]] = {
    "rat_tumours": rat_tumours,
    "seeds": seeds,
    "billboard_exposures": billboard_exposures,
}


def tolerance(block: dict[str, Any], name: str, statistic: str) -> float:
    """Return how far a number may lie from the published one, Monte Carlo error apart."""
    published = block["estimates"][name]
    stated = block["tolerance"]
    key = "quantiles" if statistic.startswith("q") else statistic
    key = "loglik" if name == "loglik" and "loglik" in stated else key
    if key == "se":
        return SE_SHARE * abs(published["se"])
    rule = stated[key]
    if "abs" in rule:
        return float(rule["abs"][name] if isinstance(rule["abs"], dict) else rule["abs"])
    if "rel" in rule:
        return float(rule["rel"]) * abs(published[statistic])
    spread = published.get("sd")
    if spread is None:
        # A normal's 95 % interval is 3.92 standard deviations wide.
        spread = (published["q97.5"] - published["q2.5"]) / 3.92
    return float(rule["abs_in_ref_sd"]) * float(spread)


def compare(block: dict[str, Any], found: Found) -> list[dict[str, Any]]:
    """Return one line for each published number of a block."""
    lines = []
    for name, published in block["estimates"].items():
        for statistic, value in published.items():
            if statistic == "mcse_mean":
                continue
            ours, error = found[name][statistic]
            allowed = tolerance(block, name, statistic) + ERRORS * error
            lines.append(
                {
                    "estimate": name, "statistic": statistic, "ours": ours, "published": value,
                    "difference": ours - value, "mcse": error, "tolerance": allowed,
                    "within": bool(abs(ours - value) <= allowed),
                }
            )  # fmt: skip
    return lines


def main(folder: Path) -> None:
    told: list[dict[str, Any]] = []
    for name, run in DATA.items():  # mixtures of two kinds are none of this model's
        file = json.loads((folder / f"{name}.json").read_text())
        found = run(file["data"]["columns"])
        for block in file["references"]:
            lines = compare(block, found[block["id"]])
            good = sum(line["within"] for line in lines)
            print(f"{name} {block['id']}: {good} of {len(lines)} within tolerance")
            told.append({"data": name, "block": block["id"], "lines": lines})
    result = {
        "command": "python proofs/references.py ../shared/reference",
        "seed": SEED,
        "version": co.__version__,
        "blocks": told,
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "references.json").write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    match sys.argv[1:]:
        case [folder]:
            main(Path(folder))
        case _:
            sys.exit(__doc__)
