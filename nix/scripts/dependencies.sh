# Draws the dependencies of the units in $UNITS into the working directory, as SVG:
# needs.svg (what needs what) and order.svg (what waits for what). Each is put in its
# place whole, or the former one stays.
set -euo pipefail
set -f # the patterns are systemd's, not the shell's

draw() {
	# shellcheck disable=SC2086 # $UNITS is a list of words
	systemd-analyze dot "--$2" $UNITS >"$1.dot" 2>/dev/null
	# Systemd says nothing when no unit fits, and graphviz draws nothing.
	grep -q -- '->' "$1.dot" || {
		echo "no unit fits these: $UNITS" >&2
		return 1
	}
	dot -Grankdir=LR -Tsvg "$1.dot" >"$1.svg.new"
	mv "$1.svg.new" "$1.svg"
}

draw needs require
draw order order
