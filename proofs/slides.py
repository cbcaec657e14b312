"""Are decks made fast, do they render clean, and can everybody read the page.

Fits simulated worlds of 3, 8, 12 and 20 clusters with long, strange names, makes a deck of each,
and notes the seconds of each file. ``render`` turns the PowerPoint files into pictures through
LibreOffice (``soffice``, ``pdftoppm``) and the page through Chromium, to be looked at, and asks
axe-core, handed in as a file, for violations in light and dark.

    python proofs/slides.py make FOLDER
    python proofs/slides.py render FOLDER [AXE.MIN.JS]
"""

import html
import json
import re
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

import coterie as co
from coterie.evidence import simulate

RESULTS = Path(__file__).parent / "results" / "slides"
SEED = 20261126
SIZES = {"one-3": (1, 3), "eight-8": (8, 8), "forty-12": (40, 12), "eight-20": (8, 20)}
NAMES = [
    "late-night headphones", "gym", "indie pop", "morning commute", "study",
    "bedroom pop devotees who listen with the lights off", "road trip", "=1+1", "café ☕ é",
    "rap FR", "dance", "A$AP & <b>friends</b>",
]  # fmt: skip
LONG = "The Extraordinarily Long-Named Orchestra of Lower Saxony and Friends"


def make(folder: Path) -> None:
    """Fit each world, and write its deck in every form."""
    for name, (artists, clusters) in SIZES.items():
        beliefs = _beliefs(folder / f"{name}.nc", artists, clusters)
        told: dict[str, Any] = {"artists": artists, "clusters": clusters}
        start = time.perf_counter()
        deck = co.Deck(beliefs, title="Where this music belongs")
        told["story"] = time.perf_counter() - start
        where = folder / name
        where.mkdir(exist_ok=True)
        for form, write, at in (
            ("pptx", deck.to_pptx, where / "d.pptx"), ("html", deck.to_html, where / "d.html"),
            ("png", deck.to_png, where / "png"), ("csv", deck.to_csv, where / "csv"),
        ):  # fmt: skip
            start = time.perf_counter()
            write(at)
            told[form] = time.perf_counter() - start
        told |= {"slides": len(deck.slides), "html_bytes": (where / "d.html").stat().st_size}
        _keep(name, told)


def _beliefs(file: Path, artists: int, clusters: int) -> co.Beliefs:
    if file.exists():
        return co.Beliefs.load(file)
    rng = np.random.default_rng((SEED, artists, clusters))
    world = simulate.world(artists=artists, clusters=clusters, listeners=400, homes="one", rng=rng)
    frame = world.frame
    names = (NAMES + [f"cluster number {i}" for i in range(len(NAMES), 30)])[:clusters]
    for column, new in (("cluster", names), ("artist", ["Ana Vale", LONG])):
        old = sorted(frame[column].unique())
        frame[column] = frame[column].replace(dict(zip(old, new, strict=False)))
    prior = co.MembershipPrior.uniform(names)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        evidence = co.Evidence.from_frame(frame)
        beliefs = co.fit(evidence, prior, draws=500, chains=2, rng=rng)
    file.parent.mkdir(parents=True, exist_ok=True)
    beliefs.save(file)
    return beliefs


def render(folder: Path, axe: Path | None) -> None:
    """Turn files into pictures, and count what axe-core calls a violation."""
    for name in SIZES:
        where = folder / name
        pdf = ["soffice", "--headless", "--convert-to", "pdf", "--outdir", where, where / "d.pptx"]
        subprocess.run(pdf, check=True, capture_output=True)
        for old in where.glob("slide-*.png"):
            old.unlink()
        size = ["-scale-to-x", "1280", "-scale-to-y", "720"]
        pages = ["pdftoppm", *size, "-png", where / "d.pdf", where / "slide"]
        subprocess.run(pages, check=True, capture_output=True)
        found = {"rendered": len(list(where.glob("slide-*.png")))}
        _browser(where / "d.html", f"--screenshot={where / 'page.png'}", "--window-size=1280,3000")
        if axe is not None:
            found |= {scheme: _axe(where / "d.html", axe, scheme) for scheme in ("light", "dark")}
        _keep(name, json.loads((RESULTS / f"{name}.json").read_text())["told"] | found)


def _browser(page: Path, *words: str) -> str:
    plain = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", *words, str(page)]
    return subprocess.run(plain, check=True, capture_output=True, text=True).stdout


def _axe(page: Path, axe: Path, scheme: str) -> Any:
    ask = (
        "axe.run().then(r => {const p = document.createElement('pre'); p.id = 'axe'; "
        "p.textContent = JSON.stringify({violations: r.violations.map(v => [v.id, v.impact]), "
        "passed: r.passes.length}); document.body.appendChild(p)})"
    )
    text = page.read_text(encoding="utf-8")
    if scheme == "dark":
        text = text.replace("(prefers-color-scheme: dark)", "(min-width: 1px)")
    script = f"<script>{axe.read_text(encoding='utf-8')}</script><script>{ask}</script></body>"
    beside = page.with_name(f"axe-{scheme}.html")
    beside.write_text(text.replace("</body>", script), encoding="utf-8")
    told = _browser(beside, "--virtual-time-budget=20000", "--dump-dom", "--window-size=1280,900")
    found = re.search(r'<pre id="axe">(.*?)</pre>', told, re.DOTALL)
    return json.loads(html.unescape(found.group(1))) if found else "no answer"


def _keep(name: str, told: dict[str, Any]) -> None:
    RESULTS.mkdir(parents=True, exist_ok=True)
    command = f"python proofs/slides.py {sys.argv[1]}"
    part = RESULTS / f".{name}.part"
    part.write_text(json.dumps({"seed": SEED, "command": command, "told": told}, indent=1) + "\n")
    part.replace(RESULTS / f"{name}.json")
    print(name, told, flush=True)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["make", where]:
            make(Path(where))
        case ["render", where]:
            render(Path(where), None)
        case ["render", where, script]:
            render(Path(where), Path(script))
        case _:
            sys.exit(__doc__)
