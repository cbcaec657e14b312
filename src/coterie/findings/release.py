"""Release: the three-layer diagnostics of a release: acquisition, intent, retention.

Each layer is measured against what is usual, and the index of the three does not let the first
buy off the others. The article's own formula is lost: the index is reconstructed. Callers may
trust that a layer nobody counted is left out and named, and is not as usual.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence, Set
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import numpy as np
import xarray as xr
from scipy.special import expit

from coterie.errors import FindingError
from coterie.findings.finding import UNIT, Finding
from coterie.findings.formulas import release_index
from coterie.findings.origin import origin_of
from coterie.findings.quantities import number
from coterie.findings.reference import Reference, checked
from coterie.findings.responses import Responses, interval
from coterie.findings.words import of_share

if TYPE_CHECKING:
    from coterie.beliefs import Beliefs
    from coterie.typing import Floats

LAYERS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "acquisition": ("click", "reach"),
        "intent": ("save", "add", "follow", "active", "depth"),
        "retention": ("reactivation", "repeat", "super", "halo"),
    }
)
"""The outcomes of each layer, by their usual names; the source article, section 7.2."""
WEIGHTS: Final[Mapping[str, float]] = MappingProxyType(
    {"acquisition": 0.2, "intent": 0.4, "retention": 0.4}
)
"""Conventions of this package: the first layer weighs least."""
PART: Final = "part"
INDEX: Final = "release index"
ADDITIVE: Final = "additive index"


def release_diagnostics(
    beliefs: Beliefs,
    artist: Hashable,
    *,
    reference: Reference,
    layers: Mapping[str, Sequence[str]] | None = None,
    weights: Mapping[str, float] | None = None,
    prob: float | None = None,
    rng: np.random.Generator,
) -> Finding:
    """Say how a release does on acquisition, intent and retention, against what is usual.

    Parameters
    ----------
    beliefs
        Fitted.
    artist
        Whose release; clusters are pooled by what was counted in each.
    reference
        What is usual: :meth:`Reference.of` other beliefs, or :meth:`Reference.stated`.
    layers
        Outcomes of each layer, by its name; left out, the usual ones that are measured.
    weights
        Of each layer in the index; left out, 0.2, 0.4 and 0.4. Acquisition weighs less than
        intent, and intent no more than retention.
    prob
        Probability of the equal-tailed intervals. Left out, ArviZ's ``stats.ci_prob``.
    rng
        Source of chance.

    Returns
    -------
    Finding
        Kind ``"release"``. Over (part), the layers measured, then the index of them:
        ``index`` with ``index_lower`` and ``index_upper``, 1 being as usual (a layer is the
        geometric mean, over outcomes and clusters, of levels over the usual ones); ``above``, the
        probability of more than 1; ``outcomes``, what it is made of. The last two parts are the
        geometric index, in which no layer buys off another, and the additive one, beside which
        that shows.
        ``intent_density``, acts and catalogue streams a listener, where all are measured.

    Raises
    ------
    FindingError
        If a layer or a weight is unknown, or fewer than two layers are measured.
    BeliefError
        If the artist is unknown.

    Examples
    --------
    >>> beliefs = co.example_beliefs()
    >>> reference = co.Reference.of(beliefs, rng=rng)
    >>> found = co.release_diagnostics(beliefs, "Oslo Choir", reference=reference, rng=rng)
    >>> found.table["part"].values.tolist()
    ['acquisition', 'intent', 'release index', 'additive index']
    """
    stated = {**LAYERS, **(layers or {})}
    drawn = Responses.of(beliefs, artist, rng=rng)
    reference = checked(reference, drawn.measured)
    _check(layers or {}, weights or {}, drawn, reference)
    share = {**WEIGHTS, **(weights or {})}
    counted = {o for o in drawn.outcomes if drawn.denominators[:, drawn.at(o)].sum() > 0}
    known = counted & set(reference.outcomes)
    used = {name: [o for o in own if o in known] for name, own in stated.items()}
    measured = [name for name, own in used.items() if own]
    if len(measured) < 2:  # noqa: PLR2004 - an index of one layer is that layer
        raise FindingError(
            f"{len(measured)} of 3 layers is measured by these beliefs "
            f"({', '.join(drawn.outcomes)}) and the reference "
            f"({', '.join(reference.outcomes)}). Name outcomes with layers=: "
            "{'retention': ['repeat']}."
        )
    index = np.stack([_layer(used[name], drawn, reference) for name in measured], axis=1)
    table = _table(index, {name: used[name] for name in measured}, share, prob)
    density = _density(drawn, counted)
    if density is not None:
        mean, lower, upper, attrs = interval(density, prob)
        unit = {UNIT: "acts and streams a listener"} | attrs
        for end, value in (("", mean), ("_lower", lower), ("_upper", upper)):
            table[f"intent_density{end}"] = ((), float(value), unit)
    return Finding(
        kind="release", headline=_headline(table, artist), table=table,
        caveats=_caveats(measured, share, reference),
        provenance=origin_of(beliefs, artist=str(artist), reference=reference.about),
    )  # fmt: skip


def _check(
    layers: Mapping[str, Sequence[str]], weights: Mapping[str, float], drawn: Responses,
    reference: Reference,
) -> None:  # fmt: skip
    strange = [name for name in (*layers, *weights) if name not in LAYERS]
    if strange:
        raise FindingError(
            f"{strange[0]!r} is no layer; {len(strange)} are like this. The layers are "
            f"{', '.join(LAYERS)}."
        )
    missing = [
        (name, o) for name, own in layers.items() for o in own
        if o not in drawn.outcomes or o not in reference.outcomes
    ]  # fmt: skip
    if missing:
        name, outcome = missing[0]
        where = "the beliefs" if outcome not in drawn.outcomes else "the reference"
        raise FindingError(
            f"{outcome!r} of {name} is not in {where}; {len(missing)} are like this. Name outcomes "
            f"that are in both: {', '.join(o for o in drawn.outcomes if o in reference.outcomes)}."
        )
    share = [number({**WEIGHTS, **weights}[name], f"The weight of {name!r}") for name in LAYERS]
    # The formula holds weights to their order, and says so.
    release_index(np.ones(3), share)


def _layer(outcomes: Sequence[str], drawn: Responses, reference: Reference) -> Floats:
    """Return the geometric mean of levels over the usual ones: (draw,).

    Over clusters as well, each by what was counted in it: a reference is a mean of logs over
    cells, and what is compared with it is pooled the same way.
    """
    parts = []
    for outcome in outcomes:
        at, usual = drawn.at(outcome), reference.outcomes[outcome]
        centre = usual.centre + usual.scatter
        middle = expit(centre) if usual.kind == "binary" else np.exp(centre)
        weight = drawn.denominators[:, at] / drawn.denominators[:, at].sum()
        parts.append(np.log(np.maximum(drawn.levels[:, :, at], 1e-300) / middle) @ weight)
    found: Floats = np.exp(np.mean(parts, axis=0))
    return found


def _density(drawn: Responses, counted: Set[str]) -> Floats | None:
    """Return saves, adds, follows and catalogue streams a listener, where all are counted."""
    if not {"save", "add", "follow", "depth"} <= counted:
        return None
    below = drawn.denominators
    people = below[:, drawn.at("save")].sum()
    found: Floats = np.zeros(len(drawn.levels))
    for outcome in ("save", "add", "follow", "depth"):
        at = drawn.at(outcome)
        share = below[:, at].sum() / people if outcome == "depth" else 1.0
        found = found + share * drawn.levels[:, :, at] @ (below[:, at] / below[:, at].sum())
    return found


def _table(
    index: Floats, used: Mapping[str, Sequence[str]], share: Mapping[str, float],
    prob: float | None,
) -> xr.Dataset:  # fmt: skip
    weight = np.array([share[name] for name in used])
    weight = weight / weight.sum()
    both = np.exp(np.log(index) @ weight), index @ weight
    values = np.column_stack([index, *both])
    mean, lower, upper, attrs = interval(values, prob)
    said = [", ".join(own) for own in used.values()]
    mixed = ", ".join(f"{name} {w:.2f}" for name, w in zip(used, weight, strict=True))
    unit = {UNIT: "1 is as usual"} | attrs
    return xr.Dataset(
        {
            "index": (PART, mean, unit | {"says": "over what is usual, 1 being as usual"}),
            "index_lower": (PART, lower, unit),
            "index_upper": (PART, upper, unit),
            "above": (PART, (values > 1).mean(axis=0), {UNIT: "probability"}),
            "outcomes": (PART, [*said, mixed, mixed], {UNIT: "words"}),
        },
        coords={PART: [*used, INDEX, ADDITIVE]},
        attrs={"main": "index", "draws": len(values)},
    )  # fmt: skip


def _headline(table: xr.Dataset, artist: Hashable) -> str:
    row = table.sel({PART: INDEX})
    layers = table["index"].drop_sel({PART: [INDEX, ADDITIVE]}).to_series()
    weakest, strongest = str(layers.idxmin()), str(layers.idxmax())
    sure = of_share(float(row["above"]), table.attrs["draws"])
    return (
        f"{artist}: {float(row['index']):.2f} times a usual release "
        f"({float(row['index_lower']):.2f} to {float(row['index_upper']):.2f}), above usual in "
        f"{sure} equally likely outcomes; strongest in {strongest} ({layers[strongest]:.2f}), "
        f"weakest in {weakest} ({layers[weakest]:.2f})."
    )


def _caveats(
    measured: Sequence[str], share: Mapping[str, float], reference: Reference
) -> tuple[str, ...]:
    gone = [name for name in LAYERS if name not in measured]
    told = [
        f"What is usual: {reference.about}. The index is reconstructed: the article's own is "
        "lost; weights are conventions "
        f"({', '.join(f'{name} {share[name]:g}' for name in LAYERS)}).",
    ]
    if gone:
        told.insert(
            0, f"Not measured, so not in the index: {' and '.join(gone)}; the others weigh more."
        )
    return tuple(told)
