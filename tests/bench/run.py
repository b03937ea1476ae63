"""The benchmarks: medians, as ratios to one bare RS256-2048 verification in the same run.

The lines that begin with an algorithm are ratios to a bare verification of that algorithm, and a
p99 is compared with the calm one above it.

    run.py [--json] [--rounds N]

Every round times the reference and each figure in turn, so that a machine whose speed drifts drifts
for all of them; a figure's ratio is the median of its rounds' ratios.
"""

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import uvloop
from bench import deployment
from bench.apisix import apisix
from bench.budgets import budgets
from bench.callers import callers
from bench.directory import directory
from bench.figures import BATCH, Figure, Reading, bare_verification
from bench.jwks import jwks
from bench.jwks_flood import flood
from bench.kong import kong
from bench.ledger import ledger
from bench.metering import metering
from bench.proofs import proofs
from bench.redis_budgets import redis_budgets
from bench.rules import rules

from gatepass.plugin import Gate, Request, Usage, load_settings
from support.load import Target, cpu_microseconds_per_request
from support.ports import free_port

REQUESTS = 16_000
CACHED_TOKENS = 100_000
BYTES_PER_CACHED_TOKEN = 3072
HERE = Path(__file__).resolve().parent


async def decisions(rounds: int) -> list[Figure]:
    """Time the Gate itself."""
    reference = bare_verification()
    body, usage = deployment.chat_body(), Usage(300, 80)
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings(deployment.settings_file(Path(folder)))
        async with Gate.open(settings) as gate:

            def ask(token: bytes) -> Request:
                return Request("POST", deployment.TARGET, deployment.headers(token), body)

            seen = ask(deployment.new_token(0))
            assert (await gate.decide(seen)).allowed
            fresh = [
                [ask(deployment.new_token(1 + batch * BATCH + i)) for i in range(BATCH)]
                for batch in range(rounds)
            ]
            bare, warm, paid, new = [], [], [], []
            for requests in fresh:
                bare.append(reference())
                start = time.perf_counter()
                seen_before = [gate.decide_warm(seen) for _ in range(BATCH)]
                warm.append((time.perf_counter() - start) / BATCH * 1e6)
                start = time.process_time()  # most of the time it waits for the disk
                await asyncio.gather(
                    *(gate.settle(one.request_id, usage) for one in seen_before if one is not None)
                )
                paid.append((time.process_time() - start) / BATCH * 1e6)
                assert all(one is not None and one.allowed for one in seen_before)
                start = time.perf_counter()
                decided = [gate.decide_warm(request) for request in requests]
                new.append((time.perf_counter() - start) / BATCH * 1e6)
                assert all(decision is not None and decision.allowed for decision in decided)
            assert gate.faults == 0
    return [
        Figure("bare RS256-2048 verification", statistics.median(bare), 1.0, 1.0),
        _figure("decide, token seen before, 1 KB body", warm, bare, 0.6, 0.3),
        _figure("settle until the ledger has it, 200 at once", paid, bare, 3.0, None),
        _figure("decide, new RS256 token, 1 KB body", new, bare, 3.0, 2.0),
    ]


def _figure(
    name: str, times: list[float], bare: list[float], bound: float, aim: float | None
) -> Figure:
    ratio = statistics.median(a / b for a, b in zip(times, bare, strict=True))
    return Figure(name, statistics.median(times), ratio, bound, aim)


@contextmanager
def server(command: list[str], port: int) -> Iterator[int]:
    """Run a server for the time of the block and yield its process id."""
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        for _ in range(500):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz"):
                    break
            except OSError:
                time.sleep(0.02)
        yield process.pid
    finally:
        process.terminate()
        process.wait(10)


def question(method: bytes, target: bytes, body: bytes) -> bytes:
    """Return what Envoy asks the service about one request."""
    lines = [method + b" /envoy/default" + target + b" HTTP/1.1"]
    lines += [name + b": " + value for name, value in deployment.headers(deployment.new_token(0))]
    if body:
        lines.append(b"x-envoy-auth-partial-body: false")
    return b"\r\n".join([*lines, b"content-length: %d" % len(body), b"", b""]) + body


