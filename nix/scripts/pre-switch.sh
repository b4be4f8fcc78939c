#!/usr/bin/env bash
# Looks at the host before it is switched to a system, and refuses what it could not go
# back from. NixOS runs it from the new system (system.preSwitchChecks); it changes nothing.
#
#   pre-switch SETTINGS SYSTEM VERB
#
# SETTINGS is a JSON file: host, loader, stateVersion, revision, requireRevision,
# profile, wayBack, pools, zpool, free (path: MiB), busyUnits, failedUnits, allowFailed,
# running (the system that runs), booted (a folder that is there where systemd runs), excuses.
#
# What may be excused is, by a line "NAME REASON" in the file `excuses`, which root wrote
# within the last hour: wayBack (as long as there is one), pools, free, busy, failed,
# revision. Host, loader and state version are never.
set -euo pipefail

settings=$1 system=$2 verb=$3
refused=0
# Each key becomes a variable of its name; jq quotes what it prints for the shell.
host='' loader='' stateVersion='' revision='' requireRevision='' profile='' wayBack='' zpool='' failedUnits='' running='' booted='' excuses=''
pools=() busyUnits=() allowFailed=() paths=() wanted=()
assignments=$(jq -r '
	(to_entries[] | select(.value | type | . == "array" or . == "object" | not) | "\(.key)=\(.value | tostring | @sh)"),
	(to_entries[] | select(.value | type == "array") | "\(.key)=(\(.value | @sh))"),
	"paths=(\(.free | keys_unsorted | @sh)) wanted=(\([.free[]] | @sh))"' "$settings")
eval "$assignments"

say() { printf '%s\n' "$*" >&2; }
refuse() {
	say "refused: $*"
	refused=1
}

# excused NAME: whether root has said why that may be.
excused() {
	[[ -e $excuses && -O $excuses && -n $(find "$excuses" -mmin -60) ]] || return 1
	local reason
	reason=$(sed -n "s/^$1 \(.*[^ ].*\)$/\1/p" "$excuses")
	[[ -n $reason ]] || return 1
	say "excused ($1): $reason"
}
# Of an installation or a rescue the file lies below the new root, and not in the medium's /run.
below=''
[[ -d $booted ]] || below=', below the root that is installed or repaired'
# unless NAME TEXT: refuses, if that is not excused.
unless() {
	local name=$1
	shift
	excused "$name" || refuse "$* (root may excuse it: echo '$name REASON' >> $excuses$below)"
}

# marks SYSTEM: what a system says about itself (docs/host-mark.md), in three lines; of one
# that says nothing they are empty.
marks() {
	local file=$1/etc/watchstander/host.json
	if [[ -e $file ]]; then jq -r '.host // "", .loader // "", .state_version // ""' "$file"; else printf '\n\n\n'; fi
}

# compare WHAT OF NEW OLD TOLD: the settings, the running system's mark, the new one's.
compare() {
	[[ -z $4 || $4 == "$3" ]] || refuse "the new system has $1: $3, and the running one has $4"
	[[ -z $5 || $5 == "$3" ]] || refuse "the new system contradicts itself: its mark has the $2 $5, its settings have $3"
}
old=$(marks "$running") told=$(marks "$system")
mapfile -t old <<<"$old"
mapfile -t told <<<"$told"
compare "another host's name" host "$host" "${old[0]-}" "${told[0]-}"
compare "another kind of boot loader" loader "$loader" "${old[1]-}" "${told[1]-}"
compare "another system.stateVersion" "state version" "$stateVersion" "${old[2]-}" "${told[2]-}"

# A dry run changes nothing, and people want its answer most when the host is not well.
[[ $verb != dry-activate ]] || exit "$refused"

if [[ $requireRevision == true && -z $revision ]]; then
	unless revision "it was built from files that are in no commit: nobody could build it again"
fi

# Other generations of the profile, and those of them that are whole. A host that is being
# installed has none; one whose others are all broken has no way back.
others=0 whole=0 target=$(readlink -f "$system")
for link in "$profile"-*-link; do
	[[ -L $link ]] || continue
	other=$(readlink -m "$link")
	[[ $other != "$target" ]] || continue
	others=$((others + 1))
	[[ ! -x $other/bin/switch-to-configuration ]] || whole=$((whole + 1))
done
if ((whole < wayBack && others > 0)) && [[ $verb != test && $verb != check ]]; then
	if ((whole == 0)); then
		refuse "none of the $others other generations is whole: there is no way back"
	else
		unless wayBack "only $whole other whole generations are kept, and $wayBack are wanted as a way back"
	fi
fi

# Room is looked for in an installation, too, and below a rescue medium (nixos-install,
# nixos-enter): a boot loader that does not fit is no way back either.
for i in "${!paths[@]}"; do
	left=$(df --output=avail -BM "${paths[i]}" 2>/dev/null | tail -n 1 | tr -dc 0-9) || left=
	if [[ -z $left ]]; then
		unless free "nobody knows how much room is left on ${paths[i]}"
	elif ((left < wanted[i])); then
		unless free "$left MiB are left on ${paths[i]}, and ${wanted[i]} are wanted"
	fi
done

# There nothing runs that a switch could meet, no system is booted whose zpool could be asked,
# and whoever puts the loader back at night must not be kept from it.
if [[ ! -d $booted ]]; then
	say "this host is not running (an installation, or a rescue): its pools and units are not looked at"
	exit "$refused"
fi

for pool in "${pools[@]}"; do
	health=$("$zpool" list -H -o health "$pool" 2>&1) || health="unknown ($health)"
	[[ $health == ONLINE ]] || unless pools "pool $pool is $health"
	# ONLINE has errors, too.
	errors=$("$zpool" status -x "$pool" 2>&1) || errors="cannot be asked: $errors"
	[[ $health != ONLINE || $errors == "pool '$pool' is healthy" ]] || unless pools "pool $pool has errors: ${errors%%$'\n'*}"
done

for unit in "${busyUnits[@]}"; do
	state=$(systemctl show --property=ActiveState --value "$unit") || state=unknown
	case $state in
	inactive | failed) ;;
	*) unless busy "$unit is $state: wait until it is done" ;;
	esac
done

list=$(systemctl list-units --state=failed --plain --no-legend --no-pager) || {
	unless failed "systemd does not tell which units have failed"
	list=
}
failed=()
while read -r unit _; do
	[[ -z $unit || " ${allowFailed[*]} " == *" $unit "* ]] || failed+=("$unit")
done <<<"$list"
if ((${#failed[@]} > 0)); then
	if [[ $failedUnits == refuse ]]; then
		unless failed "units have failed already, before the switch: ${failed[*]}"
	else
		say "failed already, before the switch: ${failed[*]}"
	fi
fi

exit "$refused"
