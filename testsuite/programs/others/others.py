"""The programs of others.toml: fetches their packages, runs them in every tier, and reports.

    others.py fetch [NAME ..]            downloads and unpacks, by pip and npm
    others.py run NAME [TIER]            runs the steps of a program, with its output
    others.py check [NAME ..] [OPTION ..]
        --tiers A,B       [stack,register,tiered,jit]
        --limit SECONDS   for a step [600]
        --report FILE     writes the table [reports/programs.md if no program is named]

scripts/programs calls it and sets WASSAY_PROGRAM, WASSAY_OTHERS_DIR and WASSAY_NODE. Exit code 1:
an output is wrong; 2: bad usage, or a package that is not what it was; 3: nothing is wrong, but
something was not measured.
"""

import argparse
import hashlib
import os
import platform
import resource
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path

try:
    import tomllib
except ImportError:
    sys.exit("programs: Python 3.11 or later is needed")

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
STORE = Path(os.environ.get("WASSAY_OTHERS_DIR", ROOT / "target/programs/others"))
WASSAY = os.environ.get("WASSAY_PROGRAM", str(ROOT / "target/release/wassay"))
NODE = os.environ.get("WASSAY_NODE", "")
TIERS = ["stack", "register", "tiered", "jit"]
# The tiers that translate all of a module when they are asked to.
COMPLETE = ["stack", "register", "jit"]
UNAVAILABLE = 3
# The unit of the system's figures in a megabyte.
MB = 1 << 20 if sys.platform == "darwin" else 1 << 10


def say(text):
    print(f"programs: {text}", file=sys.stderr, flush=True)


def fail(text):
    say(text)
    sys.exit(2)


def programs(names):
    """The programs of these names, or all."""
    table = tomllib.loads((HERE / "others.toml").read_text())["program"]
    known = [program["name"] for program in table]
    for name in names:
        if name not in known:
            fail(f"no program {name}. Known: {', '.join(known)}")
    return [program for program in table if not names or program["name"] in names]


# Packages.


def folder(program):
    return STORE / program["package"].strip("@").replace("/", "-") / program["version"]


