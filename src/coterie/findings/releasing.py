"""Releasing: a release by date, what is to be done in each, and what lets one go on.

Makes a plan from a playbook's phases and one date. Callers may trust that today is what they
said it is and never read from a clock, that a status is stated only where today is, and that a
gate is met by a number somebody handed in and by nothing else.
"""

from __future__ import annotations

import datetime as dt
import difflib
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr

from coterie.errors import FindingError
from coterie.findings.finding import UNIT, Finding
from coterie.findings.patterns import book_of
from coterie.findings.release_phases import Gate, Phase, phases_of
from coterie.findings.words import of_share

type Day = dt.date | str | pd.Timestamp | np.datetime64
"""A date; of a moment, its day."""

PITCH: Final = "pitch"
"""The task that a date of pitching settles."""
TASK: Final = "task"
PHASE: Final = "phase"
GATE: Final = "gate"
DONE, DUE, LATE, AHEAD = "done", "due", "late", "ahead"
_URGENT: Final = (LATE, DUE, AHEAD, DONE)
_FIRST, _LAST = dt.date(1900, 1, 1), dt.date(2200, 1, 1)
_DAY: Final = dt.timedelta(days=1)
_PROBABILITY: Final = "probability"


def plan(
    release: Day,
    *,
    today: Day | None = None,
    pitched: Day | None = None,
    done: Iterable[str] = (),
    evidence: Finding | Iterable[Finding] | None = None,
    path: str | os.PathLike[str] | None = None,
) -> Finding:
    """Lay out a release as a dated list of tasks, in phases that open and close on evidence.

    Parameters
    ----------
    release
        The day the track comes out: a date, ISO text, or a timestamp, of which the day counts.
    today
        The day on which the plan is read; left out, no status is stated.
    pitched
        The day the pitch went in. At least seven days before the release it is in time; later it
        is late, and followers' Release Radar is not sure of the track.
    done
        Tasks that are done, by their ids.
    evidence
        Findings whose probabilities the gates read, at most one of each kind, about one artist.
    path
        A playbook of your own; left out, the package's.

    Returns
    -------
    Finding
        Kind ``"release_plan"``. Over (task): ``does``, ``phase_of``, ``opens`` and ``due`` (ISO
        dates), ``status`` (``done``, ``due``: may be done and is not late, ``late``, ``ahead``: not
        open yet), ``note`` and ``source``; what is late comes first, then what is due. Over
        (phase): ``starts``, ``ends``, ``entry``, ``exit``, ``phase_status`` and ``gates`` in
        words. Over (gate): ``value`` (probability; NaN where no finding was handed in),
        ``threshold``, ``answer``: ``met``, ``not met`` or ``open``, and ``gate_of``, its phase.

    Raises
    ------
    FindingError
        If a date is none, the pitch lies after today, a task is unknown, two findings are of one
        kind or about several artists, a gate's number is not in its finding, or the playbook cannot
        be read.

    References
    ----------
    .. [1] The source article, sections 14.1 to 14.4, for phases and tasks, and 5.1 for the seven
       days. All other days, and the gates' thresholds, are conventions of this package.

    Examples
    --------
    >>> found = co.playbook.plan("2026-06-05", today="2026-05-20", done=["audit blockers"])
    >>> found.table[["due", "status"]].sel(task="pitch").to_array().values.tolist()
    ['2026-05-29', 'due']
    """
    book = book_of(path)
    phases = phases_of(book)
    start = _day(release, "release")
    now = None if today is None else _day(today, "today")
    sent = None if pitched is None else _day(pitched, "pitched")
    finished = _finished(done, phases, sent)
    if sent is not None and now is not None and sent > now:
        raise FindingError(
            f"pitched is {sent}, {(sent - now).days} days after today ({now}). Leave it out until "
            "the pitch is in."
        )
    frame = _tasks(phases, start, now, sent, finished)
    handed = _handed(evidence)
    table = _with_phases(frame, phases, start, now, handed)
    return Finding(
        kind="release_plan", headline=_headline(frame, start, now), table=table,
        caveats=_caveats(phases, now, handed, table),
        provenance={
            "release": str(start), "today": "not stated" if now is None else str(now),
            "playbook": book.about,
            "evidence": {k: str(one.provenance.get("beliefs", "")) for k, one in handed.items()},
        },
    )  # fmt: skip


def _day(value: Any, what: str) -> dt.date:
    """Return the day of a date, or refuse what is none."""
    found = None
    with suppress(ValueError, OverflowError):
        if isinstance(value, str):
            # pandas would read "today" off the clock and "5" as a day of this month.
            found = dt.datetime.fromisoformat(value.strip()).date()
        elif isinstance(value, np.datetime64 | dt.date):
            moment = pd.Timestamp(value)
            found = None if pd.isna(moment) else moment.date()
    if found is None or not _FIRST <= found <= _LAST:
        raise FindingError(
            f"{what} is {value!r}, which is no date from {_FIRST.year} to {_LAST.year}. Write it "
            "as 2026-06-05, or give a datetime.date."
        )
    return found


