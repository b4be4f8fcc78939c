#!/usr/bin/env bash
# Looks at each control on the running host, and writes down what was found: for people, and
# for Prometheus. What cannot be looked at is unknown, which is not well.
#
#   compliance CONTROLS ROOT REPORT TEXTFILES
set -euo pipefail

controls=$1 root=$2 report=$3 textfiles=$4
state='' evidence=''
is() { state=$1 evidence=$2; }

# A file's one line, if it can be read.
line() { [[ -r $root$1 ]] && head -n 1 "$root$1"; }

look_config() { # decided when the system was built
	if [[ $1 == true ]]; then is ok "$2"; else is 'not ok' "$2"; fi
}
look_sysctl() {
	local found
	if ! found=$(line "/proc/sys/${1//.//}"); then
		is unknown "$1 is not there"
	elif [[ $found == "$2" ]]; then
		is ok "$1 = $found"
	else
		is 'not ok' "$1 = $found, not $2"
	fi
}
look_unit() {
	local found
	found=$(systemctl show --property=ActiveState --value "$1" 2>/dev/null) || { is unknown 'systemd does not answer'; return; }
	if [[ $found == active ]]; then is ok "$1 is active"; else is 'not ok' "$1 is ${found:-not there}"; fi
}
look_sshd() {
	local said found
	said=$(sshd -T -f "$root/etc/ssh/sshd_config" 2>/dev/null) || { is unknown 'sshd -T does not answer'; return; }
	found=$(awk -v key="$1" '$1 == key { print $2; exit }' <<<"$said")
	if [[ $found == "$2" ]]; then is ok "$1 $found"; else is 'not ok' "$1 is ${found:-not set}, not $2"; fi
}
look_port() { # nobody but this host may reach it
	local said elsewhere
	said=$(ss --no-header --listening --tcp --numeric 2>/dev/null) || { is unknown 'ss does not answer'; return; }
	elsewhere=$(awk -v port=":$1" 'substr($4, length($4) - length(port) + 1) == port && $4 !~ /^(127\.|\[::1\])/ { print $4 }' <<<"$said" | sort -u | paste -sd ' ')
	if [[ -z $elsewhere ]]; then is ok "port $1 listens on this host alone, or not at all"; else is 'not ok' "it listens on $elsewhere"; fi
}
look_mode() { # a file's owner is root, and nobody has more rights than these
	local found
	if [[ ! -e $root$1 ]]; then
		is ok "$1 does not exist"
	elif ! found=$(stat --dereference --format '%u %a' "$root$1" 2>/dev/null); then
		is unknown "$1 cannot be looked at"
	elif [[ ${found% *} != 0 ]]; then
		is 'not ok' "$1 belongs to the user ${found% *}"
	elif (((8#${found#* } & ~8#$2) != 0)); then
		is 'not ok' "$1 has the mode ${found#* }, more than $2"
	else
		is ok "$1 has the mode ${found#* }"
	fi
}
look_audit() {
	local said
	said=$(auditctl -l 2>/dev/null) || { is unknown 'auditctl does not answer'; return; }
	if grep -Eq -- "(-k |key=)$1( |\$)" <<<"$said"; then is ok "a rule has the key $1"; else is 'not ok' "no rule that is loaded has the key $1"; fi
}
look_lost() {
	local said lost
	said=$(auditctl -s 2>/dev/null) || { is unknown 'auditctl does not answer'; return; }
	lost=$(awk '$1 == "lost" { print $2 }' <<<"$said")
	[[ -n $lost ]] || { is unknown 'auditctl tells of no lost events'; return; }
	if ((lost == 0)); then is ok 'no event was lost since the boot'; else is 'not ok' "$lost events were lost since the boot"; fi
}
look_apparmor() {
	local found
	[[ -r $root/sys/kernel/security/apparmor/profiles ]] || { is unknown 'the kernel tells of no profiles'; return; }
	found=$(sed -n "s/^$1 (\\(.*\\))\$/\\1/p" "$root/sys/kernel/security/apparmor/profiles" | head -n 1)
	if [[ $found == "$2" || ($2 == complain && $found == enforce) ]]; then is ok "$1: $found"; else is 'not ok' "$1 is ${found:-not loaded}, not $2"; fi
}
look_roots() {
	local found
	[[ -r $root/etc/passwd ]] || { is unknown '/etc/passwd cannot be read'; return; }
	found=$(awk -F: '$3 == 0 { print $1 }' "$root/etc/passwd" | paste -sd ' ')
	if [[ $found == root ]]; then is ok 'root alone has the id 0'; else is 'not ok' "the id 0 is that of: $found"; fi
}
look_empty() { # names alone: no hash is read out
	local found
	[[ -r $root/etc/shadow ]] || { is unknown '/etc/shadow cannot be read'; return; }
	found=$(awk -F: '$2 == "" { print $1 }' "$root/etc/shadow" | paste -sd ' ')
	if [[ -z $found ]]; then is ok 'nobody logs in without a password'; else is 'not ok' "no password is needed for: $found"; fi
}
look_generations() {
	local count
	count=$(find "$root/nix/var/nix/profiles" -maxdepth 1 -name 'system-*-link' 2>/dev/null | wc -l)
	if ((count >= $1)); then is ok "$count generations"; else is 'not ok' "$count generations, not $1 or more"; fi
}

new=$(mktemp "$textfiles/.compliance.XXXXXX")
people=$(mktemp "$report.XXXXXX")
trap 'rm -f "$new" "$people"' EXIT
{
	echo '# HELP watchstander_compliance_control What a control was found to be: 1 for its state.'
	echo '# TYPE watchstander_compliance_control gauge'
} >"$new"
printf 'Controls of %s, looked at on %s\n\n' "$(line /etc/hostname || echo 'this host')" "$(date -u '+%Y-%m-%d %H:%M UTC')" >"$people"

declare -A count=([ok]=0 ['not ok']=0 [unknown]=0)
while IFS= read -r control; do
	mapfile -t words < <(jq -r '.id, .title, .kind, (.args[] | tostring)' <<<"$control")
	id=${words[0]} title=${words[1]} kind=${words[2]}
	is unknown 'it was not looked at'
	if [[ $(type -t "look_$kind") == function ]]; then
		"look_$kind" "${words[@]:3}" || is unknown 'looking at it failed'
	fi
	count[$state]=$((count[$state] + 1))
	for each in ok 'not ok' unknown; do
		found=0
		[[ $each != "$state" ]] || found=1
		echo "watchstander_compliance_control{control=\"$id\",state=\"$each\"} $found"
	done >>"$new"
	printf '%-8s %-24s %s\n%34s%s\n' "$state" "$id" "$title" '' "$evidence" >>"$people"
done < <(jq -c '.[]' "$controls")

((count[ok] + count['not ok'] + count[unknown] > 0)) || { echo 'there is no control to look at' >&2; exit 1; }
printf '\n%d ok, %d not ok, %d unknown\n' "${count[ok]}" "${count['not ok']}" "${count[unknown]}" >>"$people"
{
	echo '# HELP watchstander_compliance_timestamp_seconds When the controls were looked at last.'
	echo '# TYPE watchstander_compliance_timestamp_seconds gauge'
	echo "watchstander_compliance_timestamp_seconds $(date +%s)"
} >>"$new"
chmod 0644 "$new"
chmod 0640 "$people"
mv -f "$people" "$report"
mv -f "$new" "$textfiles/compliance.prom"
