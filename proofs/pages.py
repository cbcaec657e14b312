"""Lay the results of the proofs out as tables, and put them into the page that shows them.

    python proofs/pages.py    # rewrite the tables of docs/ideas/why-believe.md

A table stands between ``<!-- name -->`` and ``<!-- end of name -->``. Nothing is computed here
that was not measured there: a result that is not kept yet is said to be absent.
"""

import json
from collections.abc import Callable
from pathlib import Path

import coterie as co
from coterie.findings import FAMILIES
from coterie.findings.sbc import code_hash

HERE = Path(__file__).parent
RESULTS = HERE / "results"
PAGE = HERE.parent / "docs" / "ideas" / "why-believe.md"
RANKS_SEED = 20261124
ABSENT = "*Not run yet.*"


def calibration() -> str:
    """Lay out beliefs against truth on worlds drawn from the priors."""
    if not (RESULTS / "calibration.json").exists():
        return ABSENT
    held = json.loads((RESULTS / "calibration.json").read_text())
    rows = []
    for mode, found in held.items():
        rates = found["rate_coverage90"]
        rows.append(
            [
                f"{mode} home{'s' if mode == 'many' else ''}",
                found["worlds"],
                f"{sum(b['n'] for b in found['bins']):,}",
                f"{found['worst_bin_z']:.2f}",
                f"{found['log_score']:.3f}",
                f"{found['base_rate_score']:.3f}",
                f"{found['coverage90']:.3f} of {found['checks']}",
                f"{min(rates):.3f} to {max(rates):.3f}",
            ]
        )
    return _table(
        ["mode", "worlds", "beliefs", "worst bin, standard errors", "log score", "base rate's",
         "90 % intervals of the population held", "of rates"],
        rows,
    )  # fmt: skip


def correlated() -> str:
    """Lay out what the shared affinity gains and costs."""
    if not (RESULTS / "correlated.json").exists():
        return ABSENT
    held = json.loads((RESULTS / "correlated.json").read_text())
    words = {
        "beliefs": "beliefs", "without_affinity": "without affinity",
        "raw_shares": "raw rates as shares", "base_rate": "base rate",
    }  # fmt: skip
    rows = [
        [
            name,
            *(f"{found['mean_log_score'][k]:.3f}" for k in words),
            f"{found['of_beliefs_above_0.9_true']:.1%}",
        ]
        for name, found in held.items()
        if isinstance(found, dict)
    ]
    return _table(["worlds", *words.values(), "of beliefs above 0.9, true"], rows)


def ranks() -> str:
    """Lay out simulation-based calibration, family by family."""
    rows = []
    for family in FAMILIES:
        found = _sbc(family)
        if found is None:
            rows.append([family, *["" for _ in range(6)], "not run yet"])
            continue
        table, told = found.table, found.provenance
        kept = table["coverage90"].dropna("statistic")
        inside = table["coverage50"].dropna("statistic")
        rows.append(
            [
                family,
                f"{int(table['replications'][0]):,}",
                table.sizes["statistic"],
                f"{float(table['p_value'].min()):.2g}",
                f"{float(kept.mean()):.3f} ({float(kept.min()):.3f} to {float(kept.max()):.3f})",
                f"{float(inside.mean()):.3f}",
                f"{told['unsettled']:.1%}",
                "calibrated" if not table["flagged"].any() else "flagged",
            ]
        )
    head = ["family", "worlds", "statistics", "smallest p", "90 % intervals held (least, most)"]
    table = _table([*head, "50 % intervals held", "fits not settled", "verdict"], rows)
    return f"{table}\n\n{_made_by(RESULTS / 'ranks')}".rstrip()


def _made_by(folder: Path) -> str:
    """Say so where ranks are those of other code than the code at hand."""
    codes = {json.loads(file.read_text())["code"] for file in folder.glob("**/*.json")}
    if codes <= {code_hash()}:
        return ""
    return "*By an earlier version of the model's code; to be made anew with the present one.*"


