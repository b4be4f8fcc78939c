package systemd_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coreos/go-systemd/v22/dbus"
	godbus "github.com/godbus/dbus/v5"
	"go.uber.org/goleak"

	"watchstander/bot"
	"watchstander/integrations/systemd"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fake is a systemd that says what it is told to say.
type fake struct {
	state    any
	stateErr error
	units    []dbus.UnitStatus
	listErr  error
	props    map[string]any // "unit Property"
	errs     map[string]error
	// hang, when set, holds every question until the context ends.
	hang bool

	mu     sync.Mutex
	dials  int
	closed int
	asked  int
}

func (f *fake) dial(context.Context) (systemd.Conn, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.dials++
	return f, nil
}

func (f *fake) wait(ctx context.Context) error {
	if !f.hang {
		return nil
	}
	<-ctx.Done()
	return ctx.Err()
}

func (f *fake) SystemStateContext(ctx context.Context) (*dbus.Property, error) {
	if err := f.wait(ctx); err != nil {
		return nil, err
	}
	if f.stateErr != nil {
		return nil, f.stateErr
	}
	return &dbus.Property{Value: godbus.MakeVariant(f.state)}, nil
}

func (f *fake) ListUnitsFilteredContext(ctx context.Context, states []string) ([]dbus.UnitStatus, error) {
	if err := f.wait(ctx); err != nil {
		return nil, err
	}
	var found []dbus.UnitStatus
	for _, u := range f.units {
		for _, s := range states {
			if s == u.ActiveState || s == u.SubState || s == u.LoadState {
				found = append(found, u)
				break
			}
		}
	}
	return found, f.listErr
}

func (f *fake) property(ctx context.Context, unit, property string) (*dbus.Property, error) {
	if err := f.wait(ctx); err != nil {
		return nil, err
	}
	f.mu.Lock()
	f.asked++
	f.mu.Unlock()
	if err := f.errs[unit+" "+property]; err != nil {
		return nil, err
	}
	v, ok := f.props[unit+" "+property]
	if !ok {
		return nil, godbus.Error{Name: "org.freedesktop.DBus.Error.UnknownProperty", Body: []any{"no such property"}}
	}
	return &dbus.Property{Name: property, Value: godbus.MakeVariant(v)}, nil
}

func (f *fake) GetUnitPropertyContext(ctx context.Context, unit, property string) (*dbus.Property, error) {
	return f.property(ctx, unit, property)
}

func (f *fake) GetUnitTypePropertyContext(ctx context.Context, unit, unitType, property string) (*dbus.Property, error) {
	if strings.HasSuffix(unit, ".service") && unitType != "Service" {
		return nil, fmt.Errorf("%s is no %s", unit, unitType)
	}
	return f.property(ctx, unit, property)
}

func (f *fake) Close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed++
}

func failedUnit(name, description string) dbus.UnitStatus {
	return dbus.UnitStatus{Name: name, Description: description, LoadState: "loaded", ActiveState: "failed", SubState: "failed"}
}

func runs(name string) dbus.UnitStatus {
	return dbus.UnitStatus{Name: name, Description: "Runs", LoadState: "loaded", ActiveState: "active", SubState: "running"}
}

func tell(rs []bot.Reading) string {
	var b strings.Builder
	for _, r := range rs {
		fmt.Fprintf(&b, "%s | %s | %s | %s\n", r.State, r.What, r.Value, r.Note)
	}
	return b.String()
}

