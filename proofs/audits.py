"""Plant blockers in simulated catalogues, hide inputs at random, and count what an audit finds.

python proofs/audits.py run 300    # so many catalogues; writes results/audits.json
python proofs/audits.py report     # prints what is kept
"""

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd

import coterie as co
from coterie import findings
from coterie.findings import Thresholds

KEPT = Path(__file__).parent / "results" / "audits.json"
SEED = 20261209
HIDDEN = 0.15
"""Share of inputs that are not given."""
PLANTED = 0.25
TODAY = pd.Timestamp("2026-03-01")
CHECKS = (
    "sparse catalogue", "long inactivity", "weak follower base", "muddy adjacency",
    "incomplete metadata", "incomplete profile", "programmed audience", "low-fit traffic",
    "missing release plan",
)  # fmt: skip
INPUTS = ("tracks", "profile", "listeners", "traffic", "signals", "plan")
FOUND = ("blocks", "weakens", "fine", "not checked")
FILES = (
    "auditing", "blockers", "catalogue", "intents", "parts", "thresholds", "traffic",
)  # fmt: skip
KINDS = {
    # How far a planted state, and a sound one, are from their limits: a factor on either side.
    "clear": {"planted": 2.5, "sound": 2.5},
    "close": {"planted": 1.25, "sound": 1.25},
}


def code() -> str:
    """Return a fingerprint of the code that audits."""
    folder = Path(findings.__file__).parent
    return hashlib.sha256(
        b"".join((folder / f"{name}.py").read_bytes() for name in FILES)
    ).hexdigest()[:12]


def tracks(bad: dict[str, bool], far: float, rng: np.random.Generator) -> pd.DataFrame:
    """Simulate tracks: how many, since when, and what is known of them."""
    limit = Thresholds()
    size = round(limit.tracks / far) if bad["sparse catalogue"] else round(limit.tracks * far)
    days = limit.inactive * far * rng.uniform(1, 1.5)
    if not bad["long inactivity"]:
        # Recent enough that weeks 2 to 6 are not over, and there is something to plan for.
        days = rng.integers(1, 36)
    ages = np.append(rng.uniform(days, days + 900, size - 1), days)
    lacking = 0.1 * (far if bad["incomplete metadata"] else 1 / far)
    frame = pd.DataFrame(
        {
            "track": [f"song {i}" for i in range(size)],
            "release": [f"release {i // 3}" for i in range(size)],
            "released": [TODAY - pd.Timedelta(days=int(age)) for age in ages],
        }
    )
    for column in ("lyrics", "credits", "artwork", "genre", "mood"):
        words = column in ("genre", "mood")
        there = np.ones(size, dtype=bool)
        # One column, at random, carries the fault; a sound one lacks a track here and there.
        share = lacking if column == rng.choice(["lyrics", "credits", "mood"]) else 0.0
        there[: int(np.floor(share * size))] = False
        frame[column] = np.where(there, "calm", "") if words else there
    if bad["incomplete metadata"]:
        frame.loc[: int(np.ceil(lacking * size)), "lyrics"] = False
    return frame


def profile(bad: dict[str, bool], far: float, rng: np.random.Generator) -> dict[str, object]:
    """Simulate a profile and who follows it."""
    limit = Thresholds()
    filled = rng.permutation(6) >= (rng.integers(2, 5) if bad["incomplete profile"] else 1)
    followers = limit.followers * (1 / far if bad["weak follower base"] else far)
    counts = {"followers": round(followers), "monthly_listeners": round(followers * 4)}
    return dict(zip(limit.profile, filled.tolist(), strict=True)) | counts


def listeners(bad: dict[str, bool], far: float, rng: np.random.Generator) -> dict[str, int]:
    """Simulate an audience of finite size: a share is planted, counts are drawn about it."""
    odds = 2.0 * (far if bad["programmed audience"] else 1 / far)
    people = int(rng.integers(300, 5_000))
    programmed, active, before = rng.multinomial(
        people, [odds / (1 + odds), 0.6 / (1 + odds), 0.4 / (1 + odds)]
    ).tolist()
    return {"active": active, "previously_active": before, "programmed": programmed}


def traffic(bad: dict[str, bool], far: float, rng: np.random.Generator) -> pd.DataFrame:
    """Simulate campaigns of two paid sources and organic people, with rates of their own."""
    fit = 0.5 / far if bad["low-fit traffic"] else min(0.5 * far, 1.0)
    rows = []
    for source, factor in (("social", fit), ("search", fit), ("organic", 1.0)):
        for _ in range(int(rng.integers(6, 11))):
            people, row = int(rng.integers(300, 4_000)), {"source": source}
            for act, usual in (("saves", 0.08), ("adds", 0.05), ("follows", 0.02)):
                rate = rng.beta(usual * factor * 100, (1 - usual * factor) * 100)
                row[act] = int(rng.binomial(people, rate))
            rows.append(row | {"listeners": people, "spend": 0 if source == "organic" else 200})
    return pd.DataFrame(rows)


def signals(size: int, rng: np.random.Generator) -> dict[str, int]:
    """Simulate counts of genre tags: spread as over so many equal ones."""
    counts = rng.multinomial(int(rng.integers(60, 400)), [1 / size] * size)
    return {f"genre {i}": int(n) for i, n in enumerate(counts)}


