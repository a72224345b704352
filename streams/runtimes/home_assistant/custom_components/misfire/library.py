"""Makes misfire's packages importable: the installed ones, or the copy beside this integration.

``misfire runtimes install home-assistant`` writes the copy. It needs only the packages in the
manifest, in the versions that Home Assistant has.
"""

from __future__ import annotations

import sys
from pathlib import Path

PACKAGES = Path(__file__).parent / "packages"

if PACKAGES.is_dir() and str(PACKAGES) not in sys.path:
    sys.path.append(str(PACKAGES))
