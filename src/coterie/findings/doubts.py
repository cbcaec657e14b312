"""Doubts: each question a criticism asks, answered with a verdict and a sentence.

Limits are stated here once. They were set so that sound worlds are called good nine times
in ten or more, all questions together; nothing is tuned to a single fault.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from scipy import stats
from scipy.special import logsumexp

from coterie import names
from coterie.findings.predictive_checks import (
    Comparison,
    compare,
    counts_compared,
    left_out,
    mean_belief_test,
)

if TYPE_CHECKING:
    from coterie.beliefs import Beliefs, Replicas
    from coterie.typing import Floats

GOOD: Final = "good"
CHECK: Final = "check"
NOT_USE: Final = "do not use"

FAR, TOO_FAR = 4.5, 7.0
"""Distance of a statistic from its replicas, in their standard deviations."""
UNLIKELY, ABSURD = 0.01, 1e-6
"""p-values over all comparisons of one question."""
RHAT_LOST, ESS_LOST, DIVERGENT_LOST = 1.1, 50.0, 0.02
KHAT_BAD, KHAT_LOST, MANY_BAD = 0.7, 1.0, 0.15
ALIKE, FEWEST_ALIKE = 0.9, 5
MOVES, MANY_MOVE = 0.1, 0.3
FEW = 0.05
"""p-value up to which leaders are ahead of the field by more than chance leaves."""
MEMBERSHIP: Final = "membership"
_ALIKE_REPLICAS: Final = 100
_DISCREPANCIES: Final = 50
_ENOUGH_WEIGHT: Final = 0.05
_SAMPLE: Final = (names.CHAIN, names.DRAW)
_SHOWN: Final = 3


@dataclass(frozen=True, slots=True)
class Doubt:
    """One question, its verdict, and the sentence behind it."""

    question: str
    status: str
    said: str
    p_value: float = np.nan
    details: tuple[str, ...] = ()


def settled(beliefs: Beliefs) -> Doubt:
    """Ask whether the draws can be trusted."""
    found = beliefs.diagnose()
    if found.ok:
        return Doubt("settled", GOOD, found.lines[0])
    return Doubt("settled", NOT_USE if _lost(beliefs) else CHECK, " ".join(found.lines))


def _lost(beliefs: Beliefs) -> bool:
    """Whether draws are so far from settled that nothing can be read from them."""
    numbers = beliefs.diagnose().numbers
    least = min(numbers.get("ess_bulk", 1e9), numbers.get("ess_tail", 1e9))
    draws = numbers.get("chains", 0) * numbers.get("draws", 0)
    walls = numbers.get("divergences", 0) > DIVERGENT_LOST * draws
    return bool(numbers.get("rhat", 1.0) > RHAT_LOST or least < ESS_LOST or walls)


def counted_once(beliefs: Beliefs) -> Doubt:
    """Ask whether the same people were counted as two outcomes, or under two releases."""
    told = [*_twin_outcomes(beliefs), *_twin_releases(beliefs)]
    if told:
        return Doubt("counted once", NOT_USE, " ".join(told))
    return Doubt("counted once", GOOD, "No outcome and no release repeats another's counts.")


def _twin_outcomes(beliefs: Beliefs) -> Iterator[str]:
    counts = beliefs.evidence.counts
    above = counts[names.NUMERATOR].to_numpy()
    outcomes = counts[names.OUTCOME].to_numpy().tolist()
    for i, first in enumerate(outcomes):
        for j in range(i):
            there = ~np.isnan(above[:, i] + above[:, j]) & (above[:, i] + above[:, j] > 0)
            same = above[there, i] == above[there, j]
            if there.sum() >= FEWEST_ALIKE and same.mean() >= ALIKE:
                yield (
                    f"Outcomes {outcomes[j]!r} and {first!r} are equal in {int(same.sum()):,} of "
                    f"{int(there.sum()):,} rows: one fact was counted twice. Leave one out."
                )


def _twin_releases(beliefs: Beliefs) -> Iterator[str]:
    counts = beliefs.evidence.counts
    if names.RELEASE not in counts.coords:
        return
    key = [names.ARTIST, names.CLUSTER, names.WINDOW, *beliefs.evidence.factors]
    frame = pd.DataFrame({k: counts[k].to_numpy().astype(str) for k in (*key, names.RELEASE)})
    above = np.nan_to_num(counts[names.NUMERATOR].to_numpy(), nan=-1.0)
    below = np.nan_to_num(counts[names.DENOMINATOR].to_numpy(), nan=-1.0)
    frame["counts"] = [tuple(row) for row in np.hstack([above, below]).tolist()]
    frame = frame[np.asarray((above > 0).any(axis=1))]
    twice = frame.duplicated([*key, "counts"], keep=False)
    share = twice.groupby([frame[names.ARTIST], frame[names.RELEASE]]).agg(["mean", "size"])
    bad = share[(share["mean"] >= ALIKE) & (share["size"] >= 2)]  # noqa: PLR2004
    if len(bad):
        artist, release = bad.index[0]
        yield (
            f"Release {release!r} of artist {artist!r} repeats the counts of another release; "
            f"{len(bad):,} of {len(share):,} releases are like this. Keep one of each."
        )


def foreseen(beliefs: Beliefs, drawn: Replicas, rng: np.random.Generator) -> list[Doubt]:
    """Ask whether replicas look like the table, and whether each artist is foreseen by others."""
    evidence = beliefs.evidence
    clusters = beliefs.tree[names.POSTERIOR].dataset[names.CLUSTER].to_numpy().tolist()
    compared = counts_compared(drawn, evidence.outcomes, clusters)
    scores = left_out(drawn, rng)
    tests = {
        f"{outcome.name}, {what}": p
        for o, outcome in enumerate(evidence.outcomes)
        for what, p in zip(
            ("too high or too low", "too wide or too narrow"),
            scores.shift(drawn.made.artist, drawn.made.outcome == o),
            strict=True,
        )
    }
    return [
        _judged("cells", compared, len(drawn.y), "look like replicas of the table"),
        _tested("left out", tests, "Cells are foreseen by the other artists"),
        _influence(beliefs, scores.khat),
    ]


def _judged(question: str, compared: list[Comparison], size: int, praise: str) -> Doubt:
    edge = 1.01 / (size + 1)
    beyond = sorted((c for c in compared if c.p_value <= edge), key=lambda c: -abs(c.z))
    far = [c for c in beyond if abs(c.z) > FAR]
    low = sum(c.p_value < UNLIKELY for c in compared)
    # As many as chance leaves: one statistic in a hundred, with room for how they hang together.
    most = stats.binom.ppf(0.9999, len(compared), UNLIKELY) + 1
    p = min((c.p_value for c in compared), default=np.nan)
    if not far and low <= most:
        return Doubt(question, GOOD, f"All {len(compared)} statistics {praise}.", p)
    worst = (far or beyond or sorted(compared, key=lambda c: c.p_value))[:_SHOWN]
    named = "; ".join(
        f"{c.name} {c.observed:.3g} where {c.expected:.3g} +- {c.spread:.2g} was to be expected"
        for c in worst
    )
    status = NOT_USE if far and abs(far[0].z) > TOO_FAR else CHECK
    said = f"{max(len(far), low)} of {len(compared)} statistics do not: {named}."
    return Doubt(question, status, f"Not all {praise}. {said}", p, tuple(c.name for c in beyond))


def _tested(question: str, tests: dict[str, float], praise: str) -> Doubt:
    if not tests:
        return Doubt(question, GOOD, f"{praise}.")
    name = min(tests, key=tests.__getitem__)
    p = min(1.0, tests[name] * len(tests))
    if p >= UNLIKELY:
        return Doubt(question, GOOD, f"{praise} (smallest p {p:.2g}).", p)
    status = NOT_USE if p < ABSURD else CHECK
    return Doubt(question, status, f"{praise}, but not those of {name} (p {p:.1g}).", p)


def _influence(beliefs: Beliefs, khat: Floats) -> Doubt:
    labels = beliefs.tree[names.POSTERIOR].dataset[names.ARTIST].to_numpy()
    bad = np.flatnonzero(khat > KHAT_BAD)
    if bad.size == 0:
        return Doubt("artists", GOOD, "No single artist decides what is believed of the others.")
    worst = bad[np.argsort(-khat[bad])]
    named = ", ".join(f"{labels[a]!r} (k {khat[a]:.2f})" for a in worst[:_SHOWN])
    many = bad.size > MANY_BAD * khat.size or khat.max() > KHAT_LOST
    return Doubt(
        "artists", CHECK if many else GOOD,
        f"{bad.size} of {khat.size} artists weigh so much that leaving them out cannot be read "
        f"from these draws: {named}. Fit once without them and compare.",
    )  # fmt: skip


def realised(beliefs: Beliefs, drawn: Replicas) -> list[Doubt]:
    """Compare what the integrals say of the table with what they say of its replicas."""
    at = np.unique(np.linspace(0, len(drawn.y) - 1, _DISCREPANCIES).round().astype(int))
    both = [drawn.integrated(at, replica=replica) for replica in (False, True)]
    whole = np.array([[i.log_evidence.sum() for i in side] for side in both])
    told = [_paired("log evidence of the counts", *whole)]
    if beliefs.homes is not None:
        sure = [[_sharpness(i.belief[0], beliefs.homes) for i in side] for side in both]
        told.append(_paired("how sure beliefs are", *np.array(sure)))
    found = [_discrepancy("evidence", told, "The counts are as likely as the model makes them")]
    informing = [o for o, outcome in enumerate(beliefs.evidence.outcomes) if outcome.informs]
    if beliefs.homes is None or len(informing) < 2:  # noqa: PLR2004
        return found
    alone = [
        sum(
            np.array([i.log_evidence[0] for i in drawn.integrated(at, replica=r, outcome=o)])
            for o in range(len(beliefs.evidence.outcomes))
        )
        for r in (False, True)
    ]
    joint = [np.array([i.log_evidence[0] for i in side]) for side in both]
    agree = [(j - a).sum(axis=1) for j, a in zip(joint, alone, strict=True)]
    compared = [_paired("agreement of outcomes about artists", *agree)]
    praise = "Outcomes agree about artists as far as the model expects"
    return [*found, _discrepancy("outcomes agree", compared, praise)]


def _sharpness(belief: Floats, homes: str) -> float:
    return float(belief.max(axis=1).mean() if homes == "one" else np.abs(2 * belief - 1).mean())


def _paired(name: str, observed: Floats, drawn: Floats) -> Comparison:
    """Compare two numbers of each draw: that of the table, and that of its replica."""
    gap = observed - drawn
    found = compare(name, 0.0, -gap)
    return Comparison(
        name, float(observed.mean()), float(drawn.mean()), float(gap.std()), found.p_value
    )


def _discrepancy(question: str, compared: list[Comparison], praise: str) -> Doubt:
    worst = max(compared, key=lambda c: abs(c.z))
    p = min(c.p_value for c in compared)
    if abs(worst.z) <= 3.0 or p > 3 / _DISCREPANCIES:  # noqa: PLR2004
        return Doubt(question, GOOD, f"{praise}.", p)
    side = "less" if worst.z < 0 else "more"
    status = NOT_USE if abs(worst.z) > TOO_FAR else CHECK
    said = (
        f"{worst.name.capitalize()}: {worst.observed:.4g} where the model expects "
        f"{worst.expected:.4g} +- {worst.spread:.2g}, {side} than it allows."
    )
    return Doubt(question, status, said, p)


def priors(beliefs: Beliefs, drawn: Replicas) -> list[Doubt]:
    """Ask whether the posterior left what was stated before, and how much hangs on that."""
    told = [_population(beliefs)]
    if beliefs.homes is not None:
        told += [_homes(beliefs), _sensitivity(beliefs, drawn)]
    return told


def _homes(beliefs: Beliefs) -> Doubt:
    """Over artists, mean belief less prior must average 0, whatever the counts."""
    question = "prior of homes"
    belief = beliefs.home if beliefs.homes == "one" else beliefs.membership
    mean = belief.mean(_SAMPLE)
    prior = beliefs.tree[names.PRIOR].dataset["prior"]
    said, stated = (
        each.transpose(names.ARTIST, names.CLUSTER).to_numpy() for each in (mean, prior)
    )
    if len(said) < FEWEST_ALIKE:
        return Doubt(question, GOOD, "Too few artists to compare the prior of homes with.")
    p = mean_belief_test(said, stated)
    k, least = int(p.argmin()), float(min(1.0, p.min() * p.size))
    if least >= UNLIKELY:
        return Doubt(question, GOOD, f"Homes are spread as stated (smallest p {least:.2g}).", least)
    cluster = mean[names.CLUSTER].to_numpy().tolist()[k]
    told = (
        f"The prior gives {cluster!r} {stated[:, k].mean():.0%} of artists and their counts say "
        f"{said[:, k].mean():.0%} (p {least:.1g}). State another prior."
    )
    return Doubt(question, NOT_USE if least < ABSURD else CHECK, told, least)


def _population(beliefs: Beliefs) -> Doubt:
    """Ask whether a population parameter ended where its prior did not expect it."""
    p_values: dict[str, float] = {}
    for name, outcome, prior, values in _stated_parameters(beliefs):
        middle = prior.cdf(float(np.median(values)))
        p = 2 * min(middle, 1 - middle)
        p_values[f"{name} of {outcome}"] = min(p, p_values.get(f"{name} of {outcome}", 1.0))
    praise = "Population parameters lie where their priors expect them"
    if not p_values:
        return Doubt("population", GOOD, "No prior of the population was learned.")
    name = min(p_values, key=p_values.__getitem__)
    p = min(1.0, p_values[name] * len(p_values))
    if p >= UNLIKELY:
        return Doubt("population", GOOD, f"{praise} (smallest p {p:.2g}).", p)
    said = f"{name.capitalize()} lies far out in its prior (p {p:.1g}): are its columns right?"
    return Doubt("population", NOT_USE if p < ABSURD else CHECK, said, p)


def _sensitivity(beliefs: Beliefs, drawn: Replicas) -> Doubt:
    """Weigh draws as if the population's priors had counted half, or twice."""
    log_prior = np.zeros(len(drawn.at))
    for _, _, prior, values in _stated_parameters(beliefs):
        log_prior += prior.log_densities(values.ravel()[drawn.at])
    question, moved, least = "sensitivity", np.zeros(drawn.belief.shape[1]), 1.0
    for power in (-0.5, 1.0):
        log_weight = power * log_prior
        weight = np.exp(log_weight - logsumexp(log_weight))
        least = min(least, 1 / float((weight**2).sum()) / weight.size)
        shift = np.tensordot(weight, drawn.belief, 1) - drawn.belief.mean(axis=0)
        moved = np.maximum(moved, np.abs(shift).max(axis=1))
    if least < _ENOUGH_WEIGHT:
        return Doubt(question, GOOD, "Draws do not tell what other priors would have done.")
    many = float((moved > MOVES).mean())
    said = (
        f"With the population's priors halved or doubled in weight, beliefs about {many:.0%} of "
        f"artists move by more than {MOVES:.0%} (largest {moved.max():.0%})."
    )
    return Doubt(question, CHECK if many > MANY_MOVE else GOOD, said)


