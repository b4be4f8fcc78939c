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

// ways are those that a plan can take beside the usual one: a word afterwards, a code, a
// window.
func (t *tour) ways() []scene {
	o := t.d.operated
	return []scene{
		{do: t.happens("as far back as 39 the rule wants somebody to look afterwards", func() {})},
		{do: t.says("rollback 39"), want: append([]string{`confirmed +within 10 min after it was verified, or it is undone`}, planned...)},
		{do: t.bobSays("@plan approve"), want: []string{`Activating generation 39`, `is now \S WAITS FOR A WORD`}},
		{do: t.says("@plan confirm"), ends: "DONE", holds: func() error { return o.hasGeneration(39) }, want: []string{`boot default: generation 39`}},

		{do: t.says("service restart postgresql"), want: planned},
		{do: t.says("@plan approve"), want: []string{`Your word does not count`, `wants \(totp\)`}},
		{do: t.saysCode("@plan approve"), ends: "DONE", holds: t.codeHidden,
			want: []string{`alice agrees \(with a time-based code\)`, `postgresql\.service`}},

		{do: t.says("service restart smokeping"), want: []string{`WAITS FOR AN APPROVAL`}},
		{do: t.says("@plan approve"), want: []string{`is now \S QUEUED`}},
		{do: t.says("@plan cancel because it can wait"), ends: "CANCELLED"},
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