async def service(rounds: int, bare: float) -> list[Figure]:
    """CPU time of the HTTP service, on top of the same server answering a constant."""
    ports = free_port(), free_port()
    questions = {
        "GET /v1/models": question(b"GET", b"/v1/models", b""),
        "POST of 1 KB, two limits": question(b"POST", deployment.TARGET, deployment.chat_body()),
    }
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        path = deployment.settings_file(Path(folder), f"127.0.0.1:{ports[1]}")
        ours = [sys.executable, "-m", "gatepass.plugin", "serve", "-c", str(path)]
        constant = [sys.executable, str(HERE / "constant_server.py"), str(ports[0])]
        with server(constant, ports[0]) as constant_pid, server(ours, ports[1]) as our_pid:
            for name, asked in questions.items():
                targets = Target(constant_pid, ports[0], asked), Target(our_pid, ports[1], asked)
                for target in targets:
                    await cpu_microseconds_per_request(target, REQUESTS // 8)
                pairs = [
                    [await cpu_microseconds_per_request(target, REQUESTS) for target in targets]
                    for _ in range(rounds)
                ]
                floor = statistics.median(pair[0] for pair in pairs)
                above = statistics.median(pair[1] - pair[0] for pair in pairs)
                figures += [
                    Figure(f"HTTP, {name}: constant answer", floor, floor / bare, floor / bare),
                    Figure(
                        f"HTTP, {name}: decision on top",
                        above,
                        above / bare,
                        25.0,
                        bound_is_microseconds=True,
                    ),
                ]
    return figures


def cached_token_memory() -> Reading:
    """Measure, in a process of its own, what a verified token takes that is remembered."""
    command = [sys.executable, str(HERE / "jwks_memory.py"), str(CACHED_TOKENS)]
    run = subprocess.run(command, check=True, capture_output=True, text=True)
    name = f"memory per remembered token, at {CACHED_TOKENS}"
    return Reading(name, float(run.stdout), " bytes", BYTES_PER_CACHED_TOKEN)


def show(figures: Sequence[Figure | Reading]) -> None:
    print(f"{'':50} {'us':>8} {'ratio':>7}   bound")
    for figure in figures:
        if isinstance(figure, Reading):
            verdict = f"<= {figure.bound:g}{figure.unit} {'ok' if figure.holds else 'MISSED'}"
            print(f"{figure.name:50} {f'{figure.value:.2f}{figure.unit}':>16}   {verdict}")
            continue
        unit = " us" if figure.bound_is_microseconds else ""
        bound = f"<= {figure.bound:g}{unit}" + (f", aim {figure.aim:g}" if figure.aim else "")
        is_reference = figure.bound == figure.ratio
        verdict = "reference" if is_reference else f"{bound} {'ok' if figure.holds else 'MISSED'}"
        print(f"{figure.name:50} {figure.microseconds:8.2f} {figure.ratio:7.2f}   {verdict}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=25)
    options = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        decided = runner.run(decisions(options.rounds))
        figures: list[Figure | Reading] = [*decided]
        figures += runner.run(rules(options.rounds, decided[0].microseconds))
        figures += runner.run(callers(options.rounds, decided[0].microseconds))
        figures += runner.run(directory(options.rounds, decided[0].microseconds))
        figures += runner.run(jwks(options.rounds))
        figures += budgets(options.rounds)
        figures += metering(options.rounds, decided[0].microseconds)
        figures += runner.run(proofs(options.rounds))
        figures += runner.run(redis_budgets(max(3, options.rounds // 5)))
        figures += runner.run(ledger(max(3, options.rounds // 5), decided[0].microseconds))
        figures += runner.run(flood())
        figures.append(cached_token_memory())
        figures += runner.run(service(max(3, options.rounds // 5), decided[0].microseconds))
        figures += runner.run(kong(max(3, options.rounds // 5)))
        figures += runner.run(apisix(max(3, options.rounds // 5)))
    if options.json:
        print(json.dumps([asdict(figure) for figure in figures], indent=2))
    else:
        show(figures)
    return 0 if all(figure.holds for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
