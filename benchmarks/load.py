"""Ask a server as fast as it answers, over kept connections, and count; a process of its own."""

import asyncio
import json
import sys
import time


async def ask(host: str, port: int, requests: list[bytes], until: float) -> tuple[int, list[float]]:
    """Send requests one after another over one connection; return how many were answered, and how long each took."""
    reader, writer = await asyncio.open_connection(host, port)
    done, times = 0, []
    while time.perf_counter() < until:
        began = time.perf_counter()
        writer.write(requests[done % len(requests)])
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise SystemExit(head.decode() + (await reader.read(500)).decode())
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
        times.append(time.perf_counter() - began)
        done += 1
    writer.close()
    return done, times


async def main() -> None:
    """Run as told on standard input; print requests a second and the 99th percentile in milliseconds."""
    told = json.loads(sys.stdin.read())
    head = f"Host: {told['host']}:{told['port']}\r\nCookie: {told['cookie']}\r\n\r\n"
    requests = [f"GET {path} HTTP/1.1\r\n{head}".encode() for path in told["paths"]]
    began = time.perf_counter()
    until = began + told["seconds"]
    parts = [
        ask(told["host"], told["port"], requests[n:] + requests[:n], until)
        for n in range(told["connections"])
    ]
    found = await asyncio.gather(*parts)
    spent = time.perf_counter() - began
    times = sorted(t for _, each in found for t in each)
    print(
        json.dumps(
            {"rate": sum(n for n, _ in found) / spent, "p99": times[int(len(times) * 0.99)] * 1000}
        )
    )


asyncio.run(main())
