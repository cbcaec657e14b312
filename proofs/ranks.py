"""Simulation-based calibration: is the truth one more draw, on worlds of every family.

Runs `coterie.sbc` in chunks of 25 replications, one file each, so that a run can be stopped and
taken up again, and several runs can share the work. No replication is dropped.

    python proofs/ranks.py run 1000 one-home many-homes unequal-sizes    # the nightly tier
    python proofs/ranks.py run 2000                                      # the release tier: all
    python proofs/ranks.py report                                        # tables
"""

import json
import sys
from pathlib import Path

import coterie as co
from coterie.findings import FAMILIES

RESULTS = Path(__file__).parent / "results" / "ranks"
SEED = 20261124
CHUNK = 25


def run(replications: int, families: list[str]) -> None:
    """Fit what is not there yet, chunk by chunk of all families in turn."""
    for chunk in range(replications // CHUNK):
        for family in families:
            found = co.sbc(
                family, folder=RESULTS, replications=replications, seed=SEED, only=[chunk]
            )
            print(chunk, found.headline, found.provenance["seconds_a_fit"], flush=True)


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
