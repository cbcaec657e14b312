"""The command line: one command a verb, no logic.

Results go to stdout, progress and errors to stderr. Exit 0: done; 1: the table has
problems; 2: refused; 130: stopped by the user.
"""

from __future__ import annotations

import json as jsonlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import coterie as co

if TYPE_CHECKING:
    import pandas as pd

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

CURATORS = "These are curators' decisions about playlists, not listeners' behaviour."
_SHOWN = 12
_DRAWN = 3
"""Artists of the demo's table, and of its picture."""

Json = Annotated[bool, typer.Option("--json", help="Print for machines.")]
Seed = Annotated[int, typer.Option(help="Same seed, same numbers.")]
Currency = Annotated[str | None, typer.Option(help="EUR, where they do not say.")]
Decimal = Annotated[str | None, typer.Option(help="Decimal mark, where in doubt.")]
DayFirst = Annotated[
    bool | None, typer.Option("--day-first/--month-first", help="Dates, where in doubt.")
]
HalfLife = Annotated[str | None, typer.Option(help="Let old windows fade: 90D, or never.")]


@app.callback(invoke_without_command=True)
def coterie(version: Annotated[bool, typer.Option("--version", help="Say which.")] = False) -> None:
    """Infer which listener clusters music belongs in, and how sure we are."""
    if version:
        typer.echo(co.__version__)
        raise typer.Exit


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="Table to check: .csv or .parquet.")],
    json: Json = False,
) -> None:
    """Name every problem of a table at once."""
    with _refusals("check"):
        problems = co.check(_table(file))
    if json:
        fields = ("code", "severity", "column", "rows", "message", "fix")
        typer.echo(jsonlib.dumps([{f: getattr(p, f) for f in fields} for p in problems]))
    else:
        for problem in problems:
            typer.echo(f"{problem.severity}: {problem}")
        if not problems:
            typer.echo(f"{file}: no problems found.")
    raise typer.Exit(int(any(problem.severity == "error" for problem in problems)))


