"""The paper's backend: an HTTP echo server on socketify (uWebSockets under Python).

GET /N        answers N bytes; GET / answers 100, the paper's response size.
GET /headers  answers the request's headers as JSON, [[name, value], ...] in order and with repeats, for tests
              that must see what the sidecar forwarded.

Prints one line of JSON when it listens: {"port": ..., "name": ..., "version": ...}. The kernel picks the port.
"""
import functools
import importlib.metadata
import json

from socketify import App, AppListenOptions

DEFAULT_BYTES = 100
MAX_BYTES = 64 * 1024 * 1024
# uSockets' LIBUS_LISTEN_EXCLUSIVE_PORT; without it a second server could share the port and take half the requests.
EXCLUSIVE_PORT = 1

app = App(lifespan=False)


@functools.lru_cache(maxsize=64)
def body(size):
    return b"x" * size


def answer_default(res, _req):
    res.end(body(DEFAULT_BYTES))


def answer_size(res, req):
    size = req.get_parameter(0)
    if not size.isdigit() or int(size) > MAX_BYTES:
        res.write_status(400).end(f'ask for /N with 0 <= N <= {MAX_BYTES}, not "/{size}"')
        return
    res.end(body(int(size)))


def answer_headers(res, req):
    res.write_header("content-type", "application/json")
    headers = []
    req.for_each_header(lambda name, value: headers.append([name, value]))
    res.end(json.dumps(headers))


def report(config):
    version = importlib.metadata.version("socketify")
    print(json.dumps({"port": config.port, "name": "socketify", "version": version}), flush=True)


app.get("/", answer_default)
app.get("/headers", answer_headers)
app.get("/:size", answer_size)
app.listen(AppListenOptions(host="127.0.0.1", port=0, options=EXCLUSIVE_PORT), report)
# libuv's own blocking loop instead of App.run(): that one polls from asyncio without rest, which takes the load
# generator's core (measured: 2.3 times the CPU time a request), and once idle it looks only every 10 ms, which would
# be measured as latency.
app.loop.uv_loop.run()
