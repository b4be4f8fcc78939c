package main

import (
	"context"
	"errors"
	"os"
)

// plans is what is done to a host: from the plan to the evidence.
func (t *tour) plans() []scene {
	o := t.d.operated
	generation := func(n int) func() error { return func() error { return o.hasGeneration(n) } }
	return []scene{
		{do: t.says("generations"), want: []string{`42`, `41`}},
		{do: t.says("diff 41 42"), want: []string{`nginx.*1\.28\.1.*1\.28\.2`}},
		{do: t.says("rollback"), want: []string{`WAITS FOR AN APPROVAL`, `(?s)The whole plan.*digest`}},
		{do: t.says("@plan approve"), want: []string{`(?i)who asked|asked for`}, holds: generation(42)},
		{do: t.bobSays("@plan approve"), want: []string{`bob agrees`, `RUNNING`, `Activating generation 41`, `is now √ DONE`, `│ √ DONE`}, holds: generation(41)},
		{do: t.says("rollback 40"), want: []string{`WAITS FOR AN APPROVAL`, `(?s)The whole plan.*digest`}},
		{do: t.bobSays("@plan approve"), want: []string{`bob agrees`, `UNDONE`, `│ ■ UNDONE`}, holds: generation(41)},
		{do: t.says("zfs arc"), want: []string{`ARC`}},
		{do: t.says("zfs arc set --max 24G"), want: []string{`WAITS FOR AN APPROVAL`, `(?s)The whole plan.*digest`}},
		{do: t.says("@plan approve"), want: []string{`alice agrees`, `│ √ DONE`}, holds: func() error { return o.hasARCMax(24 << 30) }},
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
	return t.steps(ctx, []scene{
		{do: t.says("backup verify"), want: []string{`WAITS FOR AN APPROVAL`, `(?s)The whole plan.*digest`}},
		{do: t.says("@plan approve"), want: []string{`restored and compared`, `│ √ DONE`}},
		{do: t.says("backup status"), want: []string{`local`}},
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
