"""Half-life: how fast old evidence should fade, judged by what came next.

Makes a Finding that lets the same past fade at each half-life and scores the window that
followed, for several windows in turn. Callers may trust that no row was read before it was
scored, and that all half-lives are scored on the same rows. Knows nothing of how evidence
fades.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import pandas as pd
import xarray as xr

from coterie import __version__, names
from coterie.errors import ConvergenceWarning, EvidenceWarning, FindingError
from coterie.evidence import NEVER, Evidence, days_of, part_of
from coterie.findings.finding import UNIT, Finding
from coterie.typing import Floats, Integers

if TYPE_CHECKING:
    from coterie.beliefs import Beliefs, MembershipPrior, PopulationPrior

HALF_LIFE: Final = "half_life"
FEW_GROUPS: Final = 8
_NATS: Final = "nats a row"


@dataclass(frozen=True, slots=True)
class _Turn:
    """One window foreseen: log scores (half-life, row), each row's group, and how it was done."""

    window: str
    scores: Floats
    group: Integers
    paths: tuple[str, ...]
    unsettled: int


def choose_half_life(  # noqa: PLR0913 - a fit is stated here
    evidence: Evidence,
    values: Sequence[Any],
    *,
    prior: MembershipPrior | None,
    homes: Literal["one", "many"] | None = "one",
    population: PopulationPrior | None = None,
    origins: int = 3,
    draws: int = 500,
    chains: int = 4,
    rng: np.random.Generator,
    cores: int | None = None,
    progress: bool | None = None,
) -> Finding:
    """Choose among half-lives by how well each foresaw the next window.

    For each of the last windows: the model is fitted to all windows before it, that past is
    let fade at every half-life as of its own last day, and the rows of the window are scored
    as :func:`coterie.backtest` does. The longest half-life within one standard error of the
    best is chosen, so that evidence is thrown away only for a reason.

    Parameters
    ----------
    evidence
        Rows cut into windows. A half-life it states is set aside.
    values
        Half-lives to try, as in :meth:`Evidence.forgetting`. ``"never"`` is always among them.
    prior, homes, population
        As in :func:`coterie.fit`.
    origins
        How many of the last windows are foreseen. At least two windows must precede the first.
    draws, chains
        Of each fit. A half-life needs another fit only where weights on the draws of the last
        one do not carry: one to ``origins`` x ``values`` fits in all.
    rng
        Source of all chance; predictions of one window share theirs.
    cores, progress
        As in :func:`coterie.fit`.

    Returns
    -------
    Finding
        ``table`` over (half_life,), shortest first, "never" last: ``score``, the mean log
        probability of what a later row measured, in nats; ``gain`` over never forgetting and
        ``difference`` from the best, each with a standard error over groups of one cluster in
        one window, which drift together; ``days``; ``chosen``, 1 for one of them. Over
        (half_life, window): ``window_score``. ``provenance["chosen"]`` can be handed to
        :meth:`Evidence.forgetting` or :func:`coterie.update`.

    Raises
    ------
    FindingError
        If there are too few windows, or nothing in the last ones can be scored.
    EvidenceError
        If a value is no half-life, or the table states no windows.

    References
    ----------
    .. [1] A. P. Dawid (1984), *Present position and potential developments: the prequential
       approach*, J. R. Statist. Soc. A 147, for scoring what comes next.
    .. [2] L. Breiman et al. (1984), *Classification and Regression Trees*, section 3.4.3, for
       the rule of one standard error.

    Examples
    --------
    >>> found = co.choose_half_life(  # doctest: +SKIP
    ...     evidence, ["28D", "112D"], prior=prior, rng=rng
    ... )
    """
    tried = _tried(values)
    whole = evidence.forgetting(NEVER)
    evidence.forgetting(tried[0])  # Refuses a table without windows before a fit is made.
    stated = {"homes": homes, "population": population, "draws": draws, "chains": chains}
    how = {"cores": cores, "progress": progress}
    turns = []
    for window in _last(whole, origins):
        past, later = _cut(whole, window)
        turns.append(_turn(window, past, later, prior, tried, {**stated, **how}, rng))
    table = _table(tried, turns)
    return Finding(
        kind="half-life",
        headline=_headline(table, turns),
        table=table,
        caveats=_caveats(table, turns),
        provenance={
            "coterie": __version__,
            "chosen": _chosen(table),
            "ledger": f"{len(evidence):,} rows",
            "windows": [turn.window for turn in turns],
            "fits": sum(turn.paths.count("fit") + turn.paths.count("refit") for turn in turns),
            "weighed": sum(turn.paths.count("weights") for turn in turns),
            "draws": draws * chains,
        },
    )