def fetch(program):
    """Downloads and unpacks a package, unless that is done."""
    place = folder(program)
    if (place / "complete").exists():
        return
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    what = "{package}=={version}" if program["registry"] == "pypi" else "{package}@{version}"
    what = what.format(**program)
    say(f"fetching {what}")
    if program["registry"] == "pypi":
        words = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        words += ["--disable-pip-version-check", "--only-binary=:all:", "--dest", str(place), what]
    else:
        words = ["npm", "pack", "--silent", "--pack-destination", str(place), what]
    if subprocess.run(words, cwd=place, stdout=subprocess.DEVNULL).returncode != 0:
        fail(f"{what} could not be fetched")
    (archive,) = place.iterdir()
    with open(archive, "rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != program["sha256"]:
        fail(f"{archive.name} has SHA-256 {found}, and not {program['sha256']}")
    unpack(archive, place / "package")
    archive.unlink()
    (place / "complete").touch()


def unpack(archive, place):
    if zipfile.is_zipfile(archive):
        zipfile.ZipFile(archive).extractall(place)
    else:
        tarfile.open(archive).extractall(place, filter="data")


# Runs.


@dataclass
class Taken:
    """A process that has ended, or was ended at the limit."""

    exit: int
    stdout: bytes
    stderr: bytes
    wall: float
    cpu: float
    peak_mb: float
    is_late: bool


def take(words, place, stdin, limit):
    """Runs a process, and measures it: seconds, and megabytes that were resident at most."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        began = time.monotonic()
        with open(stdin, "rb") as given:
            process = subprocess.Popen(
                words, cwd=place, stdin=given, stdout=out, stderr=err, start_new_session=True
            )
        late = threading.Event()

        def end():
            late.set()
            os.killpg(process.pid, signal.SIGKILL)

        timer = threading.Timer(limit, end)
        timer.start()
        _, status, used = os.wait4(process.pid, 0)
        timer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0), err.seek(0)
        return Taken(
            exit=process.returncode,
            stdout=out.read(),
            stderr=err.read(),
            wall=time.monotonic() - began,
            cpu=used.ru_utime + used.ru_stime,
            peak_mb=used.ru_maxrss / MB,
            is_late=late.is_set(),
        )


class Place:
    """A folder for a run, which is gone afterwards: modules, what they are given, and results."""

    def __init__(self, program):
        self.program = program
        self.room = tempfile.TemporaryDirectory(prefix="wassay-programs-")
        self.path = Path(self.room.name)
        package = folder(program) / "package"
        (self.path / "in").symlink_to(HERE)
        (self.path / "out").mkdir()
        (self.path / "tmp").mkdir()
        for name, file in program["modules"].items():
            (self.path / name).symlink_to(package / file)
        self.folders = ["in", "out", "tmp", *program.get("unpack", {})]
        for name, source in program.get("unpack", {}).items():
            if source.endswith(".tar"):
                unpack(package / source, self.path / name)
            else:
                (self.path / name).symlink_to(package / source)
        self.stdin = HERE / program["stdin"] if "stdin" in program else "/dev/null"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.room.cleanup()

    def take(self, words, limit):
        return take(words, self.path, self.stdin, limit)

    def ours(self, tier, step, options=()):
        """The words that run a step in a tier."""
        folders = [f"--dir={name}::/{name}" for name in self.folders]
        return [WASSAY, "run", "--tier", tier, *options, *folders, *step.split()]

    def reference(self):
        """The words of each step of the reference."""
        known = {"python": sys.executable, "node": NODE}
        if "reference" in self.program:
            return [self.program["reference"].format(**known).split()]
        folders = [f"{name}=/{name}" for name in self.folders]
        node = [NODE, "--no-warnings", "in/wasi.mjs", *folders, "--"]
        steps = [step.split() for step in self.program["steps"]]
        return [node + [word for word in step if word != "--"] for step in steps]

    def results(self):
        """The files that a run has written, by name."""
        files = [file for file in (self.path / "out").rglob("*") if file.is_file()]
        return {str(file.relative_to(self.path / "out")): file.read_bytes() for file in files}


@dataclass
class Outcome:
    """The end of a program's steps in one engine; what differs, if anything does."""

    taken: list
    printed: bytes
    files: dict
    wrong: str = ""
    missing: str = ""

    def cell(self):
        if not self.taken:
            return self.missing or "-"
        wall = sum(taken.wall for taken in self.taken)
        cpu = sum(taken.cpu for taken in self.taken)
        peak = max(taken.peak_mb for taken in self.taken)
        # A process begins with the memory of this one.
        least = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MB
        memory = f"{peak:.0f} MB" if peak > least else f"below {least:.0f} MB"
        said = "WRONG" if self.wrong else self.missing or "right"
        return f"{said}, {wall:.1f} s ({cpu:.1f} s), {memory}"


def run(place, commands, wanted_exit, limit):
    """Runs commands up to the first that fails."""
    outcome = Outcome([], b"", {})
    for number, words in enumerate(commands):
        taken = place.take(words, limit)
        outcome.taken.append(taken)
        outcome.printed = taken.stdout
        wanted = wanted_exit if number + 1 == len(commands) else 0
        said = (taken.stderr.decode(errors="replace").strip().splitlines() or [""])[0]
        if taken.is_late:
            outcome.missing = f"not in {limit} s"
        elif taken.exit == UNAVAILABLE and "is unavailable" in said:
            outcome.missing = "unavailable"
        elif taken.exit != wanted:
            outcome.wrong = f"exit code {taken.exit}, not {wanted}: {said}"
        if outcome.missing or outcome.wrong:
            break
    outcome.files = place.results()
    return outcome


def agrees(text, wanted):
    """True if a text is that of the table, in which `..` stands for the lines before or behind."""
    lines = wanted.splitlines()
    is_cut = (lines[0] == "..", lines[-1] == "..")
    body = "\n".join(lines[is_cut[0] : len(lines) - is_cut[1]]) + "\n"
    if all(is_cut):
        return f"\n{body}" in f"\n{text}"
    if is_cut[0]:
        return text.endswith(body)
    return text.startswith(body) if is_cut[1] else text == body


def judge(program, outcome, reference):
    """Says what of an outcome is neither that of the table nor that of the reference."""
    if outcome.wrong or outcome.missing:
        return
    printed = outcome.printed.decode(errors="replace")
    if "stdout" in program and not agrees(printed, program["stdout"]):
        outcome.wrong = f"it printed {printed!r}"
    for name, wanted in program.get("files", {}).items():
        found = outcome.files.get(name, b"").decode(errors="replace")
        if not agrees(found, wanted):
            outcome.wrong = f"/out/{name} is {found!r}"
    if reference is None or reference.wrong or reference.missing:
        if "stdout" not in program:
            outcome.missing = "no reference"
        return
    if outcome.printed != reference.printed:
        outcome.wrong = f"it printed {printed!r}; the reference {reference.printed!r}"
    elif "reference" not in program and outcome.files != reference.files:
        names = {*outcome.files, *reference.files}
        differ = [name for name in names if outcome.files.get(name) != reference.files.get(name)]
        outcome.wrong = f"files differ from the reference's: {', '.join(sorted(differ))}"


class Check:
    """A check of programs in tiers, with what has come of it so far."""

    def __init__(self, chosen, tiers, limit):
        self.chosen, self.tiers, self.limit = chosen, tiers, limit
        self.runs, self.complete, self.references = {}, {}, {}
        self.load = os.getloadavg()[0]

    def outcomes(self):
        return [*self.runs.values(), *self.complete.values()]

    def steps(self):
        """Takes all measurements, one after the other: those of an emulated JIT take longest."""
        for program in self.chosen:
            if NODE or "{python}" in program.get("reference", ""):
                yield self.refer(program)
        for tier in self.tiers:
            for program in self.chosen:
                yield self.run(program, tier)
            for program in self.chosen:
                if "complete" in program and tier in COMPLETE:
                    yield self.translate(program, tier)

    def refer(self, program):
        name = program["name"]
        with Place(program) as place:
            outcome = run(place, place.reference(), program.get("exit", 0), self.limit)
        judge(program, outcome, outcome)
        self.references[name] = self.runs[name, "reference"] = outcome
        tell(program, "reference", outcome)

    def run(self, program, tier):
        name = program["name"]
        with Place(program) as place:
            words = [place.ours(tier, step) for step in program["steps"]]
            outcome = run(place, words, program.get("exit", 0), self.limit)
        judge(program, outcome, self.references.get(name))
        self.runs[name, tier] = outcome
        tell(program, tier, outcome)

    def translate(self, program, tier):
        with Place(program) as place:
            words = place.ours(tier, program["complete"], ["--eager"])
            outcome = run(place, [words], 0, self.limit)
        self.complete[program["name"], tier] = outcome
        tell(program, f"{tier}, translated completely", outcome)


def tell(program, what, outcome):
    why = outcome.wrong and f": {outcome.wrong[:2000]}"
    say(f"{program['name']}: {what}: {outcome.cell()}{why}")


# The report.


def rows(programs_, columns, cells):
    lines = ["| |" + "|".join(f" {column} " for column in columns) + "|"]
    lines.append("|---|" + "---|" * len(columns))
    for program in programs_:
        row = [cells.get((program["name"], column)) for column in columns]
        if any(row):
            texts = [outcome.cell() if outcome else "-" for outcome in row]
            lines.append(f"| {program['name']} | " + " | ".join(texts) + " |")
    return lines


def modules(chosen):
    lines = ["| | package | module, bytes | expected, because |", "|---|---|---|---|"]
    for program in chosen:
        file = next(iter(program["modules"].values()))
        size = (folder(program) / "package" / file).stat().st_size
        registry = "PyPI" if program["registry"] == "pypi" else "npm"
        package = f"{registry}'s {program['package']} {program['version']}"
        name = Path(file).name
        because = program["because"]
        lines.append(f"| {program['name']} | {package} | {name}, {size:,} | {because} |")
    return lines


HEAD = """\
# Programs of others in every tier

Written by `scripts/programs check`; testsuite/programs/others has what it runs. Seconds are of the
clock, in brackets of the processor, of all steps; megabytes are those resident at most. On a
machine that is not ARM64 the JIT, and tiers mixed, run in an emulator, whose time and memory they
are. A dash stands for what was not measured.

{program}; {machine}, load {before:.1f} before and {after:.1f} after it. Reference: {reference}, and
this machine's Python for python and sql.js.

{modules}

## Output

Right is the expected exit code, with what the table of programs says, and what the reference prints
and writes into files, byte for byte. A function is translated when it is called first.

{runs}

## Every function translated, before anything runs

{complete}
"""


def report(check):
    """The page."""
    translating = [tier for tier in check.tiers if tier in COMPLETE]
    page = HEAD.format(
        program=said([WASSAY, "--version"]),
        machine=f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors",
        before=check.load,
        after=os.getloadavg()[0],
        reference=f"V8 in Node.js {said([NODE, '--version'])}" if NODE else "no Node.js",
        modules="\n".join(modules(check.chosen)),
        runs="\n".join(rows(check.chosen, [*check.tiers, "reference"], check.runs)),
        complete="\n".join(rows(check.chosen, translating, check.complete)),
    )
    for of in (check.complete, check.runs):
        for (name, tier), outcome in of.items():
            if outcome.wrong:
                page += f"\n- {name} in {tier}: {outcome.wrong[:400]}\n"
    return page


def said(words):
    return subprocess.run(words, capture_output=True, text=True).stdout.strip()


def check(arguments):
    chosen = programs(arguments.names)
    tiers = arguments.tiers.split(",")
    if not set(tiers) <= set(TIERS):
        fail(f"tiers are {', '.join(TIERS)}")
    for program in chosen:
        fetch(program)
    target = arguments.report or (None if arguments.names else ROOT / "reports/programs.md")
    checked = Check(chosen, tiers, arguments.limit)
    for _ in checked.steps():
        # Whoever ends a long check keeps what there is.
        if target:
            Path(target).write_text(report(checked))
    print(report(checked))
    if any(it.wrong for it in checked.outcomes()):
        sys.exit(1)
    if any(it.missing for it in checked.outcomes()) or not NODE:
        sys.exit(UNAVAILABLE)


def show(arguments):
    """Runs a program in one tier, for somebody who looks at it."""
    (program,) = programs([arguments.name])
    fetch(program)
    with Place(program) as place, open(place.stdin, "rb") as given:
        for step in program["steps"]:
            words = place.ours(arguments.tier, step)
            code = subprocess.run(words, cwd=place.path, stdin=given).returncode
            if code != 0:
                break
    sys.exit(code)


def main():
    parser = argparse.ArgumentParser(prog="scripts/programs", description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(required=True)
    fetching = commands.add_parser("fetch")
    fetching.add_argument("names", nargs="*")
    fetching.set_defaults(run=lambda it: [fetch(program) for program in programs(it.names)])
    running = commands.add_parser("run")
    running.add_argument("name")
    running.add_argument("tier", nargs="?", default="register")
    running.set_defaults(run=show)
    checking = commands.add_parser("check")
    checking.add_argument("names", nargs="*")
    checking.add_argument("--tiers", default=",".join(TIERS))
    checking.add_argument("--limit", type=float, default=600)
    checking.add_argument("--report")
    checking.set_defaults(run=check)
    arguments = parser.parse_args()
    arguments.run(arguments)


if __name__ == "__main__":
    main()
