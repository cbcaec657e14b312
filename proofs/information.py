"""Is a test worth what nested simulation says? EVSI as told against far more of everything.

python proofs/information.py run      # writes results/information.json, minutes
python proofs/information.py shared   # what nested simulation owes to the few draws of one fit
python proofs/information.py tell     # asks the library again, and keeps the nested side
python proofs/information.py report   # prints what is kept

The nested side takes 1,600,000 draws and 2,000 results of each test: 250 results weighed against
all of 200,000 draws, eight times, each time with draws of its own, whose scatter is its error.
The library draws 160,000, keeps 20,000 and weighs them by 512 results. Nested simulation is too
good by what one fit's draws have in common, which the library takes off: `shared` says how much,
by leaving out a sixteenth of the fit's draws at a time. tests/findings compares EVSI with sums
over all results where those are exact.
"""

import json
import sys
from pathlib import Path

import numpy as np

import coterie as co
from coterie.findings.economics import Yields, worth_of, yields_of
from coterie.findings.information import DRAWS, learn, thinned
from coterie.findings.responses import Responses
from coterie.findings.trials import Ground, Trial, exposures_of, leaning, leant, unfold

KEPT = Path(__file__).parent / "results" / "information.json"
SEED = 20261126
WORTH = {"save": 1.0, "add": 1.5, "follow": 4.0, "depth": 0.1}
TESTS = (
    ("Ferro", "road trip", 300), ("Ferro", "gym", 2000), ("Ferro", "indie pop", 2000),
    ("Juno Park", "indie pop", 1000), ("Oslo Choir", "gym", 2000),
)  # fmt: skip
POOLS, MANY, RESULTS, PART, RUNS, PARTS = 8, 200_000, 250, 50, 8, 16


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
    means = []
    for pool in range(POOLS):
        rng = np.random.default_rng([SEED, TESTS.index(test), pool])
        ground, made = believed(artist, MANY, rng)
        level, k = made.level, made.clusters.index(cluster)
        mean = level.mean(axis=0)
        now, second = int(mean.argmax()), float(np.sort(mean)[-2])
        lean = leant(np.maximum(second - level[:, k] if k == now else level[:, k] - mean[now], 0.0))
        gains = []
        for _ in range(RESULTS // PART):
            truth = leaning(level[:, k], lean, PART, rng)
            (result,) = unfold(Trial(k, float(people)), ground, truth=truth, rng=rng)
            after = result.after(level)
            gains.append((after.max(axis=1) - after[:, now]) / (result.weights @ lean))
        means.append(np.mean(gains))
    return float(np.mean(means)), float(np.std(means, ddof=1) / np.sqrt(POOLS))


def of_few_fits(test: tuple[str, str, int]) -> float:
    """Return what is left of nested simulation's worth for a fit of many more draws, as a share."""
    artist, cluster, people = test
    rng = np.random.default_rng([SEED, TESTS.index(test), 77])
    ground, made = believed(artist, MANY // 2, rng)
    level, k, fitted = made.level, made.clusters.index(cluster), ground.drawn.fitted
    mean = level.mean(axis=0)
    now, second = int(mean.argmax()), float(np.sort(mean)[-2])
    lean = leant(np.maximum(second - level[:, k] if k == now else level[:, k] - mean[now], 0.0))
    part = (rng.permutation(fitted.max() + 1) % PARTS)[fitted]
    columns = np.column_stack([np.ones(len(level)), lean, level])
    before = np.stack([columns[part == b].sum(axis=0) for b in range(PARTS)])
    sums, truths = [], []
    for _ in range(8):
        truth = leaning(level[:, k], lean, 64, rng)
        (result,) = unfold(Trial(k, float(people)), ground, truth=truth, rng=rng)
        by_part = [result.weights[:, part == b] @ columns[part == b] for b in range(PARTS)]
        sums.append(np.stack(by_part, axis=1))
        truths.append(part[truth])
    after, of = np.concatenate(sums), np.concatenate(truths)

    def worth(left_out: int | None) -> float:
        rest = [b for b in range(PARTS) if b != left_out]
        base = before[rest].sum(axis=0)
        best = int(base[2:].argmax())
        found = after[of != (-1 if left_out is None else left_out)][:, rest].sum(axis=1)
        share = found[:, 0] / found[:, 1] * base[1] / base[0]
        mine = found[:, 2:] / found[:, :1]
        return float((share * (mine.max(axis=1) - mine[:, best])).mean())

    whole = worth(None)
    return 1 - (PARTS - 1) * (float(np.mean([worth(b) for b in range(PARTS)])) - whole) / whole


def told(test: tuple[str, str, int]) -> list[tuple[float, float]]:
    """Return the worth of a test and its error as the library says them, with several seeds."""
    artist, cluster, people = test
    found = []
    for seed in range(RUNS):
        rng = np.random.default_rng([seed, SEED])
        ground, made = believed(artist, DRAWS, rng)
        trial = Trial(made.clusters.index(cluster), float(people))
        one = learn(trial, *thinned(ground, made, rng=rng), rng=rng)
        found.append((one.worth, one.error))
    return found


def run() -> None:
    """Do both for every test and keep them."""
    tests = {}
    for test in TESTS:
        worth, error = nested(test)
        tests[_name(test)] = {"nested": worth, "error": error}
        print(test, tests[_name(test)], flush=True)
    _keep(tests)
    shared()
    tell()


def shared() -> None:
    """Say what nested simulation owes to the few draws of one fit, and keep it."""
    tests = json.loads(KEPT.read_text(encoding="utf-8"))["tests"]
    for test in TESTS:
        tests[_name(test)]["left"] = of_few_fits(test)
        print(test, tests[_name(test)]["left"], flush=True)
    _keep(tests)


def tell() -> None:
    """Ask the library again, and keep what nested simulation said."""
    tests = json.loads(KEPT.read_text(encoding="utf-8"))["tests"]
    for test in TESTS:
        tests[_name(test)]["told"] = told(test)
    _keep(tests)
    report()


def _name(test: tuple[str, str, int]) -> str:
    return " / ".join(map(str, test))


def _keep(tests: dict[str, dict[str, object]]) -> None:
    kept = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else {}
    kept |= {
        "command": "python proofs/information.py run, shared, tell",
        "seed": SEED,
        "tests": tests,
    }
    KEPT.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


def report() -> None:
    """Print each test's worth for a unit of budget, nested and as told."""
    held = []
    for name, one in json.loads(KEPT.read_text(encoding="utf-8"))["tests"].items():
        ours, errors = np.array(one["told"]).T
        held.extend(abs(ours - one["nested"]) < 2 * np.hypot(errors, one["error"]))
        ratio, left = ours.mean() / one["nested"], one["left"]
        print(
            f"{name}: nested {one['nested']:.5f} (se {one['error']:.5f}), of which {left:.2f} "
            f"would be left with a longer fit; told {ours.mean():.5f} on average of {ours.size} (x "
            f"{ratio:.2f}, of what would be left {ratio / left:.2f}, se "
            f"{ours.std(ddof=1) / np.sqrt(ours.size) / one['nested']:.2f}), one run "
            f"{ours.std(ddof=1) / one['nested']:.0%} off, as told "
            f"{np.sqrt((errors**2).mean()) / one['nested']:.0%}"
        )
    print(f"within two errors of nested: {np.mean(held):.0%} of {len(held)} runs")


if __name__ == "__main__":
    {"run": run, "shared": shared, "tell": tell, "report": report}[sys.argv[1]]()
