#!/usr/bin/env python3
"""Measures what docs/scaling.md says: a gateway on PostgreSQL beside the same gateway on SQLite, in turn.

    benches/scaling.py target/release/posthouse                    # some ten minutes
    benches/scaling.py --rounds 1 --seconds 4 target/release/posthouse
    benches/scaling.py --only outside target/release/posthouse     # one of: accept, lives, outside, long

It starts a PostgreSQL of its own (POSTHOUSE_PG_BIN names the folder of its programs; as root it runs as the user postgres) in a temporary
folder, with fsync on and no standby, and removes it. Nothing else may run on the machine: the load, the carrier, the VASP and the server
share its cores.
"""

import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

PG = pathlib.Path(os.environ.get("POSTHOUSE_PG_BIN", "/usr/lib/postgresql/15/bin"))
TICK = os.sysconf("SC_CLK_TCK")


def as_user(command):
    """A command of PostgreSQL, which does not run as root."""
    drop = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"] if os.geteuid() == 0 else []
    return [*drop, *map(str, command)]


class Server:
    """A PostgreSQL server in a folder of its own."""

    def __init__(self, folder):
        self.folder, self.databases = folder, 0
        folder.chmod(0o777)
        make = [PG / "initdb", "-D", folder / "data", "-U", "posthouse", "-A", "trust", "-E", "UTF8", "--locale=C"]
        subprocess.run(as_user(make), check=True, stdout=subprocess.DEVNULL, cwd="/")
        settings = {"unix_socket_directories": folder, "listen_addresses": "", "shared_buffers": "256MB",
                    "max_wal_size": "8GB", "fsync": "on"}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        log = open(folder / "log", "w")
        self.process = subprocess.Popen(as_user([PG / "postgres", "-D", folder / "data", *options]),
                                        stdout=log, stderr=log, cwd="/")
        while subprocess.run([PG / "pg_isready", "-q", "-h", folder, "-U", "posthouse", "-d", "postgres"]).returncode:
            if self.process.poll() is not None:
                sys.exit((folder / "log").read_text())
            time.sleep(0.1)

    def ask(self, sql):
        command = [PG / "psql", "-h", self.folder, "-U", "posthouse", "-d", "postgres", "-AtXqc", sql]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def empty_database(self):
        self.databases += 1
        self.ask(f"CREATE DATABASE bench{self.databases}")
        return f"bench{self.databases}"

    def url(self, database):
        return f"postgres:///{database}?host={self.folder}&user=posthouse"

    def cpu(self):
        """Seconds of CPU time that the server has used, with all of its processes, those that have ended among them."""
        parents = {}
        for entry in pathlib.Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    fields = (entry / "stat").read_text().rpartition(")")[2].split()
                    parents[int(entry.name)] = (int(fields[1]), sum(map(int, fields[11:15])))
                except OSError:
                    pass
        total = parents[self.process.pid][1]
        return (total + sum(ticks for parent, ticks in parents.values() if parent == self.process.pid)) / TICK

    def wal(self):
        return int(self.ask("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::int8"))

    def batches(self):
        """How many transactions have written something: one that only reads has no number."""
        return int(self.ask("SELECT pg_snapshot_xmax(pg_current_snapshot())"))

    def is_served(self, database):
        """Whether a gateway has joined this database."""
        command = [PG / "psql", "-h", self.folder, "-U", "posthouse", "-d", database, "-AtXqc", "SELECT 1 FROM node"]
        return subprocess.run(command, capture_output=True, text=True).stdout.strip() != ""

    def look(self):
        return {"cpu": self.cpu(), "wal": self.wal(), "batches": self.batches()}

    def stop(self):
        self.process.send_signal(2)
        self.process.wait(60)


