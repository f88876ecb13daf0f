"""A stand-in for a server of pictures: the protocol of the SDXL server, behind uvicorn, and no model.

What it draws are stripes in colours that follow from the prompt, with the words STAND-IN on them, so that nobody
takes one for what was asked for. Needs uvicorn (requirements.txt); `pictures.py [PORT]` prints its address once it
answers, and ends with whoever started it. An idle connection is closed after five seconds, as uvicorn does unless
it is told otherwise.
"""

import asyncio
import hashlib
import json
import os
import socket
import struct
import sys
import zlib

MODEL = "stand-in (stripes, no model)"
KEEP_ALIVE = 5
# A letter a column of three bits a row, from the top.
LETTERS = {
    "S": (7, 4, 7, 1, 7),
    "T": (7, 2, 2, 2, 2),
    "A": (7, 5, 7, 5, 5),
    "N": (6, 5, 5, 5, 5),
    "D": (6, 5, 5, 5, 6),
    "-": (0, 0, 7, 0, 0),
    "I": (7, 2, 2, 2, 7),
}
MADE = {}


def inked(column, row):
    """Whether the words have ink in a cell of four by five a letter."""
    letter, inside = divmod(column, 4)
    word = "STAND-IN"
    if inside == 3 or not (0 <= row < 5 and 0 <= letter < len(word)):
        return False
    return bool(LETTERS[word[letter]][row] & (4 >> inside))


def png(width, height, seed):
    """Slanted stripes of two colours with the words in the middle, as a PNG."""
    digest = hashlib.sha256(seed.encode()).digest()
    dark, light = bytes(it // 3 for it in digest[:3]), bytes(160 + it // 3 for it in digest[3:6])
    cell = max(1, width // 48)
    left, top = (width - 31 * cell) // 2, (height - 5 * cell) // 2
    rows = []
    for y in range(height):
        row = bytearray(b"\0")
        for x in range(width):
            ink = inked((x - left) // cell, (y - top) // cell) if x >= left else False
            row += b"\xff\xff\xff" if ink else dark if (x + y) // (2 * cell) % 2 else light
        rows.append(bytes(row))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(b"".join(rows), 6)), (b"IEND", b"")]
    chunks = [struct.pack(">I", len(it)) + kind + it + struct.pack(">I", zlib.crc32(kind + it)) for kind, it in parts]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def generate(body):
    asked = json.loads(body)
    seed = f"{asked['prompt']} {asked.get('seed', 0)}"
    # A quarter of what was asked for: nobody looks at it for its detail.
    width, height = (max(64, min(2048, int(asked.get(side, 512)))) // 4 for side in ("width", "height"))
    name = hashlib.sha256(f"{seed} {width} {height}".encode()).hexdigest()[:16] + ".png"
    MADE[name] = png(width, height, seed)
    answer = {"image_path": f"/tmp/{name}", "filename": name, "width": width, "height": height}
    return 200, answer | {"model": MODEL, "generation_time_ms": 0, "seed": asked.get("seed", 0)}


def answer(method, path, body):
    """Status and what is said: a document, or bytes of a picture."""
    name = path.removeprefix("/images/")
    if (method, path) == ("GET", "/health"):
        return 200, {"status": "ready", "model": MODEL}
    if (method, path) == ("POST", "/generate"):
        try:
            return generate(body)
        except (ValueError, KeyError, TypeError) as error:
            return 422, {"detail": str(error)}
    if method == "GET" and name in MADE:
        return 200, MADE[name]
    return 404, {"detail": "nothing here"}


async def app(scope, receive, send):
    """The same for uvicorn."""
    if scope["type"] != "http":
        return
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    status, said = answer(scope["method"], scope["path"], body)
    picture = isinstance(said, bytes)
    said = said if picture else json.dumps(said).encode()
    kind = b"image/png" if picture else b"application/json"
    headers = [(b"content-type", kind), (b"content-length", str(len(said)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": said})


async def serve(listener, parent):
    import uvicorn

    config = uvicorn.Config(app, timeout_keep_alive=KEEP_ALIVE, log_level="warning", lifespan="off")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while os.getppid() == parent and not serving.done():
        await asyncio.sleep(0.5)
    server.should_exit = True
    await serving


def main():
    parent = os.getppid()
    listener = socket.create_server(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 0))
    print("http://127.0.0.1:%d" % listener.getsockname()[1], flush=True)
    asyncio.run(serve(listener, parent))


if __name__ == "__main__":
    main()
