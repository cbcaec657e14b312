"""Simulation-based calibration: is the truth one more draw, on worlds of every family.

Runs `coterie.sbc` in chunks of 25 replications, one file each, so that a run can be stopped and
taken up again, and several runs can share the work. No replication is dropped: a world that has
not settled after the second try of `coterie.sbc` is sampled a third time, for long. Two chunks
are made at a time, each on one core.

    python proofs/ranks.py run 1000 one-home many-homes unequal-sizes    # the nightly tier
    python proofs/ranks.py run 2000                                      # the release tier: all
    python proofs/ranks.py report                                        # tables
"""

import json
import multiprocessing
import os
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import coterie as co
from coterie.findings import FAMILIES
from coterie.findings.replicating import TRIES

RESULTS = Path(__file__).parent / "results" / "ranks"
SEED = 20261124
CHUNK = 25
WORKERS = 2
LONG: dict[str, Any] = {"draws": 6000, "tune": 1500, "target_accept": 0.95}
"""How a world is sampled that has not settled after every try of `coterie.sbc`."""


def run(replications: int, families: list[str]) -> None:
    """Fit what is not there yet, chunk by chunk, one family after the other."""
    os.environ |= {"NUMBA_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    jobs = [(family, chunk) for family in families for chunk in range(replications // CHUNK)]
    with ProcessPoolExecutor(WORKERS, multiprocessing.get_context("spawn")) as pool:
        made = [
            pool.submit(_chunk, family, chunk)
            for family, chunk in jobs
            if not (RESULTS / f"{family}-{chunk:04d}.json").exists()
        ]
        for one in as_completed(made):
            print(*one.result(), flush=True)


def _chunk(family: str, chunk: int) -> tuple[Any, ...]:
    found = co.sbc(
        family,
        folder=RESULTS,
        replications=(chunk + 1) * CHUNK,
        seed=SEED,
        fits=_patient,
        only=[chunk],
    )
    return family, chunk, found.headline, found.provenance["seconds_a_fit"]


def _patient(*data: Any, **how: Any) -> co.Beliefs:
    beliefs = co.fit(*data, cores=1, **how)
    if how["draws"] == TRIES[-1]["draws"] and not beliefs.diagnose().ok:
        beliefs = co.fit(*data, cores=1, **how | LONG)
    return beliefs


def report() -> None:
    """Print each family's table, and keep what was found beside the ranks."""
    kept = {}
    for family in FAMILIES:
        files = sorted(RESULTS.glob(f"{family}-*.json"))
        if not files:
            continue
        most = max(int(file.stem.rsplit("-", 1)[1]) for file in files)
        found = co.sbc(family, folder=RESULTS, replications=(most + 1) * CHUNK, seed=SEED, only=[])
        table = found.table.to_dataframe()
        print(found.headline, *found.caveats, table.round(3).to_string(), "", sep="\n")
        kept[family] = {
            "headline": found.headline,
            "caveats": found.caveats,
            "provenance": found.provenance,
            "table": table.reset_index().to_dict(orient="records"),
        }
    (RESULTS.parent / "ranks.json").write_text(json.dumps(kept, indent=1) + "\n")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["run", number, *named]:
            run(int(number), named or list(FAMILIES))
        case ["report"]:
            report()
        case _:
            sys.exit(__doc__)
