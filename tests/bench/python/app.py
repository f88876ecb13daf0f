"""A plugin in Python: works a millisecond, or raises."""
import json
import time

from wit_world import exports
from wit_world.exports import handlers

NAME = "probe.python"
SCHEMA = json.dumps({"type": "object"})


class Handlers(exports.Handlers):
    def describe(self):
        return [
            handlers.Contract(
                name=NAME,
                summary="Works a millisecond, in Python",
                config_schema=SCHEMA,
                reads_schema=SCHEMA,
                writes_schema=SCHEMA,
                settings=[],
                roles=[],
                tables=[],
                always_gives_a_verdict=False,
            )
        ]

    def handle(self, call):
        until = time.monotonic() + 0.001
        while time.monotonic() < until:
            pass
        return handlers.Outcome_Done(handlers.Done(patch="{}", effects=[], writes=[]))