func TestReadings(t *testing.T) {
	looping := dbus.UnitStatus{Name: "loop.service", Description: "Loops", LoadState: "loaded", ActiveState: "activating", SubState: "auto-restart"}
	tests := []struct {
		name string
		fake *fake
		want string
	}{
		{"all is well", &fake{state: "running"}, `
ok | failed units | none | 
ok | flapping units | none | 
ok | systemd | running | 
`},
		{"two have failed, the newest first", &fake{
			state: "degraded",
			units: []dbus.UnitStatus{failedUnit("a.service", "a.service"), failedUnit("b.mount", "/mnt/nas")},
			props: map[string]any{
				"a.service StateChangeTimestamp": uint64(946684800_000000), // the bubble's now is 2000-01-01
				"a.service Result":               "oom-kill",
				"b.mount StateChangeTimestamp":   uint64(946684800_000000 + 86400_000000),
			}}, `
not ok | unit b.mount | failed, 2 h ago (Sun 2 Jan 00:00 UTC) | /mnt/nas
not ok | unit a.service | failed: oom-kill, 1 d 2 h ago (Sat 1 Jan 00:00 UTC) | 
ok | flapping units | none | 
not ok | systemd | degraded | units have failed
`},
		{"one loops, another only ends well", &fake{
			state: "running",
			units: []dbus.UnitStatus{looping, {Name: "fine.service", ActiveState: "activating", SubState: "auto-restart"}},
			props: map[string]any{
				"loop.service Result": "exit-code", "loop.service NRestarts": uint32(17),
				"fine.service Result": "success",
			}}, `
not ok | unit loop.service | fails and is started again (17 times so far): exit-code | Loops
ok | systemd | running | 
`},
		{"two flap; one has settled, one prompts for logins", &fake{
			state: "running",
			units: []dbus.UnitStatus{runs("web.service"), runs("db.service"), runs("calm.service"), runs("getty@tty1.service"), runs("new.service"), {Name: "x.mount", ActiveState: "active", SubState: "mounted"}},
			props: map[string]any{
				"web.service NRestarts": uint32(17), "web.service ExecMainStartTimestamp": uint64(946684800_000000 + (26*3600-240)*1_000000),
				"db.service NRestarts": uint32(3), "db.service ExecMainStartTimestamp": uint64(946684800_000000 + (26*3600-2400)*1_000000),
				"calm.service NRestarts": uint32(80), "calm.service ExecMainStartTimestamp": uint64(946684800_000000),
				"getty@tty1.service NRestarts": uint32(9), "getty@tty1.service ExecMainStartTimestamp": uint64(946684800_000000 + 26*3600*1_000000),
				"new.service NRestarts": uint32(0),
			}}, `
ok | failed units | none | 
not ok | unit web.service | flaps: started again by systemd 17 times, last 4 min ago | Runs
not ok | unit db.service | flaps: started again by systemd 3 times, last 40 min ago | Runs
ok | systemd | running | 
`},
		{"nobody tells how often", &fake{state: "running", units: []dbus.UnitStatus{runs("web.service")}}, `
ok | failed units | none | 
unknown | flapping units |  | how often services were started again cannot be read
ok | systemd | running | 
`},
		{"one is gone meanwhile", &fake{state: "running", units: []dbus.UnitStatus{runs("gone.service"), runs("web.service")},
			props: map[string]any{"web.service NRestarts": uint32(0)},
			errs:  map[string]error{"gone.service NRestarts": godbus.Error{Name: "org.freedesktop.systemd1.NoSuchUnit"}}}, `
ok | failed units | none | 
ok | flapping units | none | 
ok | systemd | running | 
`},
		{"it falls silent halfway", &fake{state: "running", units: []dbus.UnitStatus{runs("a.service"), runs("b.service"), runs("c.service")},
			props: map[string]any{"a.service NRestarts": uint32(0)},
			errs:  map[string]error{"b.service NRestarts": context.DeadlineExceeded, "c.service NRestarts": context.DeadlineExceeded}}, `
ok | failed units | none | 
unknown | flapping units |  | after 1 service systemd did not answer any more: it did not answer in time
ok | systemd | running | 
`},
		{"the bus says for it that it is silent", &fake{state: "running", units: []dbus.UnitStatus{runs("a.service"), runs("b.service")},
			props: map[string]any{"a.service NRestarts": uint32(0)},
			errs:  map[string]error{"b.service NRestarts": godbus.Error{Name: "org.freedesktop.DBus.Error.NoReply", Body: []any{"no reply"}}}}, `
ok | failed units | none | 
unknown | flapping units |  | after 1 service systemd did not answer any more: no reply
ok | systemd | running | 
`},
		{"one flaps, then it falls silent", &fake{state: "running", units: []dbus.UnitStatus{runs("web.service"), runs("b.service")},
			props: map[string]any{"web.service NRestarts": uint32(17), "web.service ExecMainStartTimestamp": uint64(946684800_000000 + (26*3600-240)*1_000000)},
			errs:  map[string]error{"b.service NRestarts": godbus.ErrClosed}}, `
ok | failed units | none | 
not ok | unit web.service | flaps: started again by systemd 17 times, last 4 min ago | Runs
unknown | flapping units |  | after 1 service systemd did not answer any more: it did not answer in time
ok | systemd | running | 
`},
		{"nobody tells when one was started last", &fake{state: "running", units: []dbus.UnitStatus{runs("web.service"), runs("b.service")},
			props: map[string]any{"web.service NRestarts": uint32(17), "b.service NRestarts": uint32(0)}}, `
ok | failed units | none | 
unknown | unit web.service |  | systemd started it again 17 times, and does not tell when last: no such property
ok | systemd | running | 
`},
		{"it falls silent when asked for a start", &fake{state: "running", units: []dbus.UnitStatus{runs("web.service"), runs("b.service")},
			props: map[string]any{"web.service NRestarts": uint32(17), "b.service NRestarts": uint32(0)},
			errs:  map[string]error{"web.service ExecMainStartTimestamp": context.DeadlineExceeded}}, `
ok | failed units | none | 
unknown | unit web.service |  | systemd started it again 17 times, and does not tell when last: it did not answer in time
unknown | flapping units |  | after 0 services systemd did not answer any more: it did not answer in time
ok | systemd | running | 
`},
		{"still starting", &fake{state: "starting"}, `
ok | failed units | none | 
ok | flapping units | none | 
unknown | systemd | starting | it is still starting, or a job waits for ever
`},
		{"a state that nobody has heard of", &fake{state: "dreaming\n"}, `
ok | failed units | none | 
ok | flapping units | none | 
unknown | systemd | dreaming␤ | systemd itself calls it "dreaming␤"
`},
		{"a state that is no word", &fake{state: uint32(7)}, `
ok | failed units | none | 
ok | flapping units | none | 
unknown | systemd |  | its state is not a word
`},
		{"rescue mode", &fake{state: "maintenance", listErr: errors.New("no")}, `
unknown | failed units |  | no
unknown | flapping units |  | no
not ok | systemd | maintenance | it is in rescue or emergency mode
`},
		{"forbidden", &fake{
			stateErr: godbus.Error{Name: "org.freedesktop.DBus.Error.AccessDenied"},
			listErr:  fmt.Errorf("list: %w", godbus.Error{Name: "org.freedesktop.DBus.Error.ServiceUnknown"}),
		}, `
unknown | failed units |  | there is a bus, but no systemd on it
unknown | flapping units |  | there is a bus, but no systemd on it
unknown | systemd |  | the bus does not let the bot ask systemd
`},
		{"names and words of strangers", &fake{
			state: "degraded",
			units: []dbus.UnitStatus{failedUnit("x\x1b[31m.service", strings.Repeat("w", 500)), failedUnit("nodot", ""), failedUnit("dot.", "")},
		}, `
not ok | unit dot. | failed | 
not ok | unit nodot | failed | 
not ok | unit x␛[31m.service | failed | ` + strings.Repeat("w", 160) + `…
ok | flapping units | none | 
not ok | systemd | degraded | units have failed
`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(26 * time.Hour)
				p := systemd.New(systemd.Options{Host: "vulcan", Dial: tt.fake.dial})
				rs := p.Read(t.Context())
				if got := "\n" + tell(rs); got != tt.want {
					t.Errorf("got:%s\nwant:%s", got, tt.want)
				}
				for _, r := range rs {
					if r.Host != "vulcan" || r.Source == "" || !r.At.Equal(time.Now()) || r.At.Location() != time.UTC {
						t.Errorf("%s lacks host, source or time: %+v", r.What, r)
					}
				}
				if tt.fake.closed != 1 {
					t.Errorf("the connection was closed %d times", tt.fake.closed)
				}
			})
		})
	}
}