@app.command()
def fit(  # noqa: PLR0913, PLR0917 - one option a word of the command
    file: Annotated[Path, typer.Argument(help="Table of counts: .csv or .parquet.")],
    prior: Annotated[Path, typer.Option(help="TOML with [shares], and [prob] for many homes.")],
    out: Annotated[Path, typer.Option(help="Beliefs file to write.")],
    homes: Annotated[str, typer.Option(help="'one' or 'many'.")] = "one",
    draws: Annotated[int, typer.Option(help="Draws of each of four chains.")] = 1000,
    window: Annotated[str | None, typer.Option(help="How to cut time, such as 28D.")] = None,
    half_life: HalfLife = None,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Fit a table, print the belief table, write the beliefs."""
    import numpy as np

    with _refusals("fit"):
        if homes not in ("one", "many"):
            raise co.BeliefError(f"--homes is {homes!r}; write 'one' or 'many'.")
        _check_out(out)
        table = _table(file)
        # As `read` writes them.
        dates = ("start", "end") if {"start", "end"} <= set(table.columns) else None
        evidence = co.Evidence.from_frame(table, period=dates, window=window)
        evidence = evidence.forgetting(half_life)
        rng = np.random.default_rng(seed)
        beliefs = co.fit(evidence, _prior(prior, homes), homes=homes, draws=draws, rng=rng)  # type: ignore[arg-type]
        _refuse_stopped(beliefs)
        beliefs.save(out)
    typer.echo(jsonlib.dumps(_plain(beliefs)) if json else str(beliefs))


@app.command()
def update(  # noqa: PLR0913, PLR0917 - one option a word of the command
    beliefs: Annotated[Path, typer.Argument(help="Beliefs file that fit or update wrote.")],
    file: Annotated[Path, typer.Argument(help="Rows that came since: .csv or .parquet.")],
    out: Annotated[Path, typer.Option(help="Beliefs file to write; may be the first.")],
    prior: Annotated[Path | None, typer.Option(help="TOML, as in fit, where it changes.")] = None,
    replaces: Annotated[bool, typer.Option("--replaces", help="Corrections, later reads.")] = False,
    half_life: HalfLife = None,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Take in rows that came later, print the belief table, write the beliefs."""
    import numpy as np

    with _refusals("update"):
        _check_out(out)
        before = co.Beliefs.load(beliefs)
        evidence = before.evidence.read_more(_table(file))
        stated = None if prior is None else _prior(prior, before.homes or "one")
        rng = np.random.default_rng(seed)
        now = co.update(
            before, evidence, replaces=replaces, prior=stated, half_life=half_life, rng=rng
        )
        _refuse_stopped(now)
        now.save(out)
        path, entries = now.tree.attrs["coterie_path"], now.history.sizes["update"] - 1
    how = "the draws were weighed" if path == "weights" else "the model was fitted again"
    typer.echo(f"Update {entries}: {len(evidence):,} rows came, and {how}.", err=True)
    typer.echo(jsonlib.dumps(_plain(now) | {"path": path}) if json else str(now))


@app.command()
def read(  # noqa: PLR0913, PLR0917 - one option a thing a file may not say
    files: Annotated[list[Path], typer.Argument(help="Exports, as the platforms wrote them.")],
    mapping: Annotated[
        Path | None, typer.Option("--map", help="TOML: which campaign reached which cluster.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Table to write: .csv or .parquet.")] = None,
    artist: Annotated[str | None, typer.Option(help="Whose, where the files do not say.")] = None,
    start: Annotated[str | None, typer.Option(help="First day, where they do not say.")] = None,
    end: Annotated[str | None, typer.Option(help="Last day, where they do not say.")] = None,
    currency: Currency = None,
    decimal: Decimal = None,
    day_first: DayFirst = None,
) -> None:
    """Read exports, list what was left out; with --map join them into a table of evidence."""
    from coterie.deck import write_table

    with _refusals("read"):
        if mapping is None and out is not None and len(files) > 1:
            raise co.EvidenceError("Several files make one table by a mapping: --map FILE.")
        if out is not None:
            _check_out(out)
            if out.absolute() in {file.absolute() for file in files}:
                raise co.EvidenceError(f"--out {out} is one of the exports. Name another file.")
        stated = {"artist": artist, "decimal": decimal, "day_first": day_first}
        exports = [_export(file, (start, end), currency=currency, **stated) for file in files]
        for export in exports:
            typer.echo(str(export), err=out is not None or mapping is not None)
        table = co.assemble(exports, mapping) if mapping else exports[0].frame
        if out is not None:
            write_table(table, out)
            typer.echo(f"Written: {out} ({len(table):,} rows)", err=True)
        elif mapping is not None:
            typer.echo(table.to_string(index=False))


@app.command("map")
def map_(
    files: Annotated[list[Path], typer.Argument(help="Exports, as the platforms wrote them.")],
    out: Annotated[Path | None, typer.Option(help="TOML file to write; never over one.")] = None,
    currency: Currency = None,
    decimal: Decimal = None,
    day_first: DayFirst = None,
) -> None:
    """Write a mapping to fill in: every campaign, ad set and playlist of some exports."""
    from coterie.deck import write_new

    with _refusals("map"):
        stated = {"currency": currency, "decimal": decimal, "day_first": day_first}
        text = co.exports.template(_export(file, (None, None), **stated) for file in files)
        if out is None:
            typer.echo(text, nl=False)
            return
        _check_out(out)
        write_new(text, out)
    typer.echo(
        f"Written: {out}. Fill in the clusters, then: coterie read ... --map {out}", err=True
    )


@app.command()
def report(
    beliefs: Annotated[Path, typer.Argument(help="Beliefs file that fit or update wrote.")],
    to: Annotated[
        Path, typer.Option(help="deck.pptx, report.html, or a folder for pictures and numbers.")
    ],
    title: Annotated[str | None, typer.Option(help="Of the first page.")] = None,
    artist: Annotated[list[str] | None, typer.Option(help="Who gets slides; repeat it.")] = None,
    audience: Annotated[str, typer.Option(help="'strategist' or 'analyst'.")] = "strategist",
    template: Annotated[Path | None, typer.Option(help="Your own .pptx or .potx.")] = None,
) -> None:
    """Tell beliefs in slides: PowerPoint, one page of HTML, or pictures with their numbers."""
    with _refusals("report"):
        endings = {".pptx", ".html", ""}
        if to.suffix.lower() not in endings:
            raise co.FindingError(f"--to {to} ends in neither .pptx nor .html; name a file so.")
        if template is not None and to.suffix.lower() != ".pptx":
            raise co.FindingError("--template is for --to deck.pptx.")
        if to.suffix:
            _check_out(to, "--to")
        elif to.is_file():
            raise co.FindingError(f"--to {to} is a file. Name a folder, .pptx or .html.")
        stated = {} if title is None else {"title": title}
        told = co.Beliefs.load(beliefs)
        # Another audience is refused by Deck, in words.
        deck = co.Deck(told, artists=artist or None, audience=audience, **stated)  # type: ignore[arg-type]
        if to.suffix.lower() == ".pptx":
            deck.to_pptx(to, template=template)
        elif to.suffix:
            deck.to_html(to)
        else:
            deck.to_png(to)
            deck.to_csv(to)
    typer.echo(str(deck))
    typer.echo(f"Written: {to}", err=True)


def _export(file: Path, period: tuple[str | None, str | None], **stated: Any) -> co.Export:
    """Read one export; of what is stated of all files, take what this one does not say."""
    if None in period and period != (None, None):
        raise co.EvidenceError("A period has two ends: give --start and --end.")
    facts = {name: stated.pop(name, None) for name in ("artist", "currency")}
    facts |= {"period": None if None in period else period}
    said = {name: value for name, value in stated.items() if value is not None}
    first = co.read_export(file, **said)
    silent = {note.code.removeprefix("no-") for note in first.notes}
    more = {k: v for k, v in facts.items() if v is not None and k in silent}
    return co.read_export(file, **said, **more) if more else first


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder for the picture and the beliefs.")] = Path(),
    seed: Seed = 7,
    json: Json = False,
) -> None:
    """Fit bundled playlist data, say where artists belong, and look whether it came true."""
    import numpy as np

    from coterie.findings import later_best, leaders

    rng = np.random.default_rng(seed)
    with _refusals("demo"):
        early, later = (co.datasets.placements(window) for window in ("early", "late"))
        evidence = _placements(early)
        prior = co.MembershipPrior.uniform(evidence.clusters.tolist())
        typer.echo(f"{CURATORS}\nFitting {len(evidence):,} rows.", err=True)
        with _warming():
            beliefs = co.fit(evidence, prior, rng=rng)
            _refuse_stopped(beliefs)
        placed = early.groupby("artist")["placements"].sum()
        artists = placed.sort_values(ascending=False, kind="stable").index[:_SHOWN].tolist()
        table = leaders(beliefs, artists, {"early": early, "later": later}, count="placements")
        outcome = later_best(beliefs, early, later, count="placements")
        beliefs.save(out / "coterie-demo.nc")
        _draw(beliefs, artists[:_DRAWN], out / "coterie-demo.png")
    if json:
        rows = jsonlib.loads(table.to_json(orient="records"))
        typer.echo(jsonlib.dumps({"beliefs": rows, "came_true": outcome}))
        return
    typer.echo(table.to_string(index=False, float_format="{:.2f}".format))
    typer.echo(f"\n{outcome}\n{beliefs.diagnose().lines[0]}\n{CURATORS}")
    typer.echo(f"Written: {out / 'coterie-demo.nc'}, {out / 'coterie-demo.png'}", err=True)


