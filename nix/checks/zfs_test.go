package checks

import (
	"strings"
	"testing"
	"time"
)

// TestZfsCompression: what each dataset has is compared with what its nearest ancestor in
// the policy wants, and an answer that is not whole takes the place of nothing.
func TestZfsCompression(t *testing.T) {
	b := newBench(t)
	b.mkdir("figures")
	b.program("zfs", `[ "$*" = "get -Hp -r -t filesystem,volume -o name,value compression rpool tank" ] || exit 2
printf '%s\t%s\n' rpool lz4 rpool/nix on tank off tank/archive zstd-9 "tank/archive/old mail" lz4 tank/archive/quick zstd-fast-1 tank/archives lz4`)
	policy := b.write("policy", "zstd\ttank/archive\n")
	look := func(want bool) string {
		t.Helper()
		said, ok := b.run("zfs-compression.sh", policy, "lz4", b.path("figures"), "rpool", "tank")
		if ok != want {
			t.Errorf("it ended well: %v\n%s", ok, said)
		}
		return b.read("figures/zfs-compression.prom")
	}
	first := look(true)
	got := b.figures("figures/zfs-compression.prom")
	b.recorded("zfs-compression", got)
	for series, want := range map[string]float64{
		`watchstander_zfs_compression{dataset="rpool/nix",wanted="lz4",have="on"}`:                    1,
		`watchstander_zfs_compression{dataset="tank",wanted="lz4",have="off"}`:                        0,
		`watchstander_zfs_compression{dataset="tank/archive",wanted="zstd",have="zstd-9"}`:            1,
		`watchstander_zfs_compression{dataset="tank/archive/old mail",wanted="zstd",have="lz4"}`:      0,
		`watchstander_zfs_compression{dataset="tank/archive/quick",wanted="zstd",have="zstd-fast-1"}`: 0,
		`watchstander_zfs_compression{dataset="tank/archives",wanted="lz4",have="lz4"}`:               1,
	} {
		if got[series] != want {
			t.Errorf("%s is %v", series, got[series])
		}
	}
	if at := time.Unix(int64(got["watchstander_zfs_compression_timestamp_seconds"]), 0); time.Since(at).Abs() > time.Hour {
		t.Errorf("looked at %v", at)
	}

	// A pool that is gone, after it has told of the others; and no answer at all.
	b.program("zfs", `printf 'rpool\tlz4\n'; echo "cannot open 'tank': dataset does not exist" >&2; exit 1`)
	if look(false) != first {
		t.Error("half of an answer was published")
	}
	b.program("zfs", "exit 0")
	if look(false) != first || !strings.Contains(first, "tank/archives") {
		t.Error("an empty answer was published")
	}
}
