"""Steps a second of DBOS (Python): N workflows of 10 no-op steps, each step's result kept.

    dbos_steps.py --store sqlite:PATH|postgres://… [--runs 500] [--steps 10] [--concurrency 16]
    dbos_steps.py --store sqlite:PATH|postgres://… --queue N [--concurrency 16] [--poll 0.1]

DBOS commits each step before the next begins. On SQLite every connection that it opens gets
WAL and `synchronous=FULL`, read back (DBOS by itself leaves the rollback journal, which is as
durable and slower); PostgreSQL as the server is configured. So many workflows run at once,
called from as many threads, one after the other; one before the clock starts loads what DBOS
loads late.

`--queue N` drains a queue of DBOS instead: N workflows without a step are enqueued while the queue
is closed, one commit each, then it is opened; the clock runs from there to the last one recorded
as done. The queue has no limit of its own, so DBOS claims all that wait at every look, and
`--concurrency` bounds the threads that run them: of the settings that were tried, this was the
fastest. DBOS by itself looks every second, which would be most of a short run, so `--poll` is 0.1.
"""

import threading
import time
from importlib.metadata import version

import sqlalchemy
from dbos import DBOS, SetWorkflowID

import measure

LOOK_AGAIN = 0.01
GIVE_UP_AFTER = 600.0
CLOSED, OPEN = 0, None

ended = threading.Semaphore(0)


@DBOS.step()
def nothing():
    pass


@DBOS.workflow()
def pipeline(steps):
    for _ in range(steps):
        nothing()


@DBOS.workflow()
def job():
    ended.release()


def durable(store):
    """Set and read on each connection that SQLAlchemy opens from here on, DBOS's among them."""
    found = set()

    @sqlalchemy.event.listens_for(sqlalchemy.engine.Engine, "connect")
    def connected(connection, _record):
        if store.is_sqlite:
            measure.make_durable(connection)
            found.add(measure.sqlite_durability(connection))
        else:
            found.add(measure.postgres_durability(connection))
            connection.rollback()

    return found


def url(store):
    if store.is_sqlite:
        return f"sqlite:///{store.address}"
    return store.address.replace("postgresql://", "postgresql+psycopg://", 1)


def launch(store, workers):
    address = f"sqlite:///{store.address}" if store.is_sqlite else store.address
    DBOS(
        config={
            "name": "callboard-bench",
            "system_database_url": address,
            # One for each worker, and DBOS's own 20 for its threads behind them.
            "sys_db_pool_size": workers + 20,
            "max_executor_threads": workers,
            "log_level": "WARNING",
        }
    )
    DBOS.launch()


def under(name, number, call):
    with SetWorkflowID(f"{name}-{number}"):
        return call()


def run_steps(given, name, workers):
    def run(number):
        under(name, number, lambda: pipeline(given.steps))

    under(measure.fresh_name(), 0, lambda: pipeline(given.steps))
    started = time.perf_counter()
    measure.at_once(workers, run, given.runs)
    seconds = time.perf_counter() - started
    return {
        "measure": "steps",
        "runs": given.runs,
        "steps": given.steps,
        "seconds": seconds,
        "steps_a_second": given.runs * given.steps / seconds,
    }


def run_queue(given, name, workers, rows):
    def enqueue(number):
        under(name, number, lambda: DBOS.enqueue_workflow(name, job))

    queue = DBOS.register_queue(name, polling_interval_sec=given.poll)
    under(measure.fresh_name(), 0, lambda: DBOS.enqueue_workflow(name, job))
    wait_for(1)
    queue.set_worker_concurrency(CLOSED)
    time.sleep(2 * given.poll)

    started = time.perf_counter()
    measure.at_once(workers, enqueue, given.queue)
    enqueued = time.perf_counter() - started
    measure.require(rows.succeeded(name) == 0, "the queue was not closed while it was filled")

    started = time.perf_counter()
    queue.set_worker_concurrency(OPEN)
    wait_for(given.queue)
    # A workflow's end is recorded after its last line.
    while rows.succeeded(name) < given.queue and time.perf_counter() - started < GIVE_UP_AFTER:
        time.sleep(LOOK_AGAIN)
    seconds = time.perf_counter() - started
    return {
        "measure": "queue",
        "jobs": given.queue,
        "poll_seconds": given.poll,
        "enqueue_seconds": enqueued,
        "seconds": seconds,
        "jobs_a_second": given.queue / seconds,
    }


def wait_for(jobs):
    for done in range(jobs):
        measure.require(
            ended.acquire(timeout=GIVE_UP_AFTER),
            f"{done} of {jobs} jobs ran, then none for {GIVE_UP_AFTER:.0f} s",
        )


class Rows:
    """What DBOS has left in its tables."""

    def __init__(self, store):
        self.engine = sqlalchemy.create_engine(url(store))
        self.schema = "" if store.is_sqlite else "dbos."

    def count(self, table, name, condition="1 = 1"):
        query = f"SELECT count(*) FROM {self.schema}{table}"
        query += f" WHERE workflow_uuid LIKE '{name}-%' AND {condition}"
        with self.engine.connect() as connection:
            return connection.execute(sqlalchemy.text(query)).scalar_one()

    def succeeded(self, name):
        return self.count("workflow_status", name, "status = 'SUCCESS'")

    def check(self, name, runs, steps):
        found = self.succeeded(name), self.count("operation_outputs", name)
        measure.require(
            found == (runs, runs * steps),
            f"{found[0]} workflows ended with {found[1]} steps, not {runs} with {runs * steps}",
        )


def main():
    parser = measure.arguments("DBOS: steps a second, or jobs a second of a queue")
    parser.add_argument("--queue", type=measure.positive, metavar="N")
    parser.add_argument("--poll", type=float, default=0.1, metavar="SECONDS")
    given = parser.parse_args()
    workers = given.concurrency or 16

    durability = durable(given.store)
    launch(given.store, workers)
    rows, name = Rows(given.store), measure.fresh_name()
    if given.queue:
        figures = run_queue(given, name, workers, rows)
        rows.check(name, given.queue, 0)
    else:
        figures = run_steps(given, name, workers)
        rows.check(name, given.runs, given.steps)
    measure.report(
        peer="dbos",
        version=version("dbos"),
        store=given.store.kind,
        durability="; ".join(sorted(durability)),
        concurrency=workers,
        **figures,
    )
    DBOS.destroy()


if __name__ == "__main__":
    main()
