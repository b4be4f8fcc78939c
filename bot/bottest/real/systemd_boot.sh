# Starts a real systemd as process 1 of namespaces of its own, with the units of
# one directory and nothing else of this machine's. Run by StartSystemd:
#   unshare --pid --fork --mount --uts --ipc [--net] --mount-proc --kill-child sh THIS RUN MOUNTS CGROUP
# RUN becomes its /run, so that the test reaches the bus from outside, and holds the
# units; MOUNTS is a file of directories that take the place of this machine's, each a
# line "MINE ITS"; CGROUP is the control group in which it is locked up.
set -e
if [ "$4" != inside ]; then
	umount -R /sys/fs/cgroup 2>/dev/null || true
	mount -t cgroup2 cgroup2 /sys/fs/cgroup
	mkdir "/sys/fs/cgroup/$3"
	echo $$ >"/sys/fs/cgroup/$3/cgroup.procs"
	exec unshare --cgroup sh "$0" "$1" "$2" "$3" inside
fi
umount /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
# The kernel's switches are shared with this machine.
mount -o bind,ro /proc/sys /proc/sys
mount --bind "$1" /run
while read -r mine its; do
	mount --bind "$mine" "$its"
done <"$2"
# As systemd does outside of containers: what it mounts for units (credentials) must
# come to their namespaces. None of it comes to this machine, whose mounts are not ours.
mount --make-rshared /
export container=watchstander-test SYSTEMD_UNIT_PATH=/run/test-units:/run/systemd/transient
exec systemd --system --unit=test.target --log-target=console --show-status=no
