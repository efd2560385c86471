#!/bin/bash
# usage: tests/browser/run.sh BUILD [SITE...]: builds the front end, writes the demo site and opens every page in chromium.
# Screenshots are left in BUILD/site-browser/shots. Exit code 77: something is not installed.
set -euo pipefail
build=$1
shift
skip() { printf 'skipped: %s\n' "$*"; exit 77; }
command -v npm >/dev/null || skip "no npm: apt-get install nodejs npm, then configure again"
[[ -n ${ASSAY_CHROMIUM:-} ]] || command -v chromium >/dev/null || skip "no chromium: apt-get install chromium"
cmake --build "$build" --target assay-site-bundle || { [[ -d $build/site-build/node_modules ]] || skip "npm could not install the packages of results/site (no network?)"; exit 1; }
out=$build/site-browser
rm -rf "$out"
mkdir -p "$out"
cd "$build/site-build"
node browser/demo.mjs "$build/site" "$out/demo"
exec node browser/run.mjs "$out/demo" "$out/shots" "$@"
