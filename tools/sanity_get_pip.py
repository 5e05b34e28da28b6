# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for get-pip.py, put into ansible-test's cache by tools/sanity where the real one cannot be fetched.

ansible-test runs it in a new virtual environment with what to install as arguments. The pip that Python itself brings
(``ensurepip``) does that just as well. See docs/adr/0003-sanity-without-download.md.
"""

import ensurepip
import os
import subprocess
import sys

ensurepip.bootstrap(default_pip=True)
# ensurepip leaves it pointing at /dev/null, which would hide the index and the certificates of pip's configuration.
os.environ.pop("PIP_CONFIG_FILE", None)
wanted = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
subprocess.check_call([sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "-qq", *wanted])
