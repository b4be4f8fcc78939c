#!/usr/bin/env bash
# Asks one service whether it is well, counts, restarts it within a budget, and tells
# Prometheus. All that it keeps is the number of failures in a row and the moments of its
# restarts, which hold across episodes and reboots: a repair that resolves what it is
# started by must not be able to run for ever.
#
#   health-check NAME UNIT FAILURES BUDGET SPAN LIMIT EVERY STATE TEXTFILES -- PROGRAM [ARGUMENT…]
#
# FAILURES in a row are one too many; BUDGET restarts within SPAN seconds, 0 for none at
# all; LIMIT seconds for the program; EVERY seconds it is asked. It ends with 0 whenever
# it could tell: that the service is not well is told by the metrics, not by a failed unit.
set -euo pipefail

name=$1 unit=$2 failures=$3 budget=$4 span=$5 limit=$6 every=$7 state=$8 textfiles=$9
shift 10

now=$(date +%s)
in_a_row=0
[[ ! -e $state/failures ]] || in_a_row=$(<"$state/failures")
[[ $in_a_row =~ ^[0-9]+$ ]] || in_a_row=0

# The restarts within the span; a moment in the future is one of a clock that was wrong.
recent=()
if [[ -e $state/restarts ]]; then
	while read -r at; do
		[[ ! $at =~ ^[0-9]+$ ]] || ((at <= now - span || at > now)) || recent+=("$at")
	done <"$state/restarts"
fi

# keep FILE writes its input in FILE's place as a whole.
keep() {
	cat >"$1.new"
	mv -f "$1.new" "$1"
}

outcome=ok
case $(systemctl show --property=ActiveState --value "$unit") in
active)
	if timeout --kill-after=5 "$limit" "$@"; then
		in_a_row=0
	else
		outcome=failed
		in_a_row=$((in_a_row + 1))
	fi
	;;
activating | reloading | refreshing | deactivating)
	outcome=changing # the next look tells; what was counted stands
	;;
*)
	outcome=inactive # stopped on purpose, or failed: systemd's to restart, and told otherwise
	in_a_row=0
	;;
esac

if [[ $outcome == failed ]] && ((in_a_row >= failures && budget > 0)); then
	if ((${#recent[@]} < budget)); then
		# Counted before it is done, so that what dies halfway counts.
		recent+=("$now")
		printf '%s\n' "${recent[@]}" | keep "$state/restarts"
		echo "$name failed $in_a_row checks in a row: restarting $unit (${#recent[@]} of $budget within $span s)"
		if systemctl try-restart --no-block "$unit"; then
			in_a_row=0
		else
			echo "systemd did not take the restart of $unit" >&2
		fi
	else
		echo "$name failed $in_a_row checks in a row, and has used its budget of $budget restarts within $span s: it is left to people" >&2
	fi
fi
echo "$in_a_row" | keep "$state/failures"
last=0
((${#recent[@]} == 0)) || last=${recent[-1]}

{
	echo '# HELP watchstander_health_check What the last check of a service came to: 1 for its outcome.'
	echo '# TYPE watchstander_health_check gauge'
	for each in ok failed inactive changing; do
		is=0
		[[ $each != "$outcome" ]] || is=1
		echo "watchstander_health_check{service=\"$name\",outcome=\"$each\"} $is"
	done
	echo '# HELP watchstander_health_check_failures How many checks failed in a row.'
	echo '# TYPE watchstander_health_check_failures gauge'
	echo "watchstander_health_check_failures{service=\"$name\"} $in_a_row"
	echo '# HELP watchstander_health_check_failures_limit How many are one too many.'
	echo '# TYPE watchstander_health_check_failures_limit gauge'
	echo "watchstander_health_check_failures_limit{service=\"$name\"} $failures"
	echo '# HELP watchstander_health_check_restarts Restarts by the check within the span of its budget.'
	echo '# TYPE watchstander_health_check_restarts gauge'
	echo "watchstander_health_check_restarts{service=\"$name\"} ${#recent[@]}"
	echo '# HELP watchstander_health_check_restarts_budget How many there may be; 0 where it only measures.'
	echo '# TYPE watchstander_health_check_restarts_budget gauge'
	echo "watchstander_health_check_restarts_budget{service=\"$name\"} $budget"
	echo '# HELP watchstander_health_check_restart_timestamp_seconds When it was restarted last; 0 for not within the span.'
	echo '# TYPE watchstander_health_check_restart_timestamp_seconds gauge'
	echo "watchstander_health_check_restart_timestamp_seconds{service=\"$name\"} $last"
	echo '# HELP watchstander_health_check_interval_seconds How often it is checked.'
	echo '# TYPE watchstander_health_check_interval_seconds gauge'
	echo "watchstander_health_check_interval_seconds{service=\"$name\"} $every"
	echo '# HELP watchstander_health_check_timestamp_seconds When it was checked last.'
	echo '# TYPE watchstander_health_check_timestamp_seconds gauge'
	echo "watchstander_health_check_timestamp_seconds{service=\"$name\"} $now"
} >"$textfiles/.health-$name.new"
chmod 0644 "$textfiles/.health-$name.new" # the unit's umask is another
mv -f "$textfiles/.health-$name.new" "$textfiles/health-$name.prom"
