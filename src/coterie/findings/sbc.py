"""SBC: simulation-based calibration of the whole library, resumable.

Draws worlds from the priors, fits each through the public surface, and asks whether the
truth can be told from the draws. Callers may trust that every replication asked for is
counted, whatever became of its fit, and that runs of other code are never added to these.

Source: Talts, Betancourt, Simpson, Vehtari and Gelman (2018), Validating Bayesian inference
algorithms with simulation-based calibration; Modrak and others (2023) for statistics that
depend on the data, such as the log likelihood.
"""

from __future__ import annotations

import hashlib
import json
import os
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import xarray as xr

import coterie
from coterie.beliefs import fit
from coterie.errors import FindingError
from coterie.findings.families import FAMILIES, Family
from coterie.findings.finding import UNIT, Finding
from coterie.findings.replicating import PLANTED, RANKED, Fits, replicate
from coterie.findings.uniform import FAMILY_WISE, belief_test, covered, rank_test

CHUNK: Final = 25
"""Replications in one file."""

STATISTIC: Final = "statistic"
_EFFECT: Final = "_effect "
_RHAT_MOST: Final = 1.01
_ESS_LEAST: Final = 400
_FEWEST: Final = 2
# What the ranks depend on: the simulator, the model, its integrals, and what is ranked. Not
# who reads tables, keeps files or watches the sampler.
_SOURCES: Final = (
    "evidence/simulate*.py",
    *(
        f"beliefs/{module}.py"
        for module in (
            "assemble", "blueprint", "chain", "density", "design", "fit_law", "fits", "given",
            "highest", "integrals", "interpolation", "late_density", "left_out", "local_effects",
            "maturity", "membership", "model", "parameters", "pilot", "population", "predicting",
            "priors", "rates", "rows", "smooth", "thinning", "vector_artists", "vector_density",
            "vector_factors", "vector_index", "vector_maps", "vector_plan", "vector_likelihood",
        )
    ),
    "findings/families.py",
    "findings/replicating.py",
)  # fmt: skip


def sbc(
    family: str | Family,
    *,
    folder: str | os.PathLike[str],
    replications: int = CHUNK,
    seed: int = 0,
    fits: Fits = fit,
    only: Iterable[int] | None = None,
    planted: Literal["narrow", "shift"] | None = None,
) -> Finding:
    """Calibrate the inference on simulated worlds of one family.

    Each replication draws population parameters, memberships and counts from exactly the
    prior that is then fitted, with 4 chains and at least 400 effective draws (a world that
    has not settled is sampled once more, for longer). The truth is ranked among 99 draws.

    Parameters
    ----------
    family
        ``"one-home"``, ``"many-homes"``, ``"unequal-sizes"``, ``"rare-outcomes"``,
        ``"missing-outcomes"``, ``"window-drift"``, or a family of your own.
    folder
        Holds one file for every 25 replications, written whole or not at all. Files that are
        there are read, not run again, so that several runs add to one.
    replications
        How many in all. A file that holds fewer than are asked for is made anew.
    seed
        With the number of a replication it fixes all its chance.
    fits
        Called in place of :func:`coterie.fit`, to put another fit, or a fault, to the test.
    only
        Chunks to run now, by number; the others are read if they are there. Left out: all.
    planted
        Ask how strong the tests are: judge the same fits with the draws of artist and cluster
        effects 0.8 times as wide (``"narrow"``) or moved by 0.2 SD (``"shift"``). A sound test
        flags them.

    Returns
    -------
    Finding
        One row a statistic: ``p_value``, ``coverage50``, ``coverage90``, ``flagged`` (the
        p-value is below 0.01 over the number of statistics of all families) and
        ``replications``. Provenance has the seed, the hash of the code and of the results,
        and the share of fits that diverged or did not settle.

    Raises
    ------
    FindingError
        If the family is unknown, replications are fewer than 2, a file is damaged or of
        another seed, or other code would add to the files that are there.

    Examples
    --------
    >>> co.sbc("one", folder="ranks", replications=100)  # doctest: +SKIP
    """
    made = _family(family)
    if replications < _FEWEST:
        raise FindingError(f"replications is {replications}; state at least {_FEWEST}.")
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    wanted = [range(i, min(i + CHUNK, replications)) for i in range(0, replications, CHUNK)]
    chosen = set(range(len(wanted)) if only is None else only)
    held: list[dict[str, Any]] = []
    for chunk, numbers in enumerate(wanted):
        path = place / f"{made.name}-{chunk:04d}.json"
        content = _read(path, seed) if path.exists() else None
        if chunk in chosen and (content is None or len(content["replications"]) < len(numbers)):
            _same_code([*held, {"code": code_hash()}], place)
            _write(path, _run(made, seed, numbers, fits))
            content = _read(path, seed)
        if content is not None:
            held.append(content | {"replications": content["replications"][: len(numbers)]})
    _same_code(held, place)
    if sum(len(content["replications"]) for content in held) < _FEWEST:
        raise FindingError(f"No replication of {made.name!r} is in {str(place)!r}. Run some.")
    return _finding(made, held, _provenance(made, held, seed, place), planted)


