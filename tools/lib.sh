# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# What the tools share. A tool sources it first; it then stands in the root of the checkout, with .venv first in PATH.

set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
HOME=${HOME:-$(getent passwd "$(id -u)" | cut -d: -f6)}
VENV=${FLEETKEEP_VENV:-$ROOT/.venv}
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/fleetkeep
OUTER_PATH=$PATH
PATH=$VENV/bin:$PATH:/usr/sbin:/sbin # runc, netavark and sshd are in sbin, which a plain user's PATH leaves out
export HOME PATH
cd "$ROOT"

say() { printf '==> %s\n' "$*"; }

fail() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# The first twelve characters of the SHA-256 of standard input.
digest() { sha256sum | cut -c1-12; }

# as_root COMMAND...: runs it as root, and never asks for a password.
as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    sudo -n "$@"
  else
    fail "this needs root: $* - run it as root, or allow sudo without a password, and try again"
  fi
}

# project_value EXPRESSION: prints a Python expression over pyproject.toml's [project] table, named `project`.
project_value() {
  python -c 'import sys, tomllib; project = tomllib.load(open("pyproject.toml", "rb"))["project"]; print(eval(sys.argv[1]))' "$1"
}