def power() -> str:
    """Lay out what the same ranks say of faults put into the draws."""
    rows = []
    for family in FAMILIES:
        for fault, words in (("narrow", "0.8 times as wide"), ("shift", "moved by 0.2 SD")):
            found = _sbc(family, fault)
            if found is None:
                continue
            effects = ["_effect " in name for name in found.table["statistic"].values.tolist()]
            table = found.table.isel(statistic=effects)
            flagged = int(table["flagged"].sum())
            size = f"{int(table['replications'][0]):,}"
            rows.append([family, words, size, f"{flagged} of {table.sizes['statistic']}"])
    return _table(["family", "draws of effects", "worlds", "statistics flagged"], rows)


def planted() -> str:
    """Lay out faults put into the model, each caught or not."""
    rows = []
    for folder in sorted((RESULTS / "planted").glob("*")):
        family = sorted(folder.glob("*.json"))[0].stem.rsplit("-", 1)[0]
        found = _sbc(family, folder=folder)
        if found is None:
            continue
        flagged = found.table.where(found.table["flagged"], drop=True).sortby("p_value")
        names = ", ".join(f"`{name}`" for name in flagged["statistic"].values[:3].tolist())
        rows.append(
            [folder.name, family, f"{int(found.table['replications'][0]):,}",
             flagged.sizes["statistic"], names or "none: **not caught**"]
        )  # fmt: skip
    table = _table(["fault", "family", "worlds", "statistics flagged", "among them"], rows)
    return f"{table}\n\n{_made_by(RESULTS / 'planted')}".rstrip()


def misspecified() -> str:
    """Lay out worlds that the model does not describe."""
    return _rows_of("misspecified.json")


def references() -> str:
    """Lay out published results beside ours."""
    path = RESULTS / "references.json"
    if not path.exists():
        return ABSENT
    rows = [
        [
            block["data"],
            block["block"],
            f"{line['estimate']}, {line['statistic']}",
            f"{line['published']:.5g}",
            f"{line['ours']:.5g}",
            f"{line['difference'] / line['mcse']:+.1f}" if line["mcse"] else "computed",
            f"{abs(line['difference']) / line['tolerance']:.2f}",
            "yes" if line["within"] else "**no**",
        ]
        for block in json.loads(path.read_text())["blocks"]
        for line in block["lines"]
    ]
    head = ["data", "result", "estimate", "published", "ours", "apart, in our Monte Carlo errors"]
    return _table([*head, "apart, of what is tolerated", "within"], rows)


def densities() -> str:
    """Lay out errors of log densities against exact arithmetic."""
    return _rows_of("densities.json")


TABLES: dict[str, Callable[[], str]] = {
    f.__name__: f
    for f in (
        calibration, correlated, ranks, power, planted, misspecified, references, densities,
    )
}  # fmt: skip


def _rows_of(file: str) -> str:
    """Lay out a study that keeps its rows under ``table``, one mapping of column to text each."""
    path = RESULTS / file
    if not path.exists():
        return ABSENT
    rows = json.loads(path.read_text())["table"]
    return _table(list(rows[0]), [list(row.values()) for row in rows])


def _sbc(
    family: str, fault: str | None = None, folder: Path = RESULTS / "ranks"
) -> co.Finding | None:
    files = sorted(folder.glob(f"{family}-*.json"))
    if not files:
        return None
    most = (1 + max(int(file.stem.rsplit("-", 1)[1]) for file in files)) * 25
    return co.sbc(
        family, folder=folder, replications=most, seed=RANKS_SEED, only=[], planted=fault,  # type: ignore[arg-type]
    )  # fmt: skip


def _table(head: list[str], rows: list[list[object]]) -> str:
    if not rows:
        return ABSENT
    lines = [head, ["---"] * len(head), *rows]
    # A bar inside a cell would begin another.
    told = [[str(cell).replace("|", "\\|") for cell in line] for line in lines]
    return "\n".join("| " + " | ".join(line) + " |" for line in told)


def filled(page: str) -> str:
    """Return the page with every table made again."""
    for name, make in TABLES.items():
        first, rest = page.split(f"<!-- {name} -->\n")
        _, last = rest.split(f"<!-- end of {name} -->")
        page = f"{first}<!-- {name} -->\n\n{make()}\n\n<!-- end of {name} -->{last}"
    return page


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
