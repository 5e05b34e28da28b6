# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations


class ModuleDocFragment:
    """What the modules promise."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in check mode and say what it would do, without changing anything.
  diff_mode:
    description: Says in diff mode what it changed or would change.
  idempotent:
    description: Run again with the same options, it changes nothing.
  platform:
    description: The platforms on which it runs.
    platforms: posix
    support: full
"""
