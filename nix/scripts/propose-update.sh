#!/usr/bin/env bash
# Takes newer inputs into a copy of the configuration, builds it, tries it in a VM, and leaves
# it as a proposal. It switches nothing, and changes nothing of the configuration itself.
#
#   propose-update SETTINGS
#
# SETTINGS is a JSON file: flake (a folder), attribute, inputs, state, running, vm, vmLimit,
# ignoreFailed, vulnix. In `state` are left: status.json, what this run came to; and of what is
# proposed, which stands until there is something newer: proposal.json, proposed (a link that
# keeps the system from collection), diff.txt; and locks/SYSTEM.lock, the lock file of each system
# that was proposed lately, so that people find the one of what they deployed.
set -euo pipefail

settings=$1
of() { jq -r "$1" "$settings"; }
flake=$(of .flake) attribute=$(of .attribute) state=$(of .state) running=$(of .running)

stage=copy outcome=failed reason=''
finish() {
	jq --null-input --arg outcome "$outcome" --arg stage "$stage" --arg reason "$reason" --argjson at "$(date +%s)" \
		'{outcome: $outcome, stage: $stage, reason: $reason, at: $at}' >"$state/status.new"
	mv -f "$state/status.new" "$state/status.json"
	rm -rf "$state/copy" "$state/vm-run" "$state/vm" "$state/candidate" "$state/diff.new"
}
trap finish EXIT

fail() {
	reason=$1
	echo "$1" >&2
	exit 1
}
nix() { command nix --extra-experimental-features 'nix-command flakes' "$@"; }
# mark SYSTEM KEY: what a system says about itself (docs/host-mark.md).
mark() { jq -r --arg key "$2" '.[$key] // empty' "$1/etc/watchstander/host.json"; }

rm -rf "$state/copy" "$state/vm-run"
cp -r --no-preserve=mode,ownership "$flake" "$state/copy"
# Which commit is it, and is there anything beside that? Modes were not kept.
commit=null clean=null
ours() { GIT_CEILING_DIRECTORIES=$state git -C "$state/copy" -c core.fileMode=false "$@"; }
if head=$(ours rev-parse --verify --quiet HEAD) && [[ $head =~ ^[0-9a-f]{40,64}$ ]] && beside=$(ours status --porcelain); then
	commit=\"$head\" clean=false
	[[ -n $beside ]] || clean=true
fi
rm -rf "$state/copy/.git" # its history has no business in the store

stage=update
mapfile -t inputs < <(of '.inputs[]')
nix flake update --flake "path:$state/copy" "${inputs[@]}"

stage=build
nix build --no-update-lock-file --out-link "$state/candidate" "path:$state/copy#$attribute.config.system.build.toplevel"
candidate=$(readlink -f "$state/candidate")
[[ -x $candidate/bin/switch-to-configuration ]] || fail "what was built is no whole system: $candidate"
if [[ $candidate == "$(readlink -f "$running")" ]]; then
	rm -f "$state/proposal.json" "$state/proposed" "$state/diff.txt"
	outcome=none
	exit 0
fi

stage=marks
for key in host loader state_version; do
	[[ $(mark "$candidate" "$key") == "$(mark "$running" "$key")" && -n $(mark "$candidate" "$key") ]] ||
		fail "the newer system has another $key: $(mark "$candidate" "$key")"
done

stage=differences
nix store diff-closures "$running" "$candidate" >"$state/diff.new"
packages=$(grep -c . "$state/diff.new") || packages=0

if [[ $(of .vm) == true ]]; then
	stage=vm
	nix build --no-update-lock-file --out-link "$state/vm" "path:$state/copy#$attribute.config.system.build.vm"
	mkdir -p "$state/vm-run/shared"
	touch "$state/vm-run/shared/judge"
	programs=("$state"/vm/bin/run-*-vm)
	(
		cd "$state/vm-run"
		SHARED_DIR=$state/vm-run/shared TMPDIR=$state/vm-run USE_TMPDIR=1 NIX_DISK_IMAGE=$state/vm-run/disk.qcow2 \
			timeout --kill-after=30 "$(of .vmLimit)" "${programs[0]}" </dev/null >"$state/vm.log" 2>&1
	) || fail "the VM did not end by itself; the end of its log: $(tail -c 300 "$state/vm.log" | tr -c '[:print:]' ' ')"
	verdict=$state/vm-run/shared/verdict.json
	[[ -e $verdict ]] || fail "the VM ended without a verdict"
	bad=$(jq -r --slurpfile settings "$settings" '(.failed - $settings[0].ignoreFailed) | join(" ")' "$verdict")
	case $(jq -r .state "$verdict") in
	running | degraded) ;;
	*) fail "the VM did not come up: $(jq -r .state "$verdict")" ;;
	esac
	[[ -z $bad ]] || fail "in the VM these units failed: $bad"
fi

holes_before=null holes_after=null
if [[ $(of .vulnix) == true ]]; then
	stage=vulnerabilities
	# holes SYSTEM: how many known ones, or null where vulnix cannot tell.
	holes() {
		local code=0 found count
		found=$(vulnix --json "$1") || code=$?
		# Some of its failures end with 2, too, and say nothing.
		if ((code <= 2)) && count=$(jq 'if type == "array" then [.[].affected_by | length] | add // 0 else error end' <<<"$found") && [[ -n $count ]]; then
			echo "$count"
		else
			echo null
		fi
	}
	holes_before=$(holes "$running")
	holes_after=$(holes "$candidate")
fi

stage=proposed
nix build --out-link "$state/proposed" "$candidate"
mkdir -p "$state/locks"
cp "$state/copy/flake.lock" "$state/locks/${candidate##*/}.lock"
find "$state/locks" -type f -name '*.lock' -printf '%T@ %p\0' | sort -z -r -n | tail -z -n +21 | cut -z -d ' ' -f 2- | xargs -0 -r rm -f --
mv -f "$state/diff.new" "$state/diff.txt"
jq --null-input --arg path "$candidate" --argjson packages "$packages" --argjson before "$holes_before" --argjson after "$holes_after" --argjson vm "$(of .vm)" --argjson commit "$commit" --argjson clean "$clean" \
	'{path: $path, packages: $packages, before: $before, after: $after, vm: $vm, commit: $commit, clean: $clean}' >"$state/proposal.new"
mv -f "$state/proposal.new" "$state/proposal.json"
outcome=proposed
