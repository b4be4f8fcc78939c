package main

import (
	"context"
	"errors"
	"os"
)

// The plan in full, and that it may be agreed to.
var planned = []string{`WAITS FOR AN APPROVAL`, `(?s)The whole plan.*digest`}

// plans is what is done to a host: from the plan to the evidence.
func (t *tour) plans() []scene {
	o := t.d.operated
	generation := func(n int) func() error { return func() error { return o.hasGeneration(n) } }
	return []scene{
		{do: t.says("generations"), want: []string{`42`, `41`}},
		{do: t.says("diff 41 42"), want: []string{`nginx.*1\.28\.1.*1\.28\.2`}},
		{do: t.says("rollback"), want: planned},
		{do: t.says("@plan approve"), want: []string{`Your word does not count`}, holds: generation(42)},
		{do: t.bobSays("@plan approve"), ends: "DONE", holds: generation(41),
			want: []string{`bob agrees`, `RUNNING`, `Activating generation 41`, `fine, in two looks`, `boot default: generation 41`, `is now √ DONE`}},
		{do: t.happens("further back it goes wrong: with generation 40 nginx does not stay up", func() {}), holds: generation(41)},
		{do: t.says("rollback 40"), want: planned},
		{do: t.bobSays("@plan approve"), ends: "UNDONE", holds: generation(41),
			want: []string{`Activating generation 40`, `unit nginx\.service: fails in both looks`, `Activating generation 41 again`,
				`What was before is back: running system generation 41, profile generation 41`, `is now ■ UNDONE`}},
		{do: t.says("zfs arc"), want: []string{`Limits that hold`}},
		{do: t.says("zfs arc set --max 32G"), want: planned},
		{do: t.says("@plan approve"), ends: "DONE", holds: func() error { return o.hasARCMax(32 << 30) },
			want: []string{`alice agrees`, `wrote 34359738368`, `ARC maximum \(c_max\): 32 GiB`}},
	}
}

// backups verifies a real repository, where there is a restic.
func (t *tour) backups(ctx context.Context, made error) error {
	if errors.Is(made, errNoRestic) && os.Getenv(requireReal) == "" {
		t.s.note("\n-- %s\n", noRestic)
		return nil
	}
	if made != nil {
		return made
	}
	return t.plays(ctx, []scene{
		{do: t.happens("this machine's restic has made a real repository of some of vulcan's files", func() {})},
		{do: t.says("backup verify"), want: planned},
		{do: t.says("@plan approve"), ends: "DONE",
			want: []string{`checking structure and data part 1/1`, `structure ok`, `[1-9]\d* packs? read, 0 errors`, `[1-9]\d* files .* restored and compared with the live file, 0 differ`}},
		{do: t.says("backup status"), want: []string{`verified .* structure ok`}},
	})
}

// requireReal makes of a missing restic a failure, as it does in tests.
const requireReal = "WATCHSTANDER_REQUIRE_REAL"

// after is what is left of it all.
func (t *tour) after() []scene {
	return []scene{
		{do: t.says("approvals"), want: []string{`Nothing waits`}},
		{do: t.says("journal kind end"), want: []string{`(?i)undone`}},
		{do: t.says("status"), want: []string{`Nothing fires`}},
	}
}
