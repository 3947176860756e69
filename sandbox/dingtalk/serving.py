"""Running an aiohttp application: as a command that SIGTERM stops at once, or in a thread for tests."""

import argparse
import asyncio
import json
import signal
import socket
import struct
import threading

from aiohttp import web

# Hanging fault requests are cancelled after this; SIGTERM has to end the process within a second.
SHUTDOWN_SECONDS = 0.2
BACKLOG = 1024
LOOPBACK = "127.0.0.1"
# Longer request lines are for the application to refuse, not for the web framework.
MAX_LINE_BYTES = 64 * 1024


async def start(app, port=0, address=LOOPBACK):
    """Serve app on one address; gives the runner (to clean up) and the port really used."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS, handle_signals=False,
                           max_line_size=MAX_LINE_BYTES)
    await runner.setup()
    site = web.TCPSite(runner, address, port, backlog=BACKLOG)
    try:
        await site.start()
    except OSError:
        await runner.cleanup()
        raise
    return runner, runner.addresses[0][1]


async def _serve_until_signal(app, port, address):
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    runner, port = await start(app, port, address)
    print(json.dumps({"port": port}), flush=True)
    await stop.wait()
    await runner.cleanup()


def command_line(name, create_app):
    """The whole of `python -m <name>`: --port (0 takes a free one), --address, --data FILE; prints {"port": N}."""
    parser = argparse.ArgumentParser(prog="python -m " + name)
    parser.add_argument("--port", type=int, default=0, help="port to listen on; 0 takes a free one")
    parser.add_argument("--address", default=LOOPBACK, help="address to listen on (%s)" % LOOPBACK)
    parser.add_argument("--data", default=None, help="file that keeps the state between runs")
    options = parser.parse_args()
    asyncio.run(_serve_until_signal(create_app(options.data), options.port, options.address))


class Background:
    """Serves an application from a thread; a context manager with `url` and `port`."""

    def __init__(self, app):
        self._app = app
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self._loop = self._stop = None
        self.port = 0

    @property
    def url(self):
        return "http://127.0.0.1:%d" % self.port

    async def _run(self):
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        runner, self.port = await start(self._app)
        self._ready.set()
        await self._stop.wait()
        await runner.cleanup()

    def __enter__(self):
        self._thread.start()
        if not self._ready.wait(10):
            raise RuntimeError("the server did not start within 10 seconds")
        return self

    def __exit__(self, *exc_info):
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)


def reset_connection(request):
    """Close the caller's connection with a TCP RST: linger 0 makes the kernel drop instead of finish."""
    transport = request.transport
    if transport is None:
        return
    sock = transport.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def caller_gone(request):
    return request.transport is None or request.transport.is_closing()


async def hold(request, seconds):
    """Wait for `seconds`, or until the caller closes the connection."""
    end = asyncio.get_running_loop().time() + seconds
    while not caller_gone(request) and asyncio.get_running_loop().time() < end:
        await asyncio.sleep(0.02)
