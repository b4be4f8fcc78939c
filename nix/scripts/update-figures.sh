#!/usr/bin/env bash
# Tells Prometheus what the last look for updates came to, and whether its proposal still
# stands: it is over as soon as it runs.
#
#   update-figures STATE RUNNING TEXTFILES
set -euo pipefail

state=$1 running=$2 textfiles=$3
[[ -f $state/status.json && ! -L $state/status.json ]] || exit 0 # it has not run yet

of() { jq -r "$1" "$state/status.json"; }
outcome=$(of .outcome) at=$(of '.at | floor')

# proposal FILTER: of what is proposed.
proposal() { jq -r "$1" "$state/proposal.json"; }
path=
[[ ! -f $state/proposal.json || -L $state/proposal.json ]] || path=$(proposal .path)
[[ $path =~ ^/nix/store/[0-9a-z]{32}-[A-Za-z0-9._+?=-]+$ ]] || path=
[[ $path != "$(readlink -f "$running")" ]] || path=

# The last that did not fail is kept in a file of ours, since a failed one writes over it.
good=0
[[ ! -e $textfiles/updates.prom ]] || good=$(sed -n 's/^watchstander_update_success_timestamp_seconds \([0-9]*\)$/\1/p' "$textfiles/updates.prom")
[[ $outcome == failed ]] || good=$at

{
	echo '# HELP watchstander_update_outcome What the last look for updates came to: 1 for its outcome.'
	echo '# TYPE watchstander_update_outcome gauge'
	for each in none proposed failed; do
		is=0
		[[ $each != "$outcome" ]] || is=1
		echo "watchstander_update_outcome{outcome=\"$each\"} $is"
	done
	if [[ $outcome == failed ]]; then
		echo '# HELP watchstander_update_failed_info Where the last look for updates failed.'
		echo '# TYPE watchstander_update_failed_info gauge'
		echo "watchstander_update_failed_info{stage=\"$(of .stage | tr -dc '[:lower:]')\"} 1"
	fi
	echo '# HELP watchstander_update_proposed Whether a system that was built and tried waits for people.'
	echo '# TYPE watchstander_update_proposed gauge'
	if [[ -z $path ]]; then
		echo 'watchstander_update_proposed 0'
	else
		echo 'watchstander_update_proposed 1'
		echo '# HELP watchstander_update_info The proposed system, and how many lines its differences have.'
		echo '# TYPE watchstander_update_info gauge'
		tried=nothing
		[[ $(proposal .vm) != true ]] || tried='a VM'
		echo "watchstander_update_info{path=\"$path\",tried=\"$tried\"} $(proposal '.packages | floor')"
		if [[ $(proposal .before) != null && $(proposal .after) != null ]]; then
			echo '# HELP watchstander_update_vulnerabilities Known holes of the system that ran when the proposal was made, and of the proposed one.'
			echo '# TYPE watchstander_update_vulnerabilities gauge'
			echo "watchstander_update_vulnerabilities{system=\"running\"} $(proposal '.before | floor')"
			echo "watchstander_update_vulnerabilities{system=\"proposed\"} $(proposal '.after | floor')"
		fi
	fi
	echo '# HELP watchstander_update_timestamp_seconds When updates were looked for last.'
	echo '# TYPE watchstander_update_timestamp_seconds gauge'
	echo "watchstander_update_timestamp_seconds $at"
	echo '# HELP watchstander_update_success_timestamp_seconds When that did not fail last; 0 for never.'
	echo '# TYPE watchstander_update_success_timestamp_seconds gauge'
	echo "watchstander_update_success_timestamp_seconds ${good:-0}"
} >"$textfiles/.updates.new"
chmod 0644 "$textfiles/.updates.new"
mv -f "$textfiles/.updates.new" "$textfiles/updates.prom"
