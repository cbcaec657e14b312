"""Faults and hostile files: what is on the disk is whole, or is refused by name."""

import subprocess
import sys
import textwrap
import time
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray as xr

import coterie as co
from coterie.beliefs import customs, storage, whole_files
from coterie.beliefs.tree import Beliefs
from coterie.errors import BeliefError, CorruptResultError

OLD = Path(__file__).parent / "old"


@pytest.fixture(scope="module")
def beliefs(beliefs_like):
    return beliefs_like(draws=100)


@pytest.fixture(scope="module")
def saved(beliefs, tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "september.nc"
    beliefs.save(path)
    return path


# What is damaged is found


def mutated(content: bytes, rng: np.random.Generator) -> bytes:
    """Damage a file as disks, networks and editors do."""
    made = bytearray(content)
    at = int(rng.integers(len(made)))
    match rng.integers(5):
        case 0:
            made[at] ^= 1 << int(rng.integers(8))
        case 1:
            del made[at:]
        case 2:
            made[at : at + 512] = bytes(len(made[at : at + 512]))
        case 3:
            made[at : at + 16] = rng.bytes(len(made[at : at + 16]))
        case _:
            del made[at : at + int(rng.integers(1, 64))]
    return bytes(made)


def test_each_of_a_thousand_random_mutations_of_a_file_is_found(saved, tmp_path, rng):
    content, path = saved.read_bytes(), tmp_path / "b.nc"
    changed = 0
    for i in range(1000):
        damaged = mutated(content, rng)
        if damaged == content:  # zeros over zeros
            continue
        changed += 1
        path.write_bytes(damaged)
        with pytest.raises(CorruptResultError, match=r"b\.nc"):
            (Beliefs.load, Beliefs.evidence_in)[i % 2](path)
    assert changed > 900


def test_a_flipped_bit_in_a_variable_is_found_and_the_variable_is_named(saved, tmp_path):
    with h5py.File(saved) as file:
        at = file["posterior/alpha"].id.get_offset()
    content = bytearray(saved.read_bytes())
    content[at + 3] ^= 1
    (tmp_path / "b.nc").write_bytes(content)

    with pytest.raises(CorruptResultError, match=r"Changed since: 'posterior/alpha'\. Nothing"):
        Beliefs.load(tmp_path / "b.nc")


def test_a_file_that_another_program_saved_again_has_lost_its_seal(saved, tmp_path):
    tree = xr.load_datatree(saved, engine="h5netcdf")
    tree.to_netcdf(tmp_path / "b.nc", engine="h5netcdf")

    with pytest.raises(CorruptResultError, match="lost its seal"):
        Beliefs.load(tmp_path / "b.nc")


def test_other_programs_can_read_a_sealed_file(saved, beliefs):
    with xr.open_datatree(saved, engine="h5netcdf") as tree:
        np.testing.assert_array_equal(
            tree["posterior"]["alpha"].values, beliefs.tree["posterior"]["alpha"].values
        )


def of_schema(number, beliefs, folder, monkeypatch):
    """Return a file of an older schema and the rows in it; one of schema 1 was kept since then."""
    if number == 1:
        with h5py.File(OLD / "schema-1.nc") as file:
            return OLD / "schema-1.nc", file["ledger/numerator"][:, 0].tolist()
    monkeypatch.setattr(storage, "SCHEMA", number)
    beliefs.save(folder / "old.nc")
    monkeypatch.undo()
    return folder / "old.nc", beliefs.evidence.to_frame()["saves"].tolist()


@pytest.mark.parametrize("number", [1, 2])
def test_a_file_of_two_kinds_of_artists_is_refused_with_the_way_out_and_its_rows_are_read(
    number, beliefs, beliefs_like, tmp_path, monkeypatch
):
    path, saves = of_schema(number, beliefs, tmp_path, monkeypatch)
    with h5py.File(path) as file:
        assert file.attrs["coterie_schema"] == number
    with pytest.raises(BeliefError, match=r"two kinds of artists.*Beliefs\.evidence_in\(path\)"):
        Beliefs.load(path)
    evidence = Beliefs.evidence_in(path)

    assert evidence.to_frame()["saves"].tolist() == saves
    assert [o.name for o in evidence.outcomes] == ["save", "add", "follow", "depth"]
    assert evidence.window == "28D"
    # The way out leads somewhere: beliefs of these rows are saved, and read, as any are.
    new = beliefs_like(evidence, draws=100)
    new.save(tmp_path / "new.nc")
    assert Beliefs.load(tmp_path / "new.nc").evidence == evidence
    assert Beliefs.evidence_in(tmp_path / "new.nc") == evidence


# Writers who are stopped, short of room, or many

WRITER = """
import os, sys
from coterie.beliefs.tree import Beliefs
beliefs = Beliefs.load(sys.argv[1])
print("ready", flush=True)
for i in range(int(sys.argv[3])):
    beliefs.tree.attrs["coterie_note"] = f"{os.getpid()} {i}"
    try:
        beliefs.save(sys.argv[2])
        print("saved", flush=True)
    except Exception as error:
        print(type(error).__name__, str(error)[:40], flush=True)
"""


def writer(saved: Path, target: Path, times: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", textwrap.dedent(WRITER), saved, target, str(times)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_a_writer_killed_at_any_moment_leaves_a_whole_file_and_the_next_one_cleans_up(
    saved, tmp_path, rng
):
    target = tmp_path / "b.nc"
    target.write_bytes(saved.read_bytes())
    for _ in range(6):
        process = writer(saved, target, 1000)
        process.stdout.readline()
        time.sleep(float(rng.uniform(0, 0.3)))
        process.kill()
        process.communicate()
        assert Beliefs.load(target).homes == "one"
    Beliefs.load(saved).save(target)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.nc"]


@pytest.mark.slow
def test_of_many_writers_to_one_file_each_saves_it_whole_or_is_told_why_not(saved, tmp_path):
    target = tmp_path / "b.nc"
    writers = [writer(saved, target, 5) for _ in range(4)]
    told = [line.strip() for process in writers for line in process.communicate()[0].splitlines()]

    outcomes = [line for line in told if line != "ready"]
    assert len(outcomes) == 20
    assert "saved" in outcomes
    assert {line.split()[0] for line in outcomes} <= {"saved", "BeliefError"}
    assert all("Another process" in line for line in outcomes if line != "saved")
    assert Beliefs.load(target).homes == "one"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.nc"]


@pytest.mark.slow
def test_a_file_larger_than_the_system_allows_is_refused_and_nothing_is_left(saved, tmp_path):
    code = f"""
    import resource, signal
    from coterie.beliefs.tree import Beliefs
    from coterie.errors import BeliefError
    beliefs = Beliefs.load({str(saved)!r})
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
    try:
        beliefs.save({str(tmp_path / "b.nc")!r})
    except BeliefError as error:
        print(error)
    print(beliefs.home.size)
    """
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False
    )

    assert "could not be written" in ran.stdout, ran.stderr
    assert "bytes at most" in ran.stdout
    assert list(tmp_path.iterdir()) == []


