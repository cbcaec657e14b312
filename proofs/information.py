"""Is a test worth what nested simulation says? EVSI as told against far more of everything.

python proofs/information.py run      # writes results/information.json, minutes
python proofs/information.py report   # prints what is kept

The nested side takes 20,000 draws and 2,000 results of each test, in parts of 250, and believes
of every cluster by the weights of all draws, with nothing smoothed. tests/findings compares EVSI
with sums over all results where those are exact.
"""

import json
import sys
from pathlib import Path

import numpy as np

import coterie as co
from coterie.findings.economics import Yields, worth_of, yields_of
from coterie.findings.information import learn
from coterie.findings.responses import Responses
from coterie.findings.trials import Ground, Trial, exposures_of, leaning, unfold

KEPT = Path(__file__).parent / "results" / "information.json"
SEED = 20261126
WORTH = {"save": 1.0, "add": 1.5, "follow": 4.0, "depth": 0.1}
TESTS = (
    ("Ferro", "road trip", 300), ("Ferro", "gym", 2000), ("Ferro", "indie pop", 2000),
    ("Juno Park", "indie pop", 1000), ("Oslo Choir", "gym", 2000),
)  # fmt: skip
DRAWS, RESULTS, PART = 20_000, 2000, 250
TOLD_DRAWS, RUNS = 2000, 8


def believed(artist: str, draws: int, rng: np.random.Generator) -> tuple[Ground, Yields]:
    """Return draws of what is believed of an artist in the package's example."""
    beliefs = co.example_beliefs()
    drawn = Responses.of(beliefs, artist, rng=rng, least=draws)
    made = yields_of(beliefs, artist, drawn, values=WORTH, per="listeners", rng=rng)
    worth = worth_of(WORTH, drawn)[0]
    exposures = exposures_of(beliefs, drawn, "listeners")
    price = made.cost.mean(axis=0)
    return Ground(drawn, exposures, worth, "listeners", price, made.campaign), made


def nested(test: tuple[str, str, int]) -> tuple[float, float]:
    """Return the worth of a test by nested simulation, and its standard error."""
    artist, cluster, people = test
    rng = np.random.default_rng([SEED, TESTS.index(test)])
    ground, made = believed(artist, DRAWS, rng)
    level, k = made.level, made.clusters.index(cluster)
    mean = level.mean(axis=0)
    now, second = int(mean.argmax()), float(np.sort(mean)[-2])
    toward = np.maximum(second - level[:, k] if k == now else level[:, k] - mean[now], 0.0)
    gains = []
    for _ in range(RESULTS // PART):
        truth, lean = leaning(level[:, k], toward, PART, rng)
        (result,) = unfold(Trial(k, float(people)), ground, truth=truth, rng=rng)
        after = result.after(level)
        gains.append(result.share(lean) * (after.max(axis=1) - after[:, now]))
    means = np.array([part.mean() for part in gains])
    return float(means.mean()), float(means.std(ddof=1) / np.sqrt(means.size))


def told(test: tuple[str, str, int]) -> list[float]:
    """Return the worth of a test as the library says it, with several seeds."""
    artist, cluster, people = test
    found = []
    for seed in range(RUNS):
        rng = np.random.default_rng([seed, SEED])
        ground, made = believed(artist, TOLD_DRAWS, rng)
        trial = Trial(made.clusters.index(cluster), float(people))
        found.append(learn(trial, ground, made, rng=rng).worth)
    return found


def run() -> None:
    """Do both for every test and keep them."""
    tests = {}
    for test in TESTS:
        worth, error = nested(test)
        tests[" / ".join(map(str, test))] = {"nested": worth, "error": error, "told": told(test)}
        print(test, tests[" / ".join(map(str, test))], flush=True)
    kept = {"command": "python proofs/information.py run", "seed": SEED, "tests": tests}
    KEPT.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    report()


def report() -> None:
    """Print each test's worth for a unit of budget, nested and as told."""
    for name, one in json.loads(KEPT.read_text(encoding="utf-8"))["tests"].items():
        ours = np.array(one["told"])
        print(
            f"{name}: nested {one['nested']:.5f} (se {one['error']:.5f}); told "
            f"{ours.mean():.5f} on average (x {ours.mean() / one['nested']:.2f}), one run "
            f"{ours.std() / ours.mean():.0%} off"
        )


if __name__ == "__main__":
    {"run": run, "report": report}[sys.argv[1]]()
