"""What a stranger's file may cost: files of all kinds, changed at random, are opened and counted.

    python tools/fuzz.py --seconds 60
    python tools/fuzz.py --area pictures --count 200000 --seed 7 --seconds 7200
    python tools/fuzz.py --replay fuzz_failures/pictures-7-1234

Each input follows from the area, the seed and its number alone. It is opened in a process of its
own with limits, so that a crash is counted, not suffered. What fails is kept in a folder, and can
be opened again by ``--replay``. The exit status is 1 where anything failed.

An area is a module of ``fuzz_areas``, or the path of a Python file, with ``make(noise, folder)``,
which writes the files of one trial and returns how many inputs they are, and ``check(folder)``,
which opens them and raises `Fault` with one of its kinds. Any other exception counts as a crash.
"""

import argparse
import faulthandler
import importlib.util
import json
import os
import random
import resource
import select
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from fuzz_areas.faults import KINDS, Fault

AREAS = ("pictures", "tables", "detectors", "store", "embeddings")
_SECONDS_A_TRIAL = 10
# Beside what the process takes before its first trial. Address space is limited as well, to protect
# the machine, and farther up, so that the first limit is met and counted.
_MOST_BYTES = 3 * 2**29
_MOST_ADDRESSES = 6 * 2**30
_TELLS_MEMORY = Path("/proc/self/clear_refs").exists()


# The process that opens ---------------------------------------------------------------------------


def load_area(area):
    """Import the module of an area."""
    path = Path(area) if area.endswith(".py") else Path(__file__).parent / f"fuzz_areas/{area}.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def work(area, seed, start, step, folder, report):
    """Make and open one input after the other, and tell of each before and after."""
    faulthandler.enable()
    module = load_area(area)
    trial = Path(folder) / "trial"

    def tell(*what):
        os.write(report, (json.dumps(what) + "\n").encode())

    number = start
    while True:
        n_inputs = _make(module, area, seed, number, trial)
        tell("begin", number, n_inputs)
        before = _begin_to_measure()
        kind, detail = _check(module, trial)
        n_bytes = _most_since() - before
        if number == start and _TELLS_MEMORY:  # it loads whatever is loaded when it is first needed
            n_pages = int(Path("/proc/self/statm").read_text().split()[0])
            addresses = n_pages * resource.getpagesize() + _MOST_ADDRESSES
            resource.setrlimit(resource.RLIMIT_AS, (addresses, addresses))
        elif kind is None and n_bytes > _MOST_BYTES:
            kind, detail = "memory", f"{n_bytes / 1e6:,.0f} MB"
        if kind is not None:
            trial.rename(trial.with_name(f"failed-{number}"))
        tell("end", number, kind, detail)
        number += step


def _make(module, area, seed, number, trial):
    shutil.rmtree(trial, ignore_errors=True)
    trial.mkdir()
    return module.make(random.Random(f"{Path(area).stem}/{seed}/{number}"), trial)


def _check(module, trial):
    try:
        module.check(trial)
    except Fault as fault:
        return fault.kind, str(fault)
    except BaseException:
        return "crash", traceback.format_exc()
    return None, ""


def _begin_to_measure():
    if not _TELLS_MEMORY:
        return 0
    Path("/proc/self/clear_refs").write_text("5")  # the high-water mark begins anew
    return _memory("VmRSS")


def _most_since():
    return 0 if not _TELLS_MEMORY else _memory("VmHWM")


def _memory(name):
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) * 1024
    raise ValueError(f"this system does not tell {name}")


# The process that counts --------------------------------------------------------------------------


