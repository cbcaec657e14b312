"""Play policies in simulated markets: ours within sleeves against fixed splits.

python proofs/policies.py run      # 200 worlds of 26 weeks; writes results/policies.json
python proofs/policies.py report   # prints what is kept
"""

import hashlib
import json
import sys
from pathlib import Path

import numpy as np

import coterie as co
from coterie.findings import markets, policies, sharing

KEPT = Path(__file__).parent / "results" / "policies.json"
SEED = 20261126
WORLDS = 200
MARKETS = {
    "as stated": {},
    "no saturation": {"saturation": 1.0},
    "strong saturation": {"saturation": 0.7},
    "strong drift": {"drift": 0.15},
    "well known before": {"spread": 0.25},
}


def code() -> str:
    """Return a fingerprint of the code that is played."""
    files = [Path(module.__file__) for module in (markets, policies, sharing)]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]


def run() -> None:
    """Play all markets and keep what came out."""
    kept = {"command": "python proofs/policies.py run", "seed": SEED, "code": code(), "markets": {}}
    for name, said in MARKETS.items():
        worlds = WORLDS if not said else WORLDS // 8
        found = co.simulate_policy(
            market=co.Market(**said), worlds=worlds, rng=np.random.default_rng(SEED)
        )
        kept["markets"][name] = {"worlds": worlds} | found.to_dict()
        print(name, found.headline, flush=True)
    KEPT.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


def report() -> None:
    """Print what is kept."""
    kept = json.loads(KEPT.read_text(encoding="utf-8"))
    same = "as now" if kept["code"] == code() else "other than now"
    print(f"seed {kept['seed']}, code {kept['code']}: {same}")
    for name, found in kept["markets"].items():
        print(f"{name}, {found['worlds']} worlds: share of the most; gain over equal, fixed")
        for row in found["table"]:
            gains = [
                f"{row[f'gain_{other}']:+.1%} ({row[f'gain_lower_{other}']:+.1%} to "
                f"{row[f'gain_upper_{other}']:+.1%})"
                for other in ("equal", "fixed")
            ]
            print(f"  {row['policy']:9} {row['brought']:.3f}  {'  '.join(gains)}")


if __name__ == "__main__":
    {"run": run, "report": report}[sys.argv[1]]()