def _placements(frame: pd.DataFrame) -> co.Evidence:
    import warnings

    with warnings.catch_warnings():
        # Who was not placed somewhere was not kept there either: no denominator.
        warnings.simplefilter("ignore", co.EvidenceWarning)
        return co.Evidence.from_frame(frame, outcomes=co.datasets.placement_outcomes())


@contextmanager
def _refusals(verb: str) -> Iterator[None]:
    """Turn what coterie refuses into one line, and Ctrl-C into one sentence."""
    import warnings

    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *_, **__: typer.echo(f"note: {message}", err=True)
        try:
            yield
        except (co.FitInterrupted, KeyboardInterrupt):
            typer.echo(f"coterie {verb}: stopped; nothing was written.", err=True)
            raise typer.Exit(130) from None
        except (co.CoterieError, OSError) as error:
            typer.echo(f"coterie {verb}: {error}", err=True)
            raise typer.Exit(2) from None


def _refuse_stopped(beliefs: co.Beliefs) -> None:
    """Take Ctrl-C at its word: a command that was stopped writes nothing."""
    if beliefs.interrupted:
        raise co.FitInterrupted(beliefs.diagnose().lines[0])


@contextmanager
def _warming() -> Iterator[None]:
    """Compile the loops behind beliefs on another core, while this one compiles the model."""
    import subprocess
    import sys

    quiet = subprocess.DEVNULL
    beside = subprocess.Popen(
        [sys.executable, "-m", "coterie.beliefs.warming"], stdout=quiet, stderr=quiet
    )
    try:
        yield
    finally:
        beside.terminate()
        beside.wait()


