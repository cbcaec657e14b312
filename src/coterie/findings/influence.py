"""Influence: whether one release carries what is believed of its artist.

Each release is left out in turn, of all artists at once, by integrating the rest at the draws
at hand and weighing them (Pareto-smoothed importance sampling). Callers may trust that what
the draws cannot tell is called so, not guessed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from coterie import names
from coterie.findings.doubts import CHECK, GOOD, KHAT_BAD, KHAT_LOST, MANY_BAD, Doubt

if TYPE_CHECKING:
    from coterie.beliefs import Beliefs, Replicas
    from coterie.typing import Flags, Floats, Integers

    type Labels = np.ndarray[Any, Any]

QUESTION: Final = "releases"
TURNS: Final = 20
"""Releases of one artist that are left out, those with most counts first."""
MOVES: Final = 0.5
_SHOWN: Final = 3


@dataclass(frozen=True, slots=True)
class _Left:
    """One release of one artist left out: how far its own beliefs move, and Pareto k."""

    artist: str
    release: str
    cluster: str
    before: float
    after: float
    khat: float

    def __str__(self) -> str:
        return (
            f"{self.release!r} of {self.artist!r} ({self.cluster!r} {self.before:.0%} with it, "
            f"{self.after:.0%} without)"
        )


def releases(beliefs: Beliefs, drawn: Replicas) -> list[Doubt]:
    """Ask whether beliefs hang on single releases; nothing where no artist has two."""
    cells = beliefs.evidence.cells()
    if names.RELEASE not in cells.coords:
        return []
    labels = cells[names.RELEASE].to_numpy().astype(str)[drawn.made.cell]
    left = list(_each(beliefs, drawn, labels))
    if not left:
        return []
    # Not "above": where k cannot be computed nothing is known.
    lost = [each for each in left if not each.khat <= KHAT_BAD]
    moved = sorted(
        (each for each in left if abs(each.after - each.before) > MOVES and each not in lost),
        key=lambda each: -abs(each.after - each.before),
    )
    details = tuple(map(str, moved))
    if lost:
        worst = sorted(lost, key=lambda each: -each.khat)[:_SHOWN]
        named = ", ".join(f"{e.release!r} of {e.artist!r} (k {e.khat:.2f})" for e in worst)
        many = len(lost) > MANY_BAD * len(left) or not all(e.khat <= KHAT_LOST for e in lost)
        said = (
            f"{len(lost)} of {len(left)} releases weigh so much that leaving them out cannot be "
            f"read from these draws: {named}. Fit once without them and compare."
        )
        return [Doubt(QUESTION, CHECK if many else GOOD, said, details=details)]
    if moved:
        named = ", ".join(details[:_SHOWN])
        said = (
            f"{len(moved)} of {len(left)} releases carry what is believed of their artist: "
            f"{named}. The other releases do not say the same."
        )
        return [Doubt(QUESTION, GOOD, said, details=details)]
    said = f"No belief moves by more than {MOVES:.0%} when one of {len(left)} releases is left out."
    return [Doubt(QUESTION, GOOD, said)]


def _each(beliefs: Beliefs, drawn: Replicas, labels: Labels) -> Iterator[_Left]:
    from coterie.beliefs import smoothed_weights

    made = drawn.made
    posterior = beliefs.tree[names.POSTERIOR].dataset
    artists = posterior[names.ARTIST].to_numpy().tolist()
    clusters = posterior[names.CLUSTER].to_numpy().tolist()
    before = drawn.belief.mean(axis=0)
    for owners, gone, named in _turns(made.artist, labels, made.n):
        evidence, belief = drawn.without(gone, owners)
        weight, khat = smoothed_weights(evidence - drawn.evidence[:, owners])
        for i, a in enumerate(owners.tolist()):
            k, after = 0, np.zeros(1)
            if beliefs.homes is not None:
                after = weight[i] @ belief[:, i]
                k = int(np.abs(after - before[a]).argmax())
            own = float(before[a, k]) if beliefs.homes is not None else 0.0
            yield _Left(
                str(artists[a]), named[i], str(clusters[k]), own, float(after[k]), float(khat[i])
            )


def _turns(
    artist: Integers, labels: Labels, size: Floats
) -> Iterator[tuple[Integers, Flags, list[str]]]:
    """Give, turn by turn, artists with a release to leave out, its observations and its name."""
    frame = pd.DataFrame({"artist": artist, "release": labels, "size": size})
    total = frame.groupby(["artist", "release"], as_index=False)["size"].sum()
    total = total[total.groupby("artist")["release"].transform("size") > 1]
    total = total.sort_values(["artist", "size"], ascending=[True, False], kind="stable")
    total["turn"] = total.groupby("artist").cumcount()
    own = pd.MultiIndex.from_frame(frame[["artist", "release"]])
    for turn, part in total[total["turn"] < TURNS].groupby("turn"):
        del turn
        gone = own.isin(pd.MultiIndex.from_frame(part[["artist", "release"]]))
        yield part["artist"].to_numpy(), gone, part["release"].tolist()
