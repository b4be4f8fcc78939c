#!/usr/bin/env bash
# Has vulnix compare the running system with the list of known holes, and keeps what it says
# for the agent (docs/configuration.md, nixos.vulnix). What it cannot tell takes the place of
# nothing: the last result stays, and grows old.
#
#   vulnix-scan RESULT TEXTFILES [ARGUMENT of vulnix…]
set -euo pipefail

result=$1 textfiles=$2
shift 2

# 0: nothing, 1: what is on the whitelist, 2: something, or a failure that says nothing. Else
# it failed.
code=0
vulnix --system --json "$@" >"$result.new" || code=$?
outcome=failed
# Of an empty file jq says nothing, and ends well.
if ((code <= 2)) && [[ $(jq -r type "$result.new" 2>/dev/null) == array ]]; then
	outcome=ok
	chmod 0644 "$result.new"
	mv -f "$result.new" "$result"
else
	rm -f "$result.new"
fi

{
	echo '# HELP watchstander_vulnerability_scan What the last scan came to: 1 for its outcome.'
	echo '# TYPE watchstander_vulnerability_scan gauge'
	for each in ok failed; do
		is=0
		[[ $each != "$outcome" ]] || is=1
		echo "watchstander_vulnerability_scan{outcome=\"$each\"} $is"
	done
	at=0
	[[ ! -e $result ]] || at=$(stat -c %Y "$result")
	echo '# HELP watchstander_vulnerability_scan_timestamp_seconds When a scan told something last; 0 for never.'
	echo '# TYPE watchstander_vulnerability_scan_timestamp_seconds gauge'
	echo "watchstander_vulnerability_scan_timestamp_seconds $at"
	if [[ -e $result ]]; then
		echo '# HELP watchstander_vulnerabilities Known holes of the running system by severity (CVSS 3), as of that scan.'
		echo '# TYPE watchstander_vulnerabilities gauge'
		jq -r '
			[.[] | .cvssv3_basescore as $scores | .affected_by[] | ($scores // {})[.] // 0]
			| {critical: (map(select(. >= 9)) | length), high: (map(select(. >= 7 and . < 9)) | length),
			   medium: (map(select(. >= 4 and . < 7)) | length), low: (map(select(. > 0 and . < 4)) | length),
			   unscored: (map(select(. <= 0)) | length)}
			| to_entries[] | "watchstander_vulnerabilities{severity=\"\(.key)\"} \(.value)"' "$result"
		echo '# HELP watchstander_vulnerable_packages Packages of the running system that have any.'
		echo '# TYPE watchstander_vulnerable_packages gauge'
		jq -r '"watchstander_vulnerable_packages \([.[] | select(.affected_by | length > 0)] | length)"' "$result"
	fi
} >"$textfiles/.vulnerabilities.new"
chmod 0644 "$textfiles/.vulnerabilities.new"
mv -f "$textfiles/.vulnerabilities.new" "$textfiles/vulnerabilities.prom"

[[ $outcome == ok ]] || {
	echo "vulnix could not tell (exit code $code)" >&2
	exit 1
}
