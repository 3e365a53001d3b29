#!/usr/bin/env bash
# The tests of the ledger in Azure Table Storage need its emulator. Installs Azurite for this project alone; needs npm.
set -euo pipefail
version=3.35.0
folder="$(cd "$(dirname "$0")/.." && pwd)/.local/azurite"
package="$folder/node_modules/azurite/package.json"
if [ -f "$package" ] && grep -q "\"version\": \"$version\"" "$package"; then
  exit 0
fi
if ! command -v npm >/dev/null; then
  echo "The emulator of Azure Storage needs Node and npm. Install them, then try again." >&2
  exit 1
fi
rm -rf "$folder"
mkdir -p "$folder"
npm install --prefix "$folder" --no-save --no-audit --no-fund --ignore-scripts --loglevel error "azurite@$version"
