# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m fleetkeep`` is the command ``fleetkeep``."""

from fleetkeep.cli import main

if __name__ == "__main__":
    main()