def test_room_is_asked_for_before_anything_is_written(beliefs, tmp_path, monkeypatch):
    monkeypatch.setattr(storage.shutil, "disk_usage", lambda _: type("U", (), {"free": 1000})())

    with pytest.raises(BeliefError, match=r"needs up to [\d,]+ bytes, and 1,000 are free"):
        beliefs.save(tmp_path / "b.nc")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_part_of_a_file_is_nobodys_to_read_but_the_writers(beliefs, tmp_path, monkeypatch):
    seen = []
    settle = whole_files.settle_on_disk
    monkeypatch.setattr(
        whole_files, "settle_on_disk", lambda p: (seen.append(p.stat().st_mode & 0o777), settle(p))
    )
    beliefs.save(tmp_path / "b.nc")

    assert seen == [0o600]


# Files from strangers


def hostile(saved: Path, tmp_path: Path, change) -> Path:
    """Return a file of beliefs into which something was put, without a seal, of schema 1."""
    path = tmp_path / "hostile.nc"
    xr.load_datatree(saved, engine="h5netcdf").to_netcdf(path, engine="h5netcdf")
    with h5py.File(path, "r+") as file:
        file.attrs["coterie_schema"] = 1
        change(file, tmp_path)
    return path


def link_outside(file, folder):
    with h5py.File(folder / "other.h5", "w") as other:
        other["secret"] = [1.0]
    file["ledger/secret"] = h5py.ExternalLink(str(folder / "other.h5"), "/secret")


def link_within(file, folder):  # noqa: ARG001 - as the others
    file["ledger/again"] = h5py.SoftLink("/posterior")


def keep_outside(file, folder):
    file.create_dataset("ledger/raw", shape=(4,), dtype="f8", external=[(folder / "raw", 0, 32)])


def keep_virtually(file, folder):
    layout = h5py.VirtualLayout(shape=(4,), dtype="f8")
    layout[:] = h5py.VirtualSource(str(folder / "other.h5"), "secret", shape=(4,))
    file.create_virtual_dataset("ledger/seen", layout)


def unfold_for_ever(file, folder):  # noqa: ARG001 - as the others
    file.create_dataset("ledger/bomb", shape=(2**40,), dtype="f8", chunks=(2**16,))


