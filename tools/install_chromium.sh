#!/usr/bin/env bash
# The monitor page is tested in a real browser. Installs Debian's Chromium where no Chromium is there yet.
set -euo pipefail
if command -v chromium >/dev/null; then
  exit 0
fi
if ! command -v apt-get >/dev/null || [ "$(id -u)" != 0 ]; then
  echo "The tests need the command chromium. Install it (Debian: apt-get install chromium) and try again." >&2
  exit 1
fi
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null
