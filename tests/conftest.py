"""How hard hypothesis tries: HYPOTHESIS_PROFILE=nightly, or --hypothesis-profile=nightly, for ten times as many cases.

Tests that say their own number of examples keep it; those of ``test_fuzz.py`` share the profile's.
"""

import os

from hypothesis import settings

settings.register_profile("ci", settings.default, max_examples=200, deadline=None, print_blob=True)
settings.register_profile("nightly", settings.default, max_examples=2000, deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))