def plan(bad: dict[str, bool], last: pd.Timestamp, rng: np.random.Generator) -> list[pd.Timestamp]:
    """Simulate planned days: nothing but the first week, or some of weeks 2 to 6."""
    if bad["missing release plan"]:
        return [last + pd.Timedelta(days=int(d)) for d in rng.integers(0, 7, rng.integers(0, 3))]
    weeks = rng.choice(np.arange(2, 7), rng.integers(2, 6), replace=False)
    return [last + pd.Timedelta(days=int(7 * (w - 1) + rng.integers(0, 7))) for w in weeks]


def world(far: float, rng: np.random.Generator) -> tuple[dict[str, bool], dict[str, object]]:
    """Return which blockers are there, and a catalogue that has them."""
    bad = {check: bool(rng.random() < PLANTED) for check in CHECKS}
    own = tracks(bad, far, rng)
    last = own["released"].max()
    if bad["long inactivity"]:
        # Weeks 2 to 6 are over: a release to come is what can be planned for.
        last = TODAY + pd.Timedelta(days=int(rng.integers(7, 60)))
        coming = own.iloc[[-1]].assign(track="to come", release="to come", released=last)
        own = pd.concat([own, coming], ignore_index=True)
    genres = max(round(4 * (far if bad["muddy adjacency"] else 1 / far)), 1)
    own["genre"] = [f"genre {i}" for i in rng.integers(0, genres, len(own))]
    if rng.random() < HIDDEN:
        own = own.drop(columns=rng.choice(["release", "lyrics", "credits", "artwork", "mood"]))
    given = {
        "tracks": own, "profile": profile(bad, far, rng), "listeners": listeners(bad, far, rng),
        "traffic": traffic(bad, far, rng), "signals": signals(genres, rng),
        "plan": plan(bad, last, rng),
    }  # fmt: skip
    hidden = [name for name in INPUTS if rng.random() < HIDDEN]
    return bad, given | dict.fromkeys(hidden)


def played(worlds: int, far: float, rng: np.random.Generator) -> dict[str, object]:
    """Count what is found by what is there, of each blocker."""
    counts = {
        check: {s: dict.fromkeys(FOUND, 0) for s in ("there", "not there")} for check in CHECKS
    }
    ready = {"opened": 0, "opened with a blocker it could have seen": 0}
    for number in range(worlds):
        bad, given = world(far, rng)
        found = co.audit(f"artist {number}", **given, today=TODAY, rng=rng)
        severity = found.table["severity"].to_series().to_dict()
        for check in CHECKS:
            counts[check]["there" if bad[check] else "not there"][severity[check]] += 1
        if findings.ready_to_scale(found):
            ready["opened"] += 1
            seen = [c for c in CHECKS if severity[c] != "not checked"]
            ready["opened with a blocker it could have seen"] += any(bad[c] for c in seen)
    return {"worlds": worlds, "blockers": counts, "rates": rates(counts), "gate": ready}


def rates(counts: dict[str, dict[str, dict[str, int]]]) -> dict[str, dict[str, float]]:
    """Return of what was checked: shares found where there, and left alone where not."""
    told = {}
    for check, table in counts.items():
        there, sound = table["there"], table["not there"]
        seen, open_ = (sum(t.values()) - t["not checked"] for t in (there, sound))
        told[check] = {
            "sensitivity": (there["blocks"] + there["weakens"]) / seen if seen else float("nan"),
            "sensitivity of blocks": there["blocks"] / seen if seen else float("nan"),
            "specificity": sound["fine"] / open_ if open_ else float("nan"),
        }
    return told


def run(worlds: int) -> None:
    """Audit all worlds and keep what came out."""
    kept = {
        "command": f"python proofs/audits.py run {worlds}", "seed": SEED, "code": code(),
        "kinds": {},
    }  # fmt: skip
    for place, (name, said) in enumerate(KINDS.items()):
        rng = np.random.default_rng([SEED, place])
        kept["kinds"][name] = {"factor": said["planted"]} | played(worlds, said["planted"], rng)
    KEPT.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    report()


def report() -> None:
    """Print what is kept."""
    kept = json.loads(KEPT.read_text(encoding="utf-8"))
    same = "as now" if kept["code"] == code() else "other than now"
    print(f"seed {kept['seed']}, code {kept['code']}: {same}")
    for name, found in kept["kinds"].items():
        print(f"{name} plants (factor {found['factor']}), {found['worlds']} catalogues")
        for check, table in found["blockers"].items():
            told = found["rates"][check]
            cells = "  ".join(
                f"{state}: {'/'.join(str(table[state][s]) for s in FOUND)}" for state in table
            )
            print(
                f"  {check:22} sensitivity {told['sensitivity']:.3f}, specificity "
                f"{told['specificity']:.3f}  ({cells})"
            )
        print(f"  gate: {found['gate']}")
    print(f"counts are {'/'.join(FOUND)}")


if __name__ == "__main__":
    {"run": lambda: run(int((sys.argv[2:] or ["300"])[0])), "report": report}[sys.argv[1]]()
