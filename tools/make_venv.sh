#!/usr/bin/env bash
# make_venv.sh FOLDER PYTHON... makes a virtual environment with the first of these Pythons that the project supports.
# An environment that exists stays if it is complete and of a supported version.
set -euo pipefail
venv=$1
shift

version_of() {
  # A command that is found may fail: pyenv has one for every version, also for those that are not chosen.
  "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null
}

is_supported() {
  case $1 in
    3.11 | 3.12 | 3.13) return 0 ;;
    *) return 1 ;;
  esac
}

# Without pip the environment is incomplete: Debian without python3-venv leaves it so.
if is_supported "$(version_of "$venv/bin/python")" && "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
  exit 0
fi

found=""
for python in "$@"; do
  version=$(version_of "$python") || continue
  if is_supported "$version"; then
    exec "$python" -m venv --clear "$venv"
  fi
  found=" ($python is $version)"
done
echo "Python 3.11, 3.12 or 3.13 is needed, and none was found$found. PYTHON=/path/to/python names one elsewhere." >&2
exit 1
