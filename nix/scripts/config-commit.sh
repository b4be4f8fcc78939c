#!/usr/bin/env bash
# Tells of which commit the configuration is, and how many of its files are in none. It reads
# the repository as somebody without rights, and changes nothing.
#
#   config-commit FLAKE FILE
#
# FILE becomes {"commit": …, "changed": …, "at": seconds since 1970}; null is what git does not tell.
set -euo pipefail

flake=$1 file=$2
# The repository is another user's, and so are its settings: what they have git execute (filters)
# has no rights here.
ask() { GIT_OPTIONAL_LOCKS=0 git -C "$flake" -c 'safe.directory=*' -c core.fsmonitor=false "$@"; }

commit=null changed=null
if head=$(ask rev-parse --verify --quiet HEAD) && [[ $head =~ ^[0-9a-f]{40,64}$ ]]; then
	commit=\"$head\"
	# Of the flake's own folder alone, where it is not the whole repository.
	if beside=$(ask status --porcelain=v1 --untracked-files=all -- .); then
		changed=$(grep -c . <<<"$beside") || true
	fi
fi
jq --null-input --argjson commit "$commit" --argjson changed "$changed" --argjson at "$(date +%s)" \
	'{commit: $commit, changed: $changed, at: $at}' >"$file.new"
mv -f "$file.new" "$file"