def _tried(values: Sequence[Any]) -> list[float]:
    """Return half-lives in days, shortest first, without forgetting last."""
    if isinstance(values, str) or not isinstance(values, Sequence):
        raise FindingError(f"values are {values!r}; give a list of half-lives: ['30D', '90D'].")
    found = sorted({days_of(value) for value in values} | {float("inf")})
    if len(found) == 1:
        raise FindingError(
            "There is nothing to choose from: values name no half-life beside 'never'. "
            "Give some, such as ['30D', '90D', '180D']."
        )
    return found


def _last(evidence: Evidence, origins: int) -> list[str]:
    """Return the windows to foresee."""
    windows = np.unique(evidence.counts[names.WINDOW].to_numpy().astype(str)).tolist()
    if not isinstance(origins, int) or origins < 1:
        raise FindingError(f"origins is {origins!r}; foresee 1 window or more.")
    if len(windows) < origins + 2:
        raise FindingError(
            f"The table has {len(windows)} windows of {evidence.window}, and to foresee the last "
            f"{origins} from two or more takes {origins + 2}. Lower origins, or cut time finer "
            "with window=."
        )
    return [str(window) for window in windows[-origins:]]


def _cut(evidence: Evidence, window: str) -> tuple[Evidence, Evidence]:
    """Return the rows before a window, and those in it."""
    mine = evidence.counts[names.WINDOW].to_numpy().astype(str)
    return part_of(evidence, mine < window), part_of(evidence, mine == window)


def _turn(
    window: str,
    past: Evidence,
    later: Evidence,
    prior: MembershipPrior | None,
    tried: list[float],
    stated: dict[str, Any],
    rng: np.random.Generator,
) -> _Turn:
    """Foresee one window at every half-life, from the longest to the shortest."""
    # Deferred: a Finding can be read and drawn without waking the sampler.
    from coterie.beliefs import fit, predictive, update

    same = rng.spawn(1)[0]
    again = {k: stated[k] for k in ("population", "cores", "progress")}
    scores: list[Floats] = []
    paths: list[str] = []
    unsettled = 0
    with warnings.catch_warnings():
        for told in (ConvergenceWarning, EvidenceWarning):
            warnings.simplefilter("ignore", told)
        beliefs: Beliefs = fit(past, prior, **stated, rng=rng)
        for days in tried[::-1]:
            if np.isfinite(days):
                beliefs = update(beliefs, None, half_life=days, rng=rng, **again)
            paths.append(str(beliefs.tree.attrs.get("coterie_path", "fit")))
            unsettled += paths[-1] != "weights" and not beliefs.diagnose().ok
            scored = predictive(beliefs, later, rng=copy.deepcopy(same))["log_score"]
            scores.append(scored.to_numpy().ravel())
    group = pd.factorize(later.counts[names.CLUSTER].to_numpy())[0]
    return _Turn(
        window,
        np.stack(scores[::-1]),
        np.repeat(group, len(later.outcomes)).astype(np.int64),
        tuple(paths[::-1]),
        unsettled,
    )