def _stated_parameters(beliefs: Beliefs) -> Iterator[tuple[str, str, Any, Floats]]:
    """Every learned number of the population: its name, outcome, prior and (chain, draw)."""
    from coterie.beliefs import stated_priors

    posterior = beliefs.tree[names.POSTERIOR].dataset
    for name, outcome, prior in stated_priors(beliefs):
        if name not in posterior or prior.family in {"fixed", "joint"}:
            continue
        values = posterior[name].sel({names.OUTCOME: outcome}).transpose(*_SAMPLE, ...).to_numpy()
        for place in np.ndindex(*values.shape[2:]):
            yield name, outcome, prior, values[(slice(None), slice(None), *place)]


def identified(beliefs: Beliefs, rng: np.random.Generator) -> Doubt:
    """Ask whether leaders are ahead of the field by more than where nobody belongs anywhere."""
    from coterie.beliefs import replicas

    chance = replicas(beliefs, draws=_ALIKE_REPLICAS, rng=rng, lasting=False)
    homes = str(beliefs.homes)
    own = np.array([_sharpness(belief, homes) for belief in chance.belief])
    replicated = chance.integrated(np.arange(own.size), replica=True)
    none = np.array([_sharpness(found.belief[0], homes) for found in replicated])
    p = float((1 + (none >= own).sum()) / (1 + own.size))
    figures = (
        f"an artist's highest belief is {own.mean():.2f} on average, and {none.mean():.2f} in "
        f"replicated tables without lasting fits (p {p:.2g})"
    )
    if p <= FEW:
        return Doubt(MEMBERSHIP, GOOD, f"Leaders are ahead of the field: {figures}.", p)
    said = (
        f"Membership not identified: {figures}. That anybody belongs anywhere is what the prior "
        "says, not these counts: add artists, releases or weeks, or say so."
    )
    return Doubt(MEMBERSHIP, CHECK, said, p)