def _finished(done: Iterable[str], phases: Sequence[Phase], sent: dt.date | None) -> set[str]:
    """Return the ids of tasks that are done, and refuse those that are no tasks."""
    told = list(done) if isinstance(done, Iterable) and not isinstance(done, str) else [done]
    known = [task.name for phase in phases for task in phase.tasks]
    strange = [name for name in told if name not in known]
    if strange:
        near = difflib.get_close_matches(str(strange[0]), known, n=3) or known[:3]
        raise FindingError(
            f"{strange[0]!r} is no task of this playbook; {len(strange)} of {len(told)} are like "
            f"this. Did you mean {' or '.join(map(repr, near))}?"
        )
    if sent is not None and PITCH not in known:
        raise FindingError(
            f"pitched is stated, and this playbook has no task {PITCH!r}. Leave it out, or give a "
            "task that id."
        )
    return set(told) | ({PITCH} if sent is not None else set())


def _tasks(
    phases: Sequence[Phase], start: dt.date, now: dt.date | None, sent: dt.date | None,
    finished: set[str],
) -> pd.DataFrame:  # fmt: skip
    """Lay out the tasks, most urgent first."""
    rows = []
    for phase in phases:
        for task in phase.tasks:
            opens, due = start + task.opens * _DAY, start + task.due * _DAY
            note = ""
            if task.name == PITCH and sent is not None:
                before = (start - sent).days
                side = "before" if before >= 0 else "after"
                note = f"pitched {sent}, {abs(before)} days {side} release"
            missed = task.name == PITCH and sent is not None and sent > due
            status = _status(now, opens, due, finished=task.name in finished, missed=missed)
            rows.append((task.name, task.does, phase.name, opens, due, status, note, task.source))
    columns = [TASK, "does", "phase_of", "opens", "due", "status", "note", "source"]
    frame = pd.DataFrame(rows, columns=columns)
    urgency = frame["status"].map({s: i for i, s in enumerate(_URGENT)}).fillna(0)
    order = frame.assign(urgency=urgency).sort_values(["urgency", "due"], kind="stable").index
    return frame.loc[order].reset_index(drop=True)


def _status(
    now: dt.date | None, opens: dt.date, due: dt.date, *, finished: bool, missed: bool
) -> str:
    if now is None:
        return "not stated"
    if missed or (now > due and not finished):
        return LATE
    if finished:
        return DONE
    return AHEAD if now < opens else DUE


def _handed(evidence: Finding | Iterable[Finding] | None) -> dict[str, Finding]:
    """Return findings by kind."""
    told: Iterable[Any] = evidence if isinstance(evidence, Iterable) else [evidence]
    found: dict[str, Finding] = {}
    for one in () if evidence is None else told:
        if not isinstance(one, Finding):
            raise FindingError(
                f"evidence holds {one!r:.80}, which is no Finding. Hand in what co.scorecard, "
                "co.playbook.read and the like return."
            )
        if one.kind in found:
            raise FindingError(
                f"evidence holds two findings of kind {one.kind!r}, and a gate cannot tell which "
                "to read. Hand in one."
            )
        found[one.kind] = one
    _refuse_several(found)
    return found


def _refuse_several(handed: Mapping[str, Finding]) -> None:
    """Refuse evidence about several artists; a finding that names none may be about any."""
    about: dict[str, list[str]] = {}
    for kind, one in handed.items():
        if "artist" in one.provenance:
            about.setdefault(str(one.provenance["artist"]), []).append(kind)
    if len(about) > 1:
        told = " and ".join(f"{name!r} ({', '.join(kinds)})" for name, kinds in about.items())
        raise FindingError(
            f"evidence is about {told}, {len(about)} artists in {len(handed)} findings, and a plan "
            "is of one artist's release. Hand in findings about one artist."
        )


def _value(gate: Gate, finding: Finding | None) -> float:
    """Return the probability a gate reads; NaN where its finding was not handed in."""
    if finding is None:
        return float("nan")
    table = finding.table
    if gate.number not in table or table[gate.number].attrs.get(UNIT) != _PROBABILITY:
        chances = [str(v) for v in table.data_vars if table[v].attrs.get(UNIT) == _PROBABILITY]
        raise FindingError(
            f"A gate reads {gate.number!r} of a finding of kind {gate.finding!r}, which has no "
            f"such probability; it has {', '.join(chances) or 'none'}. Name one of them in the "
            "playbook."
        )
    values = table[gate.number]
    if gate.of in ("highest", "lowest"):
        return float(values.max() if gate.of == "highest" else values.min())
    labels = [str(label) for label in values[values.dims[0]].values] if values.ndim == 1 else []
    if gate.of not in labels:
        raise FindingError(
            f"A gate reads {gate.number!r} of {gate.of!r}, which is not among the {len(labels)} "
            f"labels of the finding of kind {gate.finding!r}: {', '.join(labels[:6])}. Name one "
            "of them, 'highest' or 'lowest'."
        )
    return float(values[labels.index(gate.of)])


