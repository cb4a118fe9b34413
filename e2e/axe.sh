#!/bin/sh
# Fetches axe-core, with which the browser tests look for faults of accessibility,
# into e2e/.tools/, where git does not see it. e2e/setup.sh calls it.
#
# Exit status: 0 if it is there, 1 if it cannot be had.
set -u

version=4.14.1
sum=1477dafa598d8d065f273d6af302aa203c02e83131707b7fa648cd41bd3d6b734f8c22a0dab86ee6a6f64b8afbe804b214d36db85a2826965edfb3a0b9d546b5
tools=$(cd "$(dirname "$0")" && pwd)/.tools
wanted=$tools/axe-core-$version.js

[ -s "$wanted" ] && exit 0

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
tarball=$work/axe-core-$version.tgz
if command -v npm >/dev/null 2>&1; then
	(cd "$work" && npm pack --silent "axe-core@$version" >"$work/log" 2>&1)
fi
if [ ! -s "$tarball" ] && command -v curl >/dev/null 2>&1; then
	curl -fsS --max-time 60 -o "$tarball" "https://registry.npmjs.org/axe-core/-/axe-core-$version.tgz" >>"$work/log" 2>&1
fi
if [ ! -s "$tarball" ]; then
	echo "e2e/axe.sh: axe-core $version cannot be fetched from the npm registry:" >&2
	cat "$work/log" >&2 2>/dev/null
	exit 1
fi
if ! echo "$sum  $tarball" | sha512sum -c - >/dev/null 2>&1; then
	echo "e2e/axe.sh: axe-core $version is not what it was: its SHA-512 should be $sum" >&2
	exit 1
fi
mkdir -p "$tools" &&
	tar -xzf "$tarball" -C "$work" package/axe.min.js &&
	mv "$work/package/axe.min.js" "$wanted.$$" && mv "$wanted.$$" "$wanted"
