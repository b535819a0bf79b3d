"""Save one section over and over, as a browser's autosave does, over kept connections; a process of its own."""

import asyncio
import json
import sys
import time


async def save(
    told: dict[str, object], one: dict[str, str], until: float
) -> tuple[int, list[float]]:
    """Save one proposal's section until the time is over; return how often that was confirmed, and how long each took."""
    reader, writer = await asyncio.open_connection(told["host"], told["port"])
    rev, times = 0, []
    while time.perf_counter() < until:
        text = f"{one['text']} {rev}"
        body = json.dumps({"answers": {"methods": text}}, ensure_ascii=False).encode()
        head = (
            f"PUT /api/proposals/{one['proposal']}/sections/methods HTTP/1.1\r\nHost: {told['host']}:{told['port']}\r\n"
            f'Cookie: {one["cookie"]}\r\nOrigin: {told["origin"]}\r\nX-Lianyan: 1\r\nIf-Match: "{rev}"\r\n'
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        began = time.perf_counter()
        writer.write(head.encode() + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        if not answer.startswith(b"HTTP/1.1 204"):
            raise SystemExit(answer.decode() + (await reader.read(500)).decode())
        times.append(time.perf_counter() - began)
        rev += 1
    writer.close()
    return rev, times


async def main() -> None:
    """Run as told on standard input; print saves a second, the 99th percentile, and each proposal's count."""
    told = json.loads(sys.stdin.read())
    began = time.perf_counter()
    until = began + told["seconds"]
    found = await asyncio.gather(*(save(told, one, until) for one in told["drafts"]))
    spent = time.perf_counter() - began
    times = sorted(t for _, each in found for t in each)
    counts = {one["proposal"]: rev for one, (rev, _) in zip(told["drafts"], found, strict=True)}
    print(json.dumps({
        "rate": sum(counts.values()) / spent, "p50": times[len(times) // 2] * 1000,
        "p99": times[int(len(times) * 0.99)] * 1000, "counts": counts,
    }))  # fmt: skip


asyncio.run(main())
