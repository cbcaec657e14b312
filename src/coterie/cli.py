"""The command line: one command a verb, no logic.

Results go to stdout, progress and errors to stderr. Exit 0: done; 1: the table has
problems; 2: refused; 130: stopped by the user.
"""

from __future__ import annotations

import json as jsonlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

import coterie as co

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)

CURATORS = "These are curators' decisions about playlists, not listeners' behaviour."
_SHOWN = 3

Json = Annotated[bool, typer.Option("--json", help="Print for machines.")]
Seed = Annotated[int, typer.Option(help="Same seed, same numbers.")]


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
def fit(
    file: Annotated[Path, typer.Argument(help="Table of counts: .csv or .parquet.")],
    prior: Annotated[Path, typer.Option(help="TOML with [shares], and [prob] for many homes.")],
    out: Annotated[Path, typer.Option(help="Beliefs file to write.")],
    homes: Annotated[str, typer.Option(help="'one' or 'many'.")] = "one",
    draws: Annotated[int, typer.Option(help="Draws of each of four chains.")] = 1000,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Fit a table, print the belief table, write the beliefs."""
    import numpy as np

    with _refusals("fit"):
        if homes not in ("one", "many"):
            raise co.BeliefError(f"--homes is {homes!r}; write 'one' or 'many'.")
        evidence = co.Evidence.from_frame(_table(file))
        rng = np.random.default_rng(seed)
        beliefs = co.fit(evidence, _prior(prior), homes=homes, draws=draws, rng=rng)  # type: ignore[arg-type]
        beliefs.save(out)
        summary = beliefs.summary()
    typer.echo(summary.to_json(orient="records") if json else str(beliefs))


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder for the picture and the beliefs.")] = Path(),
    draws: Annotated[int, typer.Option(help="Draws of each of two chains.")] = 500,
    seed: Seed = 7,
    json: Json = False,
) -> None:
    """Fit bundled playlist data, backtest it on what came later, draw a picture."""
    import numpy as np

    rng = np.random.default_rng(seed)
    with _refusals("demo"):
        early, later = (_playlists(window) for window in ("early", "late"))
        prior = co.MembershipPrior.uniform(early.clusters.tolist())
        typer.echo(f"{CURATORS}\nFitting {len(early)} rows: a minute or two at first.", err=True)
        with _warming():
            beliefs = co.fit(early, prior, draws=draws, chains=2, rng=rng)
        finding = co.backtest(beliefs, later, rng=rng)
        artists = early.to_frame()["artist"].value_counts().index[:_SHOWN].tolist()
        table = beliefs.summary(artists=artists)
        beliefs.save(out / "coterie-demo.nc")
        _draw(beliefs, artists, out / "coterie-demo.png")
    if json:
        table = jsonlib.loads(table.to_json(orient="records"))
        typer.echo(jsonlib.dumps({"beliefs": table, "backtest": finding.headline}))
        return
    shown = table[["artist", "cluster", "prior", "home", "lower", "upper"]]
    typer.echo(shown.to_string(index=False, float_format="{:.2f}".format))
    typer.echo(f"\n{finding.headline}\n{CURATORS}")
    typer.echo(f"Written: {out / 'coterie-demo.nc'}, {out / 'coterie-demo.png'}", err=True)


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


def _playlists(window: str) -> co.Evidence:
    import warnings

    outcomes = [o for o in co.datasets.playlist_outcomes() if o.name != "returned"]
    frame = co.datasets.load("playlists", window=window)  # type: ignore[arg-type]
    with warnings.catch_warnings():
        # Many placements are no entry, so that their downstream has a denominator of 0.
        warnings.simplefilter("ignore", co.EvidenceWarning)
        return co.Evidence.from_frame(frame, outcomes=outcomes, factors=("context",))


def _table(file: Path) -> Any:
    import pandas as pd

    if file.suffix not in (".csv", ".parquet"):
        raise co.EvidenceError(f"{file} is neither .csv nor .parquet. Export it as one of them.")
    return pd.read_csv(file) if file.suffix == ".csv" else pd.read_parquet(file)


def _prior(file: Path) -> co.MembershipPrior:
    import tomllib

    try:
        said = tomllib.loads(file.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise co.BeliefError(f"{file} is not TOML: {error}.") from None
    odd = sorted(set(said) - {"elsewhere", "shares", "prob", "strength"})
    if odd or "shares" not in said:
        raise co.BeliefError(
            f"{file} says {sorted(said)}; it needs a table [shares] of cluster = share, and may "
            "say elsewhere, strength and a table [prob]."
        )
    rest = {k: said[k] for k in ("elsewhere", "prob", "strength") if k in said}
    return co.MembershipPrior.from_shares(said["shares"], **rest)


def _draw(beliefs: co.Beliefs, artists: list[Any], path: Path) -> None:
    beside = path.with_name(f".{path.name}.part.png")
    try:
        co.plot_home(beliefs, artists=artists, backend="matplotlib").savefig(beside)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
