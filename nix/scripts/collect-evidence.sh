#!/usr/bin/env bash
# Puts away what an incident's beginning looked like, before a restart or a reboot takes it:
# what ran, what listened, who was there, what the journal said of the last hour. It changes
# nothing else, sends nothing, and stays root's alone.
#
#   collect-evidence DIRECTORY KEEP REASON
#
# KEEP collections stay; the oldest go. What cannot be asked is noted, and keeps nothing back.
set -euo pipefail

directory=$1 keep=$2 reason=$3
umask 077
name=$(date -u +%Y%m%dT%H%M%SZ)
to=$directory/$name
mkdir "$to"

# take FILE PROGRAM…: what a program says, for at most a minute.
take() {
	local file=$1 code=0
	shift
	if ! command -v "$1" >/dev/null; then
		echo "$file: there is no $1" >>"$to/missing"
		return
	fi
	timeout --kill-after=5 60 "$@" >"$to/$file" 2>&1 </dev/null || code=$?
	((code == 0)) || echo "$file: $* ended with $code" >>"$to/missing"
}

printf 'reason: %s\nhost: %s\nutc: %s\n' "$reason" "$(uname -n)" "$(date -u +%FT%TZ)" >"$to/about"
take failed-units systemctl list-units --state=failed --no-pager --plain
take units systemctl list-units --no-pager --plain
take jobs systemctl list-jobs --no-pager
take journal journalctl --no-pager --output=short-iso-precise --since=-1h --lines=50000
take kernel journalctl --no-pager --dmesg --since=-1d --lines=5000
take logins journalctl --no-pager --output=short-iso --since=-1d --lines=5000 SYSLOG_IDENTIFIER=sshd + SYSLOG_IDENTIFIER=sshd-session + SYSLOG_IDENTIFIER=sudo
take sessions loginctl list-sessions --no-pager
take processes ps -eo pid,ppid,user,lstart,stat,pcpu,pmem,rss,args --sort=-pcpu
take sockets ss -tunap
take memory cat /proc/meminfo /proc/pressure/cpu /proc/pressure/memory /proc/pressure/io
take disks df -hT
take containers podman ps --all --no-trunc
take machines machinectl list --no-pager
take pools zpool status -v
take generations ls -l --time-style=full-iso /nix/var/nix/profiles /run/current-system /run/booted-system

# Sums, so that it can be said later that nothing was changed.
(cd "$to" && sha256sum -- * >"$directory/$name.sha256")
tar -C "$directory" -czf "$directory/$name.tar.gz.new" "$name"
mv "$directory/$name.tar.gz.new" "$directory/$name.tar.gz"
rm -rf "$to"

mapfile -t old < <(find "$directory" -maxdepth 1 -name '*.tar.gz' -printf '%f\n' | sort | head -n "-$keep")
for each in "${old[@]}"; do
	rm -f "$directory/$each" "$directory/${each%.tar.gz}.sha256"
done
echo "evidence is in $directory/$name.tar.gz ($(stat -c %s "$directory/$name.tar.gz") bytes), its sums in $name.sha256: $(sha256sum <"$directory/$name.sha256" | cut -d ' ' -f 1)"