def start_bench(program, *arguments):
    command = [program, "bench", "--json", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def end_bench(process):
    out, errors = process.communicate()
    if process.returncode:
        sys.exit(f"{' '.join(process.args)}: {errors}")
    return json.loads(out)


def bench(program, *arguments):
    return end_bench(start_bench(program, *arguments))


def on_postgres(server, program, media, *arguments):
    """A run on a database of its own, with what that cost the server a message, from when the gateway was there."""
    database = server.empty_database()
    process = start_bench(program, "--store", server.url(database), "--media", f"file://{media}", *arguments)
    while process.poll() is None and not server.is_served(database):
        time.sleep(0.05)
    before = server.look()
    measured = end_bench(process)
    after = server.look()
    lives = measured["end_to_end"]["messages"]
    measured["server"] = {what: (after[what] - before[what]) / lives for what in before}
    measured["server"]["objects"] = sum(1 for path in media.rglob("*") if path.is_file()) / lives
    server.ask(f"DROP DATABASE {database} WITH (FORCE)")
    return measured


def show(what, bar, values, digits):
    if not values:
        return
    shown = ", ".join(f"{value:.{digits}f}" for value in values)
    print(f"| {what} | {bar} | **{statistics.median(values):.{digits}f}** | {shown} |", flush=True)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("program")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--seconds", type=int, default=10)
    options.add_argument("--only", choices=["accept", "lives", "outside", "long"], action="append")
    given = options.parse_args()
    program, duration = str(pathlib.Path(given.program).resolve()), f"{given.seconds}s"
    folder = pathlib.Path(tempfile.mkdtemp(prefix="posthouse-scaling-"))
    server = Server(folder)
    rounds = {"accept": [], "lives": [], "outside": [], "long": []}
    asked = given.only or list(rounds)
    try:
        for number in range(given.rounds):
            def media(name):
                place = folder / f"media-{name}-{number}"
                place.mkdir()
                return place

            wide = ["--only", "accepting", "--connections", 512, "--duration", duration]
            # Lives alone: what is accepted while the carrier is away is put off and leased again, which is not part of them.
            deep = ["--only", "end-to-end", "--in-flight", 1024, "--connections", 512, "--duration", duration]
            long = ["--only", "end-to-end", "--size", "100k", "--duration", duration]
            if "accept" in asked:
                rounds["accept"].append((bench(program, *wide), on_postgres(server, program, media("wide"), *wide)))
            if "lives" in asked:
                rounds["lives"].append((bench(program, *deep), on_postgres(server, program, media("deep"), *deep)))
            if "outside" in asked:
                # Media of more than 8 KiB lie outside of the database.
                rounds["outside"].append(on_postgres(server, program, media("outside"), "--size", "12k", *deep))
            if "long" in asked:
                rounds["long"].append(on_postgres(server, program, media("long"), *long))
            for old in folder.glob("media-*"):
                shutil.rmtree(old)
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
    print(f"load {os.getloadavg()[1]:.1f} over five minutes, on {os.cpu_count()} cores; the median of {given.rounds} rounds in turn, then each\n")
    print("| | bar | measured | each |\n|---|---|---|---|")
    rate = [(sqlite["accept"]["per_second"], there["accept"]["per_second"]) for sqlite, there in rounds["accept"]]
    show("accepted a second, 2 KB, 512 connections, SQLite", "", [one for one, _ in rate], 0)
    show("the same, PostgreSQL", "", [other for _, other in rate], 0)
    show("PostgreSQL ÷ SQLite", "≥ 0.7", [other / one for one, other in rate], 2)
    cpu = [(sqlite["cpu_per_life_us"], there["cpu_per_life_us"], there["server"]["cpu"] * 1e6) for sqlite, there in rounds["lives"]]
    show("CPU of a life, 1,024 in flight, SQLite, µs", "", [one for one, _, _ in cpu], 0)
    show("the same, PostgreSQL: gateway, µs", "", [gateway for _, gateway, _ in cpu], 0)
    show("and server, µs", "", [of_server for _, _, of_server in cpu], 0)
    show("both ÷ SQLite", "≤ 2", [(gateway + of_server) / one for one, gateway, of_server in cpu], 2)
    lives = [there for _, there in rounds["lives"]]
    show("lives a second, PostgreSQL", "", [one["end_to_end"]["per_second"] for one in lives], 0)
    show("batches a life", "≤ 0.1", [one["server"]["batches"] for one in lives], 3)
    show("messages in a batch while accepting", "", [there["accept"]["commits"]["messages"] for _, there in rounds["accept"]], 0)
    show("WAL a life, 2 KB in the row, KB", "", [one["server"]["wal"] / 1000 for one in lives], 2)
    outside = rounds["outside"]
    show("WAL a life, media outside (12 KB), KB", "≤ 4.5", [one["server"]["wal"] / 1000 for one in outside], 2)
    show("batches a life, media outside", "≤ 0.1", [one["server"]["batches"] for one in outside], 3)
    show("objects (PUTs) a message, 100 KB, 64 connections", "≤ 0.1", [one["server"]["objects"] for one in rounds["long"]], 3)
    lost = [run["end_to_end"]["lost"] for pair in rounds["accept"] + rounds["lives"] for run in pair]
    show("lost", "0", lost + [one["end_to_end"]["lost"] for one in outside + rounds["long"]], 0)


if __name__ == "__main__":
    main()