def code_hash() -> str:
    """Return a hash of the code on which the ranks depend."""
    root = Path(coterie.__file__).parent
    files = [file for pattern in _SOURCES for file in sorted(root.glob(pattern))]
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.relative_to(root).as_posix().encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:16]


def _family(family: str | Family) -> Family:
    if isinstance(family, Family):
        return family
    if family not in FAMILIES:
        raise FindingError(f"family is {family!r}; known are {', '.join(FAMILIES)}.")
    return FAMILIES[family]


def _run(family: Family, seed: int, numbers: range, fits: Fits) -> dict[str, Any]:
    salt = zlib.crc32(family.name.encode())
    made = [replicate(family, [seed, salt, i], fits=fits) for i in numbers]
    statistics = list(made[0]["ranks"])
    return {
        "family": family.name,
        "seed": seed,
        "code": code_hash(),
        "coterie": coterie.__version__,
        "statistics": statistics,
        "replications": [{"number": i} | _packed(r) for i, r in zip(numbers, made, strict=True)],
    }


def _packed(replication: dict[str, Any]) -> dict[str, Any]:
    """Name the statistics once a file, not once a replication."""
    by_name = {key: list(replication[key].values()) for key in ("ranks", *PLANTED)}
    return replication | by_name


def _write(path: Path, content: dict[str, Any]) -> None:
    beside = path.with_suffix(".part")
    beside.write_text(json.dumps(content, separators=(",", ":")) + "\n", encoding="utf-8")
    beside.replace(path)


def _read(path: Path, seed: int) -> dict[str, Any]:
    try:
        held: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        told, _, _ = held["seed"], held["code"] + "", held["replications"][0]["ranks"]
    except (ValueError, LookupError, TypeError) as error:
        raise FindingError(
            f"{path.name} is damaged ({error}). Delete it; it is made anew."
        ) from error
    if told != seed:
        raise FindingError(
            f"{path.name} was made with seed {told}; this is seed {seed}. Use another folder."
        )
    return held


def _same_code(held: list[dict[str, Any]], place: Path) -> None:
    codes = {content["code"] for content in held}
    if len(codes) > 1:
        raise FindingError(
            f"{str(place)!r} would hold replications of {len(codes)} versions of the code "
            f"({', '.join(sorted(codes))}), which do not add up. Use another folder."
        )


