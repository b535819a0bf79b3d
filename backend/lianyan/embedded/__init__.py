"""The default database: PostgreSQL 18 as a child of this process, from files the wheel brings.

As root, PostgreSQL runs as another user (`lianyan`, `postgres` or `nobody`, the first that exists),
for it refuses to run as root. Where that user cannot reach the data folder, because it lies under a
private one, the cluster is kept under `/var/lib/lianyan` instead and `database.json` in the data
folder says where; no permission of a folder that is not ours is ever changed.
"""

from lianyan.embedded.binaries import Binaries, find
from lianyan.embedded.fault import EmbeddedError
from lianyan.embedded.supervisor import Server, postgres, throwaway

__all__ = ["Binaries", "EmbeddedError", "Server", "find", "postgres", "throwaway"]