def _check_out(out: Path, option: str = "--out") -> None:
    """Refuse a file that could not be written, before minutes are spent on a fit."""
    if out.is_dir():
        raise co.BeliefError(f"{option} {out} is a folder. Name a file in it, such as beliefs.nc.")
    if not out.absolute().parent.is_dir():
        raise co.BeliefError(f"The folder {out.parent} of {option} does not exist. Make it first.")


def _plain(beliefs: co.Beliefs) -> dict[str, Any]:
    """Return the belief table for machines, with what is needed to trust it."""
    table, found = beliefs.summary(), beliefs.diagnose()
    told: dict[str, Any] = {k: table.attrs.get(k) for k in ("ci_kind", "ci_prob")}
    told |= {"settled": found.ok, "diagnosis": list(found.lines)}
    if beliefs.homes == "one":
        rest = beliefs.elsewhere.mean(("chain", "draw")).to_series()
        told["elsewhere"] = {str(artist): float(value) for artist, value in rest.items()}
    return {"beliefs": jsonlib.loads(table.to_json(orient="records")), **told}


def _table(file: Path) -> Any:
    import pandas as pd

    if not file.is_file():
        raise co.EvidenceError(f"There is no file {file}. Check its name and its folder.")
    if file.suffix not in (".csv", ".parquet"):
        raise co.EvidenceError(f"{file} is neither .csv nor .parquet. Export it as one of them.")
    if file.suffix == ".parquet":
        return pd.read_parquet(file)
    _refuse_repeated(file)
    try:
        # An artist may be called NA: only an empty field is missing.
        table = pd.read_csv(file, keep_default_na=False, na_values=["", "NaN", "nan"])
    except pd.errors.EmptyDataError:
        raise co.EvidenceError(f"{file} is empty. Export the table again.") from None
    except UnicodeDecodeError:
        raise co.EvidenceError(f"{file} is not in UTF-8. Save it as 'CSV UTF-8'.") from None
    except pd.errors.ParserError as error:
        raise co.EvidenceError(
            f"{file} cannot be read as a table: {str(error).strip()}. Every line needs as many "
            "fields as the header; quote text that holds a comma."
        ) from None
    if len(table.columns) == 1 and ";" in str(table.columns[0]):
        raise co.EvidenceError(
            f"{file} is separated by semicolons. Export it with commas between fields and a point "
            "as the decimal mark."
        )
    return table


def _refuse_repeated(file: Path) -> None:
    """Refuse a header that names a column twice; reading would rename the second."""
    import csv
    from collections import Counter

    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            header = next(csv.reader(lines), [])
    except (UnicodeDecodeError, csv.Error):
        return  # Said in full by who reads the rest.
    twice = [name for name, times in Counter(header).items() if times > 1 and name]
    if twice:
        raise co.EvidenceError(
            f"{file} has column {twice[0]!r} more than once ({len(twice)} of its {len(header)} "
            "columns are like this). Rename or drop all but one; which is meant cannot be known."
        )


def _prior(file: Path, homes: str) -> co.MembershipPrior:
    import tomllib

    known = {"elsewhere", "shares", "prob"}
    try:
        said = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise co.BeliefError(f"{file} is not TOML: {error}.") from None
    odd = sorted(set(said) - known)
    if odd or not isinstance(said.get("shares"), dict):
        wrong = f"{file} says {odd[0]!r}, which means nothing here" if odd else f"{file} lacks it"
        raise co.BeliefError(
            f"A prior needs a table [shares] of cluster = share, and may say elsewhere "
            f"and a table [prob] of cluster = probability; {wrong}."
        )
    low = sorted(set(said["shares"]) & {"elsewhere"})
    if low:
        raise co.BeliefError(
            f"{file} says {low[0]} inside [shares], where it counts as a cluster. Write it above "
            "the line [shares]."
        )
    if homes == "many" and "prob" not in said:
        raise co.BeliefError(
            f"--homes many needs a table [prob] in {file}: cluster = probability of membership."
        )
    rest = {k: said[k] for k in ("elsewhere", "prob") if k in said}
    return co.MembershipPrior.from_shares(said["shares"], **rest)


def _draw(beliefs: co.Beliefs, artists: list[Any], path: Path) -> None:
    beside = path.with_name(f".{path.name}.part.png")
    try:
        co.plot_home(beliefs, artists=artists, backend="matplotlib").savefig(beside)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
