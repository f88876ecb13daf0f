"""What the peers' scripts share: their arguments, the store they are given, a line of JSON.

A script measures, then counts the rows that its peer left; `require` ends it with status 1 and
a message when something is missing, before any figure is printed.
"""

import argparse
import json
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor

SYNCHRONOUS = ["OFF", "NORMAL", "FULL", "EXTRA"]


class Store:
    """`sqlite:PATH` or `postgres://…`, with everything in it for this run alone."""

    def __init__(self, text):
        if text.startswith("sqlite:"):
            self.kind, self.address = "sqlite", text.removeprefix("sqlite:")
        elif text.startswith(("postgres://", "postgresql://")):
            self.kind, self.address = "postgres", text.replace("postgres://", "postgresql://", 1)
        else:
            raise argparse.ArgumentTypeError(f"`{text}` is neither sqlite:PATH nor postgres://…")

    @property
    def is_sqlite(self):
        return self.kind == "sqlite"


def arguments(description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--store", required=True, type=Store)
    parser.add_argument("--runs", type=positive, default=500)
    parser.add_argument("--steps", type=positive, default=10)
    parser.add_argument("--concurrency", type=positive)
    return parser


def positive(text):
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return number


def first_row(connection, query):
    """As a tuple, whatever the peer has its rows made into."""
    row = connection.execute(query).fetchone()
    return tuple(row.values()) if isinstance(row, dict) else tuple(row)


def make_durable(connection):
    """The durability of Callboard's own SQLite store, on a connection of the peer."""
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")


def sqlite_durability(connection):
    """Read back, for a setting can be refused in silence. Anything less is no comparison."""
    (journal,) = first_row(connection, "PRAGMA journal_mode")
    (synchronous,) = first_row(connection, "PRAGMA synchronous")
    found = f"journal_mode={journal}, synchronous={SYNCHRONOUS[synchronous]}"
    expected = "journal_mode=wal, synchronous=FULL"
    require(found == expected, f"SQLite has {found}, not {expected}")
    return found


def postgres_durability(connection):
    """As the server, the database and the peer have it: told, not judged."""
    settings = ["fsync", "synchronous_commit"]
    found = [first_row(connection, f"SHOW {setting}")[0] for setting in settings]
    return ", ".join(f"{setting}={value}" for setting, value in zip(settings, found))


def fresh_name():
    """Marks the rows of this run, whatever else the store holds."""
    return f"bench-{uuid.uuid4().hex}"


def at_once(workers, work, count):
    """`work(0)` to `work(count - 1)` on so many threads; the first error is raised."""
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(work, range(count)))


def require(holds, message):
    if not holds:
        sys.exit(message)


def report(**fields):
    print(json.dumps(fields), flush=True)
