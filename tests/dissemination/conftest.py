"""Puts the sample publication of these tests on the path (tests are no packages)."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
