#!/bin/sh
# Makes the file of the end-to-end print anew: model.py is the model, slicer.ini the settings.
# Needs Debian's prusa-slicer; the tests use the committed post.gcode and do not.
#
#     tests/e2e/slice.sh [OUTPUT]
set -eu

here=$(dirname "$(readlink -f "$0")")
output=${1:-$here/post.gcode}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

python3 "$here/model.py" > "$work/post.stl"
prusa-slicer --datadir "$work" --load "$here/slicer.ini" --center 60,60 \
    --export-gcode --output "$work/post.gcode" "$work/post.stl"

# The line that carries the date would differ each time.
sed '1s/ on .*$//' "$work/post.gcode" > "$output"
grep -vc '^ *\(;\|$\)' "$output" | sed 's/$/ lines of commands/'