func TestManyFailedUnits(t *testing.T) {
	f := &fake{state: "degraded"}
	for i := range 300 {
		f.units = append(f.units, failedUnit(fmt.Sprintf("u%03d.service", i), ""))
	}
	rs := systemd.New(systemd.Options{Dial: f.dial}).Read(t.Context())
	if len(rs) != 13 {
		t.Fatalf("%d readings, want the system, 10 units, a count, and none that flaps", len(rs))
	}
	if last := rs[10]; last.What != "failed units" || last.Value != "290 more" || last.State != bot.NotOK {
		t.Errorf("the count reads %+v", last)
	}
	if f.asked > 100 {
		t.Errorf("%d questions were asked", f.asked)
	}
}

// A systemd that does not answer is unknown after the time limit, and several
// askers wait on one look.
func TestHanging(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{hang: true}
		p := systemd.New(systemd.Options{Dial: f.dial})
		begin := time.Now()
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() {
				for _, r := range p.Read(t.Context()) {
					if r.State != bot.Unknown || r.Note != "it did not answer in time" {
						t.Errorf("%+v", r)
					}
				}
			})
		}
		wg.Wait()
		if took := time.Since(begin); took != 5*time.Second {
			t.Errorf("it took %s", took)
		}
		if f.dials != 1 || f.closed != 1 {
			t.Errorf("%d connections, %d closed", f.dials, f.closed)
		}
	})
}

