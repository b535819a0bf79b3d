"""Where a login sends the person afterwards: to a page of ours, and nowhere else."""

import unicodedata

LONGEST = 2000
HOME = "/"


def safe_return(path: object) -> str:
    """Return `path` where it is a page of this portal, else the home page.

    Ask when the value is stored and again when it is used: what is followed is what was checked.
    """
    if not isinstance(path, str) or not 0 < len(path) <= LONGEST:
        return HOME
    if not path.startswith("/") or path.startswith("//") or "\\" in path:
        return HOME
    # browsers drop tabs and line breaks inside an address; what separates is no part of a path either
    if any(unicodedata.category(c)[0] in "CZ" for c in path):
        return HOME
    # `/./` and `/../` are resolved by browsers before they ask: `/.//host` would become `//host`
    if any(part in {".", "..", "%2e", "%2e%2e", ".%2e", "%2e."} for part in _parts(path)):
        return HOME
    return path


def _parts(path: str) -> list[str]:
    return path.partition("?")[0].partition("#")[0].lower().split("/")
