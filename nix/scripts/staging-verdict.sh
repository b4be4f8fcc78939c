#!/usr/bin/env bash
# Runs in a staging VM that is to be judged: waits until it has come up, writes what it came
# to into the folder that it shares with who started it, and switches the VM off.
#
#   staging-verdict FOLDER
set -euo pipefail

folder=$1
# "degraded" is an end, too: which units failed is for the reader to judge.
state=$(systemctl is-system-running --wait) || true
failed=$(systemctl list-units --state=failed --plain --no-legend --no-pager | cut -d ' ' -f 1 | jq --raw-input . | jq --slurp --compact-output .)
jq --null-input --arg state "$state" --arg system "$(readlink -f /run/current-system)" --argjson failed "$failed" \
	'{state: $state, system: $system, failed: $failed}' >"$folder/verdict.new"
mv "$folder/verdict.new" "$folder/verdict.json"
sync
systemctl poweroff --no-block
