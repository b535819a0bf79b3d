"""Build what the browser gets and the demo's login, where a wheel is made without them."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

BUNDLES = {
    "frontend": "backend/lianyan/static/index.html",
    "deploy/demo-login": "backend/lianyan/demo/idp.mjs",
}


class BundleHook(BuildHookInterface[Any]):
    """Runs npm for each bundle that is missing; a release's source archive has them all."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build what is missing; nothing for an editable install, which uses the checkout's."""
        del build_data
        root = Path(self.root)
        missing = [folder for folder, made in BUNDLES.items() if not (root / made).exists()]
        if version == "editable" or not missing:
            return
        sys.path.insert(0, str(root / "tools"))
        import bootstrap  # noqa: PLC0415  a source archive has the bundles and need not have node
        import checkout  # noqa: PLC0415  the same

        for folder in missing:
            if checkout.node_folder() is not None:
                bootstrap.ensure_built(root / folder, root / BUNDLES[folder])
                continue
            program = shutil.which("npm")
            if program is None:
                raise RuntimeError(
                    f"{BUNDLES[folder]} is not built: run `make wheel`, or install npm."
                )
            for arguments in (["ci"], ["run", "build"]):
                subprocess.run([program, *arguments], cwd=root / folder, check=True)
