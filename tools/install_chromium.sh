#!/usr/bin/env bash
# The tests of the monitor page need a real browser. Installs Debian's Chromium if there is no command chromium.
set -euo pipefail
if command -v chromium >/dev/null; then
  exit 0
fi
if ! command -v apt-get >/dev/null || [ "$(id -u)" != 0 ]; then
  echo "The tests need the command chromium. Install it (Debian: apt-get install chromium), then try again." >&2
  exit 1
fi
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null
