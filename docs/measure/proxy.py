"""A proxy on loopback that makes each AWS call take longer, and counts the calls by operation.

    python3 docs/measure/proxy.py --to http://127.0.0.1:5000 --delay-ms 50

prints the endpoint to use, and the counts when interrupted. commands.py uses the same proxy within one run.
"""

import argparse
import asyncio
import collections
import time
import urllib.parse

import loopback


class Proxy:
    """Forwards to `upstream` (scheme://host:port), each call delayed by `delay` seconds."""

    def __init__(self, upstream, delay):
        address = urllib.parse.urlsplit(upstream)
        self.host, self.port = address.hostname, address.port
        self.delay = delay
        self.calls = collections.Counter()
        self.spans = []
        self.idle = []
        self.server = loopback.Server(self._forward)
        self.url = self.server.url

    def take_calls(self):
        """The calls since this was last asked, by operation."""
        calls, self.calls = self.calls, collections.Counter()
        return calls

    def take_waves(self):
        """How many calls since this was last asked had to wait for each other: the longest chain of calls of which each
        began after the one before had ended."""
        spans, self.spans = sorted(self.spans, key=lambda span: span[1]), []
        depths = []
        for begun, ended in spans:
            before = [depth for end, depth in depths if end <= begun]
            depths.append((ended, 1 + max(before, default=0)))
        return max((depth for _, depth in depths), default=0)

    async def _forward(self, request):
        begun = time.perf_counter()
        answer = await self._answer(request)
        self.spans.append((begun, time.perf_counter()))
        return answer

    async def _answer(self, request):
        self.calls[operation(request)] += 1
        await asyncio.sleep(self.delay)
        head = [f"{request.method} {request.path} HTTP/1.1"]
        kept = {n: v for n, v in request.headers.items() if n not in ("connection", "content-length", "transfer-encoding", "expect")}
        head += [f"{name}: {value}" for name, value in kept.items()]
        message = "\r\n".join(head + [f"content-length: {len(request.body)}"]).encode() + b"\r\n\r\n" + request.body
        reader, writer = self.idle.pop() if self.idle else await asyncio.open_connection(self.host, self.port)
        writer.write(message)
        status_line = await reader.readline()
        if not status_line:
            # The emulator has closed a connection that lay idle: ask on a new one.
            reader, writer = await asyncio.open_connection(self.host, self.port)
            writer.write(message)
            status_line = await reader.readline()
        status = int(status_line.split(b" ")[1])
        headers = await loopback.read_headers(reader)
        body = b"" if status == 204 else await loopback.read_body(reader, headers)
        if headers.pop("connection", "").lower() == "close" or status_line.startswith(b"HTTP/1.0"):
            writer.close()
        else:
            self.idle.append((reader, writer))
        headers.pop("content-length", None)
        headers.pop("transfer-encoding", None)
        return status, headers, body


def operation(request):
    """The operation's name, or method and path where the protocol has none."""
    if target := request.headers.get("x-amz-target"):
        return target.rpartition(".")[2]
    action = urllib.parse.parse_qs(request.body.decode("latin-1")).get("Action") if request.method == "POST" else None
    return action[0] if action else f"{request.method} {request.path.partition('?')[0]}"


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--to", required=True, help="the endpoint behind the proxy")
    arguments.add_argument("--delay-ms", type=float, default=50)
    given = arguments.parse_args()
    proxy = Proxy(given.to, given.delay_ms / 1000)
    print(f"export AWS_ENDPOINT_URL={proxy.url}", flush=True)
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        calls = proxy.take_calls()
        print(f"\n{calls.total()} calls")
        for name, count in calls.most_common():
            print(f"{count:5}  {name}")


if __name__ == "__main__":
    main()