def hold_records(file, folder):  # noqa: ARG001 - as the others
    file["ledger/records"] = np.zeros(3, dtype=[("a", "f8"), ("b", "i4")])


def hold_references(file, folder):  # noqa: ARG001 - as the others
    file.create_dataset("ledger/pointers", data=[file["ledger"].ref], dtype=h5py.ref_dtype)


def hold_opaque(file, folder):  # noqa: ARG001 - as the others
    file["ledger/pickle"] = np.void(b"\x80\x04\x95cposix\nsystem\n.")


def ask_for_a_filter(file, folder):  # noqa: ARG001 - as the others
    file.create_dataset("ledger/odd", data=np.zeros(100), chunks=(10,), compression="lzf")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "told"),
    [
        (link_outside, "'/ledger/secret' is a link"),
        (link_within, "'/ledger/again' is a link"),
        (keep_outside, "'/ledger/raw' keeps its values in another file"),
        (keep_virtually, "'/ledger/seen' keeps its values in another file"),
        (unfold_for_ever, "it was not opened"),
        (hold_records, "'/ledger/records' has values of type"),
        (hold_references, "'/ledger/pointers' has values of type"),
        (hold_opaque, "'/ledger/pickle' has values of type"),
        (ask_for_a_filter, "'/ledger/odd' needs a filter"),
    ],
)
def test_a_hostile_file_is_refused_by_part_and_nothing_of_it_is_read(
    saved, tmp_path, monkeypatch, change, told
):
    path = hostile(saved, tmp_path, change)
    opened = []
    monkeypatch.setattr(storage.xr, "open_datatree", lambda *a, **_: opened.append(a))

    for read in (Beliefs.load, Beliefs.evidence_in):
        with pytest.raises(CorruptResultError, match=told):
            read(path)
    assert opened == []


def test_without_anything_put_into_it_the_rows_of_the_same_file_are_read(saved, beliefs, tmp_path):
    path = hostile(saved, tmp_path, lambda *_: None)

    assert Beliefs.evidence_in(path) == beliefs.evidence


def test_text_that_names_code_stays_text(beliefs, tmp_path):
    tree = beliefs.tree.copy()
    tree.attrs["coterie_note"] = '{"py/object": "os.system", "__reduce__": ["os.system", ["true"]]}'
    storage.write_tree(tree, tmp_path / "b.nc")

    assert Beliefs.load(tmp_path / "b.nc").tree.attrs["coterie_note"].startswith('{"py/object"')


def test_no_module_of_the_package_can_run_what_it_reads():
    banned = ("pickle", "joblib", "dill", "cloudpickle", "eval(", "exec(", "yaml.load", "marshal")
    root = Path(co.__file__).parent
    found = [
        f"{path.relative_to(root)}: {line.strip()}"
        for path in sorted(root.rglob("*.py"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if any(word in line for word in (*banned, "allow_pickle=True"))
        and not line.lstrip().startswith(("#", '"'))
    ]
    assert found == []


PAYLOADS = [
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "'><svg/onload=alert(1)>",
    '"><iframe src="javascript:alert(1)">', "<a href='javascript:alert(1)'>x</a>",
    "<style>*{display:none}</style>", "</td></tr></table><h1>x", "<!-- --><b>", "<b>bold</b>",
    "<body onload=alert(1)>", "<input autofocus onfocus=alert(1)>", "<math><mi//xlink:href=x>",
    "<details open ontoggle=alert(1)>", "<object data=x>", "<embed src=x>", "<link rel=x>",
    "<meta http-equiv=refresh>", "<base href=//x>", "<form action=//x>", "<video src=x>",
    "<audio src=x>", "<marquee>x</marquee>", "<textarea>", "<title>x</title>", "<template>",
    "<noscript>", "<xmp>", "<plaintext>", "<isindex>", "<frameset>",
]  # fmt: skip


def test_names_that_are_markup_are_shown_as_text_in_notebooks(beliefs_like):
    frame = {
        "artist": PAYLOADS, "cluster": [PAYLOADS[i % 3] for i in range(len(PAYLOADS))],
        "saves": [1] * len(PAYLOADS), "listeners": [9] * len(PAYLOADS),
    }  # fmt: skip
    evidence = co.Evidence.from_frame(frame)
    shown = evidence._repr_html_() + beliefs_like(evidence, draws=10)._repr_html_()

    assert [payload for payload in PAYLOADS if payload in shown] == []


def test_limits_are_those_the_documentation_names():
    assert (customs.LIMIT, customs.RATIO) == (8 * 2**30, 200)