def _with_phases(
    frame: pd.DataFrame, phases: Sequence[Phase], start: dt.date, now: dt.date | None,
    handed: Mapping[str, Finding],
) -> xr.Dataset:  # fmt: skip
    gates = [(phase, gate) for phase in phases for gate in phase.gates]
    values = [_value(gate, handed.get(gate.finding)) for _, gate in gates]
    answers = [_answer(gate, value) for (_, gate), value in zip(gates, values, strict=True)]
    by_phase = [_of_phase(phase, frame, start, now) for phase in phases]
    told = [
        "; ".join(
            f"{gate.words}, {_told(value, handed.get(gate.finding), answer)}"
            for (own, gate), value, answer in zip(gates, values, answers, strict=True)
            if own is phase
        )
        for phase in phases
    ]
    words, date, chance = {UNIT: "words"}, {UNIT: "date"}, {UNIT: _PROBABILITY}
    dated = {
        name: (
            TASK,
            frame[name].astype(str).to_numpy(),
            date if name in ("opens", "due") else words,
        )
        for name in ("due", "status", "phase_of", "note", "opens", "source", "does")
    }
    rows: dict[str, Any] = dict(dated)
    for at, name in enumerate(("starts", "ends", "phase_status", "entry", "exit")):
        unit = date if name in ("starts", "ends") else words
        rows[name] = (PHASE, [row[at] for row in by_phase], unit)
    rows["gates"] = (PHASE, told, words)
    if gates:
        rows |= {
            "value": (GATE, values, chance),
            "threshold": (GATE, [gate.threshold for _, gate in gates], chance),
            "answer": (GATE, answers, words),
            "gate_of": (GATE, [phase.name for phase, _ in gates], words),
        }
    coords: dict[str, Any] = {TASK: frame[TASK].to_list(), PHASE: [p.name for p in phases]}
    labels = [f"{phase.name}: {gate.words}" for phase, gate in gates]
    return xr.Dataset(rows, coords=coords | ({GATE: labels} if gates else {}))


def _of_phase(
    phase: Phase, frame: pd.DataFrame, start: dt.date, now: dt.date | None
) -> tuple[str, str, str, str, str]:
    """Return start, end, status, entry and exit of a phase."""
    opens, ends = start + phase.starts * _DAY, start + phase.ends * _DAY
    own = frame.loc[frame["phase_of"] == phase.name, "status"]
    status = _status(now, opens, ends, finished=bool((own == DONE).all()), missed=False)
    return str(opens), str(ends), status, phase.entry, phase.exit


def _answer(gate: Gate, value: float) -> str:
    if np.isnan(value):
        return "open"
    return "met" if gate.met(value) else "not met"


def _told(value: float, finding: Finding | None, answer: str) -> str:
    """Say a gate's probability and what it comes to."""
    if finding is None:
        return "open: no such finding was handed in"
    if np.isnan(value):
        return "open: it was not measured"
    draws = finding.table.attrs.get("draws")
    share = f"{value:.2f}" if draws is None else of_share(value, int(draws))
    return f"{answer}: {share}"


def _headline(frame: pd.DataFrame, start: dt.date, now: dt.date | None) -> str:
    first, last = frame["opens"].min(), frame["due"].max()
    pitch = frame.loc[frame[TASK] == PITCH, "due"]
    if now is None:
        told = f": the pitch is due by {pitch.iloc[0]}" if len(pitch) else ""
        return f"For the release on {start}, {len(frame)} tasks stand from {first} to {last}{told}."
    count = frame["status"].value_counts()
    late, done = int(count.get(LATE, 0)), int(count.get(DONE, 0))
    open_ = frame[frame["status"].isin([LATE, DUE, AHEAD])]
    head = f"On {now}, {_distance(start, now)}, {done} of {len(frame)} tasks are done"
    if open_.empty:
        return f"{head} and none is open."
    top = open_.iloc[0]
    behind = f"{late} late" if late else "none is late"
    note = f"; {top['note']}" if top["note"] else ""
    return f"{head} and {behind}; first comes {top[TASK]} (due {top['due']}{note})."


def _distance(start: dt.date, now: dt.date) -> str:
    days = (start - now).days
    if days == 0:
        return "the day of the release"
    return f"{abs(days)} day{'s' * (abs(days) != 1)} {'before' if days > 0 else 'after'} release"


def _caveats(
    phases: Sequence[Phase], now: dt.date | None, handed: Mapping[str, Finding], table: xr.Dataset
) -> tuple[str, ...]:
    told = [
        "Days and thresholds are conventions of the playbook, but for a pitch at least seven days "
        "before release.",
    ]
    if now is None:
        told.insert(0, "Today was not stated, and so no status is.")
    open_ = int((table["answer"] == "open").sum()) if "answer" in table else 0
    if open_:
        needed = sorted({g.finding for p in phases for g in p.gates} - set(handed))
        told.append(
            f"{open_} of {table.sizes[GATE]} gates are open"
            + (f": no finding of kind {' or '.join(needed)} was handed in." if needed else ".")
        )
    read = {gate.finding for phase in phases for gate in phase.gates}
    idle = sorted(set(handed) - read)
    if idle:
        told.append(f"Handed in, and read by no gate: {', '.join(idle)}.")
    return tuple(told)
