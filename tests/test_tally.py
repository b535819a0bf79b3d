"""What several have counted is one sum, and the last to add sees all of it."""

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tally import added

AT_ONCE, TIMES = 4, 25


def _count(folder: Path) -> None:
    counts = Counter[str]()
    for _ in range(TIMES):
        counts["seen"] += 1
        with added(folder, "these", counts) as total, (folder / "told").open("a") as told:
            told.write(json.dumps(total["seen"]) + "\n")


def test_every_count_is_in_the_last_sum(tmp_path):
    # The lock belongs to the opened file: threads exclude each other as processes do.
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(_count, [tmp_path] * AT_ONCE))
    told = [int(line) for line in (tmp_path / "told").read_text().splitlines()]
    assert told == list(range(1, AT_ONCE * TIMES + 1))


def test_what_was_added_is_not_added_again(tmp_path):
    counts = Counter(a=2)
    with added(tmp_path, "x", counts) as total:
        assert total == {"a": 2}
    assert not counts
    with added(tmp_path, "x", counts) as total:
        assert total == {"a": 2}
    with added(tmp_path, "y", Counter(a=1)) as total:
        assert total == {"a": 1}