def _table(tried: list[float], turns: list[_Turn]) -> xr.Dataset:
    parts, groups, first = [], [], 0
    for turn in turns:
        measured = ~np.isnan(turn.scores).any(axis=0)
        parts.append(turn.scores[:, measured])
        groups.append(turn.group[measured] + first)
        first += int(turn.group.max(initial=-1)) + 1
    scores, group = np.concatenate(parts, axis=1), np.concatenate(groups)
    if not scores.size:
        raise FindingError(
            f"No row of the last {len(turns)} windows measured anything out of a denominator above "
            "0, so nothing can be scored. Give rows with counts, or raise origins."
        )
    mean = scores.mean(axis=1)
    best = int(np.argmax(mean))
    difference, error = _compared(scores, best, group)
    gain, gain_error = _compared(scores, len(tried) - 1, group)
    chosen = np.zeros(len(tried))
    # The longest of those that nothing tells from the best.
    chosen[np.flatnonzero((difference + error >= 0) | (np.arange(len(tried)) == best))[-1]] = 1
    by_window = np.stack([part.mean(axis=1) if part.size else mean * np.nan for part in parts])
    columns = {
        "score": mean, "gain": gain, "gain_se": gain_error, "difference": difference,
        "difference_se": error, "days": np.array(tried), "chosen": chosen,
    }  # fmt: skip
    units = {"days": "days", "chosen": "1 or 0"}
    table = xr.Dataset(
        {k: (HALF_LIFE, v, {UNIT: units.get(k, _NATS)}) for k, v in columns.items()},
        coords={HALF_LIFE: [_label(days) for days in tried]},
        attrs={"rows": scores.shape[1], "groups": int(np.unique(group).size)},
    )
    table["window_score"] = ((HALF_LIFE, names.WINDOW), by_window.T, {UNIT: _NATS})
    return table.assign_coords({names.WINDOW: [turn.window for turn in turns]})


def _compared(scores: Floats, other: int, group: Integers) -> tuple[Floats, Floats]:
    """Return each mean score less another's, and its standard error over groups."""
    # What both called impossible is no difference; what one did has no error.
    with np.errstate(invalid="ignore"):
        apart = np.where(scores == scores[other], 0.0, scores - scores[other])
        mean = apart.mean(axis=1)
        left = apart - mean[:, None]
        sums = np.stack([np.bincount(group, each) for each in left])
        many = np.unique(group).size
        share = many / (many - 1) if many > 1 else np.nan
        error: Floats = np.sqrt(share * np.square(sums).sum(axis=1)) / scores.shape[1]
    return mean, error


def _label(days: float) -> str:
    return f"{days:.6g}D" if np.isfinite(days) else NEVER


def _chosen(table: xr.Dataset) -> str:
    return str(table[HALF_LIFE].to_numpy()[int(table["chosen"].argmax(HALF_LIFE))])


def _headline(table: xr.Dataset, turns: list[_Turn]) -> str:
    own = table.sel({HALF_LIFE: _chosen(table)})
    many = f"{len(turns)} window{'' if len(turns) == 1 else 's'}"
    rows = f"{table.attrs['rows']:,} counts in {many}"
    if not np.isfinite(float(own["days"])):
        best = table.isel({HALF_LIFE: int(table["score"].argmax(HALF_LIFE))})
        if float(best["gain"]) > 0:
            return (
                f"Nothing needs to fade: the best half-life, {float(best['days']):g} days, "
                f"foresees {float(best['gain']):.4f} nats a row more than none, within its error "
                f"of {float(best['gain_se']):.4f} ({rows})."
            )
        return f"Nothing needs to fade: no half-life foresees more than none ({rows})."
    return (
        f"Let evidence count half after {float(own['days']):g} days: what comes next is foreseen "
        f"better by {float(own['gain']):.4f} nats a row than when nothing fades, with an error of "
        f"{float(own['gain_se']):.4f} ({rows})."
    )


def _caveats(table: xr.Dataset, turns: list[_Turn]) -> tuple[str, ...]:
    told = []
    unsettled = sum(turn.unsettled for turn in turns)
    if unsettled:
        told.append(f"{unsettled} fits had not settled; raise draws before acting on small gains.")
    groups = table.attrs["groups"]
    if groups < FEW_GROUPS:
        told.append(
            f"Errors rest on {groups} groups of one cluster in one window: too few to know them."
        )
    if table["chosen"].to_numpy()[0] == 1:
        told.append("The shortest half-life was chosen; a shorter one may foresee more.")
    told.append(
        "The gain is judged by the windows that chose it, and flatters the choice a little; score "
        "the next window with coterie.backtest."
    )
    return tuple(told)
