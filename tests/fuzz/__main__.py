"""`tox -e fuzz -- [TARGET …] [SECONDS]`: atheris over the targets, hypothesis where it is missing.

What is found is cut down to what matters and written to `fixtures/rogue/TARGET-DIGEST.bin` with a
`.toml` beside it; the suite then holds it for ever (see CONTRIBUTING).
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROGUE = Path(__file__).parents[2] / "fixtures" / "rogue"
WORK = Path(__file__).parents[2] / "build" / "fuzz"
SECONDS = 30  # a target


def main(words: list[str]) -> int:
    """One process a target, since libFuzzer ends its own."""
    from tests.fuzz.targets import TARGETS

    seconds = next((int(word) for word in words if word.isdigit()), SECONDS)
    names = [word for word in words if not word.isdigit()] or list(TARGETS)
    if unknown := set(names) - set(TARGETS):
        print(f"no target {', '.join(unknown)}; there are {', '.join(TARGETS)}")
        return 2
    if importlib.util.find_spec("atheris") is None:
        print("atheris has no wheel for this Python: hypothesis' long profile instead")
        chosen = [f"tests/fuzz/test_fuzz.py::test_target_holds_for_mutations[{n}]" for n in names]
        more = {**os.environ, "FUZZ_EXAMPLES": "20000"}
        return subprocess.call([sys.executable, "-m", "pytest", "-q", *chosen], env=more)
    found = [name for name in names if not _fuzz(name, seconds)]
    print(f"findings in {', '.join(found)}: see {ROGUE}" if found else "no findings")
    return bool(found)


def _fuzz(name: str, seconds: int) -> bool:
    """Whether a target held, with one line of what was done."""
    from tests.fuzz.targets import TARGETS

    corpus, crash = WORK / name, WORK / f"{name}.crash"
    corpus.mkdir(parents=True, exist_ok=True)
    crash.unlink(missing_ok=True)
    for seed in TARGETS[name].seeds():
        (corpus / hashlib.blake2b(seed, digest_size=10).hexdigest()).write_bytes(seed)
    options = [f"-max_total_time={seconds}", f"-exact_artifact_path={crash}", "-timeout=10"]
    options += ["-rss_limit_mb=1024", "-print_final_stats=1", "-max_len=20000", "-len_control=0"]
    command = [sys.executable, "-m", "tests.fuzz.driver", name, *options, str(corpus)]
    ran = subprocess.run(command, check=False, capture_output=True, text=True, errors="replace")
    times = re.search(r"number_of_executed_units: (\d+)", ran.stderr)
    kept = len(list(corpus.iterdir()))
    print(f"{name}: {times[1] if times else '?'} executions, {kept} inputs", flush=True)
    if ran.returncode == 0:
        return True
    if not crash.exists():
        print(ran.stderr[-2_000:])
        return False
    _keep(name, TARGETS[name].run, crash.read_bytes())
    return False


def _keep(name: str, run: Callable[[bytes], None], body: bytes) -> None:
    why = failure(run, body)
    if why:
        body = smallest(run, body, why)
    place = ROGUE / f"{name}-{hashlib.blake2b(body, digest_size=4).hexdigest()}.bin"
    place.write_bytes(body)
    reason = f"Fuzzing {name} met {why or 'too long a time or too much memory'}."
    place.with_suffix(".toml").write_text(f"why = {reason!r}\n", encoding="utf-8")
    print(f"  {reason} → {place.name}, {len(body)} bytes")


def failure(run: Callable[[bytes], None], body: bytes) -> str:
    """The kind and the place of the exception that a target lets out, or ""."""
    try:
        run(body)
    except Exception as error:  # noqa: BLE001 - any is a finding
        trace = error.__traceback__
        while trace and trace.tb_next:
            trace = trace.tb_next
        code = trace.tb_frame.f_code if trace else None
        return f"{type(error).__name__} in {code.co_name if code else '?'}"
    return ""


def smallest(run: Callable[[bytes], None], body: bytes, why: str) -> bytes:
    """The body without whatever can be left out of it, piece by ever smaller piece."""
    size = len(body) // 2
    while size:
        start = 0
        while start < len(body):
            less = body[:start] + body[start + size :]
            if failure(run, less) == why:
                body = less
            else:
                start += size
        size //= 2
    return body


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
