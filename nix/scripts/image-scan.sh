#!/usr/bin/env bash
# Has trivy look for known holes in images, one after the other, and tells Prometheus how many
# there are by severity. One that cannot be looked at keeps none of the others from it, and its
# last figures stay, with the day that they are of.
#
#   image-scan podman LIST RESULTS CACHE TEXTFILE      LIST: a file of lines "NAME IMAGE@DIGEST"
#   image-scan registry ADDRESS RESULTS CACHE TEXTFILE ADDRESS: as 127.0.0.1:5000; all its tags
set -euo pipefail

source=$1 what=$2 results=$3 cache=$4 textfile=$5
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# look FILE ARGUMENT…: what trivy says, if it says anything whole.
look() {
	local file=$1
	shift
	trivy image --quiet --format json --scanners vuln --cache-dir "$cache" --timeout 15m "$@" >"$work/said" &&
		[[ $(jq -r 'has("SchemaVersion")' "$work/said") == true ]] &&
		mv -f "$work/said" "$file"
}

scheme=https
[[ $what != 127.0.0.1:* ]] || scheme=http # nobody is in between
get() { curl --disable --fail --silent --show-error --noproxy '*' --max-time 30 "$scheme://$what/v2/$1"; }

case $source in
podman)
	cp "$what" "$work/list"
	;;
registry)
	: >"$work/list"
	get '_catalog?n=1000' | jq -r '.repositories[]' >"$work/repositories"
	while read -r repository; do
		get "$repository/tags/list" | jq -r --arg of "$what" '.name as $n | (.tags // [])[] | "\($n):\(.) \($of)/\($n):\(.)"' >>"$work/list"
	done <"$work/repositories"
	;;
esac

bad=0
: >"$work/outcomes"
while read -r name ref; do
	[[ $name =~ ^[A-Za-z0-9._/:-]+$ ]] || continue
	file=$results/${name//\//_}.json
	ok=1
	case $source in
	podman)
		# trivy reads an archive in Docker's format alone, whatever the image's own is.
		{ id=$(podman image inspect --format '{{.Id}}' "$ref") &&
			podman save --quiet --format docker-archive --output "$work/image.tar" "$id" &&
			look "$file" --input "$work/image.tar"; } || ok=0
		rm -f "$work/image.tar"
		;;
	registry) look "$file" --image-src remote "$ref" || ok=0 ;;
	esac
	((ok == 1)) || {
		echo "$name could not be looked at" >&2
		bad=$((bad + 1))
	}
	echo "$name $ok $file" >>"$work/outcomes"
done <"$work/list"

# What is no longer there has no figures.
for file in "$results"/*.json; do
	[[ ! -e $file ]] || grep -qF -- " $file" "$work/outcomes" || rm -f "$file"
done

{
	echo '# HELP watchstander_image_scan What the last look at an image came to: 1 for its outcome.'
	echo '# TYPE watchstander_image_scan gauge'
	while read -r name ok _; do
		echo "watchstander_image_scan{source=\"$source\",image=\"$name\",outcome=\"ok\"} $ok"
		echo "watchstander_image_scan{source=\"$source\",image=\"$name\",outcome=\"failed\"} $((1 - ok))"
	done <"$work/outcomes"
	echo '# HELP watchstander_image_scan_timestamp_seconds When a look at an image told something last; 0 for never.'
	echo '# TYPE watchstander_image_scan_timestamp_seconds gauge'
	while read -r name _ file; do
		at=0
		[[ ! -e $file ]] || at=$(stat -c %Y "$file")
		echo "watchstander_image_scan_timestamp_seconds{source=\"$source\",image=\"$name\"} $at"
	done <"$work/outcomes"
	echo '# HELP watchstander_image_vulnerabilities Known holes of an image by severity, as of that look.'
	echo '# TYPE watchstander_image_vulnerabilities gauge'
	while read -r name _ file; do
		[[ ! -e $file ]] || jq -r --arg name "$name" --arg source "$source" '
			[.Results[]? | .Vulnerabilities[]? | .Severity | ascii_downcase] as $all
			| ["critical", "high", "medium", "low", "unknown"][] as $s
			| "watchstander_image_vulnerabilities{source=\"\($source)\",image=\"\($name)\",severity=\"\($s)\"} \($all | map(select(. == $s)) | length)"' "$file"
	done <"$work/outcomes"
} >"$textfile.new"
chmod 0644 "$textfile.new"
mv -f "$textfile.new" "$textfile"

((bad == 0)) || exit 1