def _finding(
    family: Family, held: list[dict[str, Any]], provenance: dict[str, Any], planted: str | None
) -> Finding:
    found: list[dict[str, Any]] = [r for content in held for r in content["replications"]]
    ranks = {
        name: np.array([r[planted if planted and _EFFECT in name else "ranks"][i] for r in found])
        for i, name in enumerate(held[0]["statistics"])
    }
    tests = {name: rank_test(of, RANKED) for name, of in ranks.items()} | _come_true(family, found)
    # About as many statistics in each family; the limit is the same whichever is asked for.
    limit = FAMILY_WISE / (len(FAMILIES) * len(tests))
    p_value = np.array(list(tests.values()))
    coverage = {
        prob: [covered(ranks[n], RANKED, prob) if n in ranks else np.nan for n in tests]
        for prob in (0.5, 0.9)
    }
    table = xr.Dataset(
        {
            "p_value": (STATISTIC, p_value, {UNIT: "probability"}),
            "coverage50": (STATISTIC, coverage[0.5], {UNIT: "share of replications"}),
            "coverage90": (STATISTIC, coverage[0.9], {UNIT: "share of replications"}),
            "flagged": (STATISTIC, p_value < limit, {UNIT: "yes or no"}),
            "replications": (STATISTIC, np.full(len(tests), len(found)), {UNIT: "count"}),
        },
        coords={STATISTIC: list(tests)},
    )
    return Finding(
        kind="sbc",
        headline=_headline(family, table, limit),
        table=table,
        caveats=_caveats(found, held[0]["code"]),
        provenance=provenance | {"limit": limit, "planted": planted or "nothing"},
    )


def _come_true(family: Family, found: list[dict[str, Any]]) -> dict[str, float]:
    """Test whether what is believed comes true as often as it is said to."""
    said, so, best, is_best = (
        np.array([r[key] for r in found]) for key in ("belief", "member", "best", "is_best")
    )
    tests = {"belief is true": belief_test(said, so)}
    # The clusters' shares differ, so that a prior that is ignored leans each its own way.
    for cluster in (0, family.clusters - 1):
        here = slice(cluster, None, family.clusters)
        tests[f"belief in cluster {cluster + 1} is true"] = belief_test(said[:, here], so[:, here])
    # What draws of affinities say of a home or a membership by themselves, and of homes elsewhere.
    for name, told, truth in (
        ("affinities drawn", "drawn", "member"), ("elsewhere is true", "away", "is_away"),
    ):  # fmt: skip
        if told in found[0]:
            tests[name] = belief_test(*(np.array([r[key] for r in found]) for key in (told, truth)))
    tests["best cluster"] = belief_test(best, is_best)
    return tests


def _headline(family: Family, table: xr.Dataset, limit: float) -> str:
    odd = table[STATISTIC].to_numpy()[table["flagged"].to_numpy()].tolist()
    size, held = table.sizes[STATISTIC], float(np.nanmean(table["coverage90"]))
    worlds = f"{int(table['replications'][0]):,} worlds of {family.name!r}"
    if odd:
        named = ", ".join(odd[:3]) + (f" and {len(odd) - 3} more" if len(odd) > 3 else "")  # noqa: PLR2004
        return f"Not calibrated on {worlds}: {len(odd)} of {size} statistics fail ({named})."
    return (
        f"Calibrated on {worlds}: none of {size} statistics has p below {limit:.1g}; "
        f"90 % intervals held {held:.3f} of the time."
    )


def _settled(replication: dict[str, Any]) -> bool:
    return bool(replication["rhat"] <= _RHAT_MOST and replication["ess"] >= _ESS_LEAST)


def _caveats(found: list[dict[str, Any]], code: str) -> tuple[str, ...]:
    loose = sum(not _settled(r) for r in found)
    walls = sum(r["divergent"] > 0 for r in found)
    return (
        f"{loose} of {len(found)} fits had not settled after the last try, and {walls} had a "
        "divergent draw; all are counted.",
        *(
            [f"Made by code {code}; the code at hand is {code_hash()}."]
            if code != code_hash()
            else []
        ),
    )


def _provenance(
    family: Family, held: list[dict[str, Any]], seed: int, place: Path
) -> dict[str, Any]:
    found: list[dict[str, Any]] = [r for content in held for r in content["replications"]]
    files = sorted(place.glob(f"{family.name}-*.json"))
    return {
        "family": family.name,
        "worlds": family.sentence,
        "seed": seed,
        "code": held[0]["code"],
        "results_sha256": hashlib.sha256(b"".join(f.read_bytes() for f in files)).hexdigest(),
        "unsettled": sum(not _settled(r) for r in found) / len(found),
        "divergent": sum(r["divergent"] > 0 for r in found) / len(found),
        "divergent_draws": float(np.mean([r["divergent"] for r in found])),
        "seconds_a_fit": float(np.median([r["seconds"] for r in found])),
    }