// A bus whose connecting ignores its context holds nobody up, and holds one
// goroutine however often it is asked.
func TestDialHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var dials atomic.Int32
		p := systemd.New(systemd.Options{Dial: func(context.Context) (systemd.Conn, error) {
			dials.Add(1)
			<-release
			return nil, errors.New("too late")
		}})
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		if r := p.Read(ctx)[0]; r.Note != "no answer for 3 s" || r.State != bot.Unknown {
			t.Errorf("%+v", r)
		}
		if r := p.Read(t.Context())[0]; r.Note != "no answer for 6 s" {
			t.Errorf("%+v", r)
		}
		begin := time.Now()
		time.Sleep(time.Hour)
		if r := p.Read(t.Context())[0]; r.Note != "no answer for 1 h" || time.Since(begin) != time.Hour {
			t.Errorf("%+v after %s", r, time.Since(begin))
		}
		if n := dials.Load(); n != 1 {
			t.Errorf("%d dials are under way", n)
		}
		close(release)
		synctest.Wait()
		if r := p.Read(t.Context())[0]; r.Note != "too late" || dials.Load() != 2 {
			t.Errorf("%+v", r)
		}
	})
}

func TestPanicIsUnknown(t *testing.T) {
	p := systemd.New(systemd.Options{Dial: func(context.Context) (systemd.Conn, error) { panic("boo") }})
	for _, r := range p.Read(t.Context()) {
		if r.State != bot.Unknown || strings.Contains(r.Note, "boo") {
			t.Errorf("%+v", r)
		}
	}
}

func TestCancelledAsker(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	f := &fake{state: "running"}
	for _, r := range systemd.New(systemd.Options{Dial: f.dial}).Read(ctx) {
		if r.State != bot.Unknown {
			t.Errorf("%+v", r)
		}
	}
	if f.dials != 0 {
		t.Error("it was dialled")
	}
}

func TestName(t *testing.T) {
	if got := systemd.New(systemd.Options{Host: "vulcan"}).Name(); got != "systemd vulcan" {
		t.Error(got)
	}
	if got := systemd.New(systemd.Options{}).Name(); got != "systemd" {
		t.Error(got)
	}
}
