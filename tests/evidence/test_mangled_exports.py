"""However an export was mangled on its way here: the right numbers, or a refusal."""

from __future__ import annotations

import csv
import io
import random
import re
from functools import cache
from pathlib import Path

import pandas as pd

import coterie as co

SAMPLES = Path(__file__).parent / "samples"
WAYS = 500

NUMBER = re.compile(r"\d{1,3}(,\d{3})+(\.\d+)?|\d+(\.\d+)?")
DAY = re.compile(r"(\d{4})-(\d\d)-(\d\d)")

# Digits in threes, then the decimal mark: English, German, French (two kinds of space), Swiss,
# Spanish without groups, and plain.
LOCALES = [
    (",", "."),
    (".", ","),
    ("\u202f", ","),
    ("\u00a0", ","),
    ("'", "."),
    ("", ","),
    ("", "."),
]
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"]


@cache
def sample(path):
    """Return the rows of a sample, and how many lines stand above its header."""
    raw = path.read_bytes()
    text = raw.decode("utf-16" if raw[:2] == b"\xff\xfe" else "utf-8-sig" if b"\xea" not in raw
                      or "tsv" not in path.name else "cp1252")  # fmt: skip
    delimiter = next(d for d in "\t;," if d in text)
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    width = max(map(len, rows))
    return rows, next(i for i, row in enumerate(rows) if len(row) == width)


@cache
def truth(path):
    return co.read_export(path).frame


def in_locale(cell, groups, mark):
    found = NUMBER.fullmatch(cell)
    if not found or (cell.startswith("0") and len(cell) > 1 and "." not in cell):
        return cell
    whole, _, rest = cell.replace(",", "").partition(".")
    if len(whole) > 10:  # an identifier
        return cell
    spelled = f"{int(whole):,}".replace(",", groups)
    return spelled + (f"{mark}{rest}" if rest else "")


def mangled(path, rng):
    """Return the bytes of a sample after what people, Excel and browsers do to a file."""
    rows, top = sample(path)
    preamble, rows = rows[:top], [list(row) for row in rows[top:]]
    rows, done = rewritten(rows, rng)
    rows, more = rearranged(rows, rng)
    out = io.StringIO(newline="")
    writer = csv.writer(
        out, delimiter=rng.choice(",;\t|"), lineterminator=rng.choice(["\n", "\r\n", "\r"]),
        quoting=rng.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    )  # fmt: skip
    writer.writerows([*(preamble if rng.random() < 0.8 else [["a note"]] * top), *rows])
    encoding = rng.choice(ENCODINGS)
    raw = out.getvalue().encode(encoding, errors="replace")
    done += [*more, encoding]
    if rng.random() < 0.3:
        raw = raw[: rng.randrange(1, len(raw))]
        done.append("cut")
    return raw, done


def rewritten(rows, rng):
    """Write numbers and days as another country does."""
    done = []
    if rng.random() < 0.5:
        groups, mark = rng.choice(LOCALES)
        done.append(f"locale {groups!r}{mark!r}")
        rows[1:] = [[in_locale(c, groups, mark) for c in row] for row in rows[1:]]
    if rng.random() < 0.25:
        order = rng.choice(["{2}/{1}/{0}", "{1}/{2}/{0}", "{2}.{1}.{0}", "{0}/{1}/{2}"])
        done.append(f"days {order}")
        rows[1:] = [
            [order.format(*d.groups()) if (d := DAY.fullmatch(c)) else c for c in row]
            for row in rows[1:]
        ]
    return rows, done


def rearranged(rows, rng):
    """Move columns, add some, leave lines blank."""
    done = []
    if rng.random() < 0.4:
        at = rng.sample(range(len(rows[0])), len(rows[0]))
        done.append("order")
        rows = [[row[i] for i in at] for row in rows]
    for k in range(rng.choice([0, 0, 1, 3])):
        at = rng.randrange(len(rows[0]) + 1)
        values = rng.choice([["", "x", "NA"], ["12", "1,204", "0.5"], ["2026-01-02"], ["Total"]])
        done.append(f"extra {values[0]!r}")
        for i, row in enumerate(rows):
            row.insert(at, f"Extra {k}" if i == 0 else rng.choice(values))
    for _ in range(rng.choice([0, 0, 0, 1, 2])):
        done.append("blank line")
        rows.insert(rng.randrange(1, len(rows) + 1), rng.choice([[], [""] * len(rows[0])]))
    return rows, done


def differs(found, right):
    """Return the first column that is wrong, or nothing. Rows may have been cut off the end."""
    if len(found) > len(right):
        return "more rows"
    for name in found:
        if name not in right:
            return f"{name} is new"
        mine, own = found[name].reset_index(drop=True), right[name].iloc[: len(found)]
        if mine.dtype != own.dtype and not mine.isna().all() and len(mine):
            return f"{name}: {mine.dtype}"
        if pd.api.types.is_float_dtype(own):
            same = (mine - own).abs().le(1e-9 * own.abs()) | (mine.isna() & own.isna())
        else:
            same = (mine == own).fillna(False) | (mine.isna() & own.isna())
        if not same.all():
            return f"{name}: {mine[~same].tolist()} for {own[~same].tolist()}"
    return ""


def test_five_hundred_mangled_files_give_right_numbers_or_a_refusal(tmp_path):
    files = sorted(SAMPLES.iterdir())
    rng = random.Random(20261125)
    wrong, read, whole, cut_short = [], 0, 0, 0
    for way in range(WAYS):
        path = files[way % len(files)]
        raw, done = mangled(path, rng)
        target = tmp_path / f"way{path.suffix}"
        target.write_bytes(raw)
        whole += "cut" not in done
        try:
            found = co.read_export(target).frame
        except co.EvidenceError:
            continue
        read += "cut" not in done
        cut_short += "cut" in done
        if path.name.startswith("chartmetric"):
            # Rows stand by artist, so that a cut takes some from each; and a further column of
            # numbers is a further artist, whatever it is called.
            keys = ["date", "artist"]
            found = found[~found["artist"].astype(str).str.startswith("Extra")]
            right = truth(path).merge(found[keys], on=keys)
            found, right = (f.sort_values(keys).reset_index(drop=True) for f in (found, right))
        else:
            right = truth(path)
        told = differs(_comparable(found, done), _comparable(right, done))
        if told:
            wrong.append((way, path.name, done, told))
    assert wrong == []
    # A reader that refuses everything is never wrong: most files that are whole must be read.
    assert read / whole > 0.6, f"{read} of {whole}"
    assert cut_short < read


def _comparable(frame, done):
    """Leave text out where the encoding could not write it."""
    if "cp1252" not in done:
        return frame
    return frame.select_dtypes(exclude=["object", "str"])
