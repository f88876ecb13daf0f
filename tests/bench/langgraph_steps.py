"""Steps a second of LangGraph: N runs of a graph of 10 no-op nodes, a checkpoint after each.

    langgraph_steps.py --store sqlite:PATH|postgres://… [--runs 500] [--steps 10] [--concurrency 1]

The savers are LangGraph's own, with `durability="sync"`: a node starts when the checkpoint of
the one before it is committed. SQLite runs with WAL and `synchronous=FULL`, set on the saver's
connection and read back; PostgreSQL as the server is configured. Every run is a thread of its
own; one run before the clock starts loads what LangGraph loads late.

With a concurrency above 1, the runs share one SQLite saver, as LangGraph's documentation has
it; on PostgreSQL each worker has a saver, for a saver does one thing at a time.
"""

import os
import sqlite3
import time
from importlib.metadata import version
from typing import TypedDict

import psycopg
from langgraph.checkpoint.postgres import PostgresSaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import END, START, StateGraph
from psycopg.rows import dict_row

import measure

# Nothing is sent anywhere, whatever the environment asks for.
os.environ["LANGSMITH_TRACING"] = os.environ["LANGCHAIN_TRACING_V2"] = "false"

# LangGraph also keeps a run's input, and what it enters the first node with.
CHECKPOINTS_BESIDE_STEPS = 2


class State(TypedDict):
    done: int


def sqlite_saver(path):
    connection = sqlite3.connect(path, check_same_thread=False)
    measure.make_durable(connection)
    saver = SqliteSaver(connection)
    saver.setup()
    return saver


def postgres_saver(url):
    connection = psycopg.connect(url, autocommit=True, prepare_threshold=0, row_factory=dict_row)
    saver = PostgresSaver(connection)
    saver.setup()
    return saver


def savers(store, workers):
    if store.is_sqlite:
        return [sqlite_saver(store.address)] * workers
    return [postgres_saver(store.address) for _ in range(workers)]


def durability(store, saver):
    if store.is_sqlite:
        return measure.sqlite_durability(saver.conn)
    return measure.postgres_durability(saver.conn)


def graph(steps, saver):
    """START → 0 → 1 → … → END; each node does no more than count."""
    builder = StateGraph(State)
    for step in range(steps):
        builder.add_node(str(step), lambda state: {"done": state["done"] + 1})
        builder.add_edge(str(step - 1) if step else START, str(step))
    builder.add_edge(str(steps - 1), END)
    return builder.compile(checkpointer=saver)


def run(compiled, thread, steps):
    config = {"configurable": {"thread_id": thread}, "recursion_limit": steps + 5}
    state = compiled.invoke({"done": 0}, config, durability="sync")
    measure.require(state["done"] == steps, f"run {thread} ended after {state['done']} steps")


def worker(compiled, name, index, workers, runs, steps):
    """Every so-manieth run, one after the other."""
    for number in range(index, runs, workers):
        run(compiled, f"{name}-{number}", steps)


def check(saver, name, runs, steps):
    """Every run has left every one of its checkpoints."""
    query = "SELECT count(DISTINCT thread_id) AS threads, count(*) AS checkpoints"
    query += f" FROM checkpoints WHERE thread_id LIKE '{name}-%'"
    found = measure.first_row(saver.conn, query)
    expected = (runs, runs * (steps + CHECKPOINTS_BESIDE_STEPS))
    measure.require(
        found == expected,
        f"{found[0]} runs with {found[1]} checkpoints, not {expected[0]} with {expected[1]}",
    )


def main():
    given = measure.arguments("LangGraph: steps a second").parse_args()
    store, runs, steps = given.store, given.runs, given.steps
    workers = given.concurrency or 1
    opened = savers(store, workers)
    graphs = [graph(steps, saver) for saver in opened]
    run(graphs[0], measure.fresh_name(), steps)

    name = measure.fresh_name()
    started = time.perf_counter()
    measure.at_once(workers, lambda it: worker(graphs[it], name, it, workers, runs, steps), workers)
    seconds = time.perf_counter() - started

    check(opened[0], name, runs, steps)
    measure.report(
        peer="langgraph",
        version=version("langgraph"),
        measure="steps",
        store=store.kind,
        durability=durability(store, opened[0]),
        concurrency=workers,
        runs=runs,
        steps=steps,
        seconds=seconds,
        steps_a_second=runs * steps / seconds,
    )


if __name__ == "__main__":
    main()
