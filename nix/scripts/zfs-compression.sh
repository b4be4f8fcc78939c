#!/usr/bin/env bash
# Compares how datasets are compressed with how they ought to be, and tells Prometheus. It
# changes nothing: a changed property holds for what is written from then on, and only people
# know whether the old data are worth writing anew.
#
#   zfs-compression POLICY DEFAULT TEXTFILES POOL…
#
# POLICY has a line for each dataset that is to be otherwise than DEFAULT, with everything
# below it: what is wanted, a tab, and the dataset.
set -euo pipefail

policy=$1 default=$2 textfiles=$3
shift 3

declare -A wanted=()
while IFS=$'\t' read -r want dataset; do
	wanted[$dataset]=$want
done <"$policy"

# for DATASET: what its nearest ancestor with a line says, or the default.
for_dataset() {
	local d=$1
	until [[ -n ${wanted[$d]:-} ]]; do
		[[ $d == */* ]] || {
			echo "$default"
			return
		}
		d=${d%/*}
	done
	echo "${wanted[$d]}"
}

# fits WANTED HAVE: a level is no other algorithm; "on" is lz4 in every pool of today.
fits() {
	case $1:$2 in
	"$2:$1" | lz4:on) return 0 ;;
	zstd:zstd-fast*) return 1 ;;
	zstd:zstd-* | gzip:gzip-*) return 0 ;;
	*) return 1 ;;
	esac
}

# Nothing is written before all is known: a pool that is gone must not look like one that is
# as it should be. Its last figures grow old, and an alert says so.
list=$(zfs get -Hp -r -t filesystem,volume -o name,value compression "$@")
[[ -n $list ]] || {
	echo "zfs names no dataset of $*" >&2
	exit 1
}

{
	echo '# HELP watchstander_zfs_compression Whether a dataset is compressed as the policy wants: 1, or 0.'
	echo '# TYPE watchstander_zfs_compression gauge'
	while IFS=$'\t' read -r dataset have; do
		want=$(for_dataset "$dataset")
		is=0
		! fits "$want" "$have" || is=1
		echo "watchstander_zfs_compression{dataset=\"$dataset\",wanted=\"$want\",have=\"$have\"} $is"
	done <<<"$list"
	echo '# HELP watchstander_zfs_compression_timestamp_seconds When all datasets were looked at last.'
	echo '# TYPE watchstander_zfs_compression_timestamp_seconds gauge'
	echo "watchstander_zfs_compression_timestamp_seconds $(date +%s)"
} >"$textfiles/.zfs-compression.new"
chmod 0644 "$textfiles/.zfs-compression.new"
mv -f "$textfiles/.zfs-compression.new" "$textfiles/zfs-compression.prom"