class Watched:
    """One working process: what it says, and how long it has said nothing."""

    def __init__(self, area, seed, start, step):
        self.folder = tempfile.mkdtemp(prefix="ssafe-fuzz-", dir=_fast_folder())
        self.reading, report = os.pipe()
        self.errors = open(Path(self.folder) / "stderr", "w+b")  # noqa: SIM115
        command = [sys.executable, __file__, "--worker", area, str(seed), str(start), str(step)]
        self.process = subprocess.Popen(
            [*command, self.folder, str(report)],
            pass_fds=[report],
            stdout=subprocess.DEVNULL,
            stderr=self.errors,
            start_new_session=True,
            env={**os.environ, "TMPDIR": self.folder},  # removed with all that is left in it
        )
        os.close(report)
        self.lines, self.rest = [], b""
        self.number, self.first, self.next, self.since = None, start, start, time.monotonic()

    def read(self, seconds):
        """Return what came within some time; None when it has ended."""
        if not select.select([self.reading], [], [], seconds)[0]:
            return []
        content = os.read(self.reading, 2**16)
        if not content:
            return None
        *lines, self.rest = (self.rest + content).split(b"\n")
        self.since = time.monotonic()
        return [json.loads(line) for line in lines]

    def last_words(self):
        """The end of what it wrote to its standard error."""
        text = (Path(self.folder) / "stderr").read_text(errors="replace")
        return text.partition("Extension modules:")[0][-4000:]

    def end(self):
        """Stop it with all that it has started, and remove its folder."""
        if self.errors.closed:
            return
        try:
            os.killpg(self.process.pid, 9)
        except ProcessLookupError:
            pass
        self.process.wait()
        os.close(self.reading)
        self.errors.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class Tally:
    """What was found in one area."""

    def __init__(self, area, seed, keep):
        self.area, self.seed, self.keep = area, seed, Path(keep)
        self.n_inputs = self.n_trials = 0
        self.found = dict.fromkeys(KINDS, 0)

    def fault(self, number, kind, detail, trial):
        """Count a failure, and keep what failed."""
        self.found[kind] += 1
        folder = self.keep / f"{Path(self.area).stem}-{self.seed}-{number}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        if trial.is_dir():
            subprocess.run(["cp", "-a", str(trial), str(folder / "trial")])
        about = {"area": self.area, "seed": self.seed, "number": number, "kind": kind}
        about["detail"] = detail
        (folder / "about.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
        print(f"{folder}: {kind}: {detail.strip().splitlines()[-1:]}", flush=True)


def run(area, seed, seconds, count, jobs, keep):
    """Open inputs of one area until the time is over or there were enough; return the tally."""
    tally = Tally(area, seed, keep)
    workers = [Watched(area, seed, start, jobs) for start in range(jobs)]
    told = time.monotonic()
    end = None  # loading libraries is not counted
    try:
        while tally.n_inputs < count and (end is None or time.monotonic() < end):
            if time.monotonic() > told + 60:
                told = time.monotonic()
                print(f"{tally.n_inputs:,} inputs so far", file=sys.stderr, flush=True)
            for place, worker in enumerate(workers):
                said = worker.read(0.2 / jobs)
                for what, number, *more in said or ():
                    if what == "begin":
                        worker.number, worker.next = number, number + jobs
                        worker.n_inputs = more[0]
                        continue
                    worker.number, end = None, end or time.monotonic() + seconds
                    tally.n_inputs += worker.n_inputs
                    tally.n_trials += 1
                    if more[0] is not None:
                        tally.fault(number, *more, Path(worker.folder) / f"failed-{number}")
                if said is None or _hangs(worker):
                    workers[place] = _replaced(worker, tally, said is None, jobs)
    finally:
        for worker in workers:
            worker.end()
    return tally


def _hangs(worker):
    # Where others compute as well, each gets its share of the processor only.
    share = max(1, os.getloadavg()[0] / os.cpu_count())
    is_loading = worker.number in (None, worker.first)
    limit = 6 * _SECONDS_A_TRIAL if is_loading else _SECONDS_A_TRIAL
    return time.monotonic() - worker.since > limit * share


def _replaced(worker, tally, has_ended, jobs):
    """Count a crash or a hang, and go on with the next input."""
    if worker.number is None and has_ended:
        words = worker.last_words()
        worker.end()
        raise SystemExit(f"the process that opens {tally.area} does not work:\n{words}")
    if worker.number is not None:
        kind = "crash" if has_ended else "hang"
        status = worker.process.wait() if has_ended else "none"
        detail = f"{worker.last_words()}\nexit status {status}"
        tally.n_inputs += worker.n_inputs
        tally.n_trials += 1
        tally.fault(worker.number, kind, detail, Path(worker.folder) / "trial")
    worker.end()
    return Watched(tally.area, tally.seed, worker.next, jobs)


def _fast_folder():
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def replay(folder):
    """Open once more what was kept; return whether it fails still."""
    about = json.loads((Path(folder) / "about.json").read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as copy:
        subprocess.run(["cp", "-a", f"{folder}/trial", copy], check=True)
        done = subprocess.run([sys.executable, __file__, "--open", about["area"], f"{copy}/trial"])
    print(f"failed with exit status {done.returncode}" if done.returncode else "nothing fails")
    return done.returncode != 0


def main():
    """Read the arguments, and print one line for each area."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60, help="for all areas together")
    parser.add_argument("--area", action="append", help=f"{', '.join(AREAS)}; default all")
    parser.add_argument("--count", type=int, default=10**9, help="inputs of each area at most")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1, help="processes at a time")
    parser.add_argument("--keep", default="fuzz_failures", help="folder for what fails")
    parser.add_argument("--replay", metavar="FOLDER", help="open once more what was kept")
    parser.add_argument("--worker", nargs=6, help=argparse.SUPPRESS)
    parser.add_argument("--open", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        area, seed, start, step, folder, report = options.worker
        work(area, int(seed), int(start), int(step), folder, int(report))
    if options.open:
        faulthandler.enable()
        module, trial = load_area(options.open[0]), Path(options.open[1])
        kind, detail = _check(module, trial)
        before = _begin_to_measure()
        _check(module, trial)  # all that is loaded for it has been by now
        n_bytes = _most_since() - before
        if kind is None and n_bytes > _MOST_BYTES:
            kind, detail = "memory", "more than the limit"
        print(f"{kind or 'no fault'}: {detail}, {n_bytes / 1e6:,.0f} MB at most", flush=True)
        return kind is not None
    if options.replay:
        return replay(options.replay)
    areas = options.area or AREAS
    words = ("inputs", "crashes", "hangs", "memory", "rows lost", "wrong")
    print(
        f"{'seed ' + str(options.seed):12}" + "".join(f"{word:>11}" for word in words), "  seconds"
    )
    failed = False
    for area in areas:
        began = time.monotonic()
        tally = run(
            area,
            options.seed,
            options.seconds / len(areas),
            options.count,
            options.jobs,
            options.keep,
        )
        failed |= any(tally.found.values())
        numbers = (tally.n_inputs, *(tally.found[kind] for kind in KINDS))
        seconds = time.monotonic() - began
        print(
            f"{Path(area).stem:12}" + "".join(f"{n:11,}" for n in numbers),
            f"{seconds:9,.0f}",
            flush=True,
        )
    return failed


if __name__ == "__main__":
    sys.exit(main())
