package units

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"watchstander/bot"
	"watchstander/bot/host"
	"watchstander/bot/sys"
)

// pulled is an entry of the journal as a newer Podman writes it.
func pulled(at time.Time, uid, name, id string) string {
	b, _ := json.Marshal(map[string]string{"_UID": uid, "PODMAN_NAME": name, "PODMAN_ID": id, "__REALTIME_TIMESTAMP": strconv.FormatInt(at.UnixMicro(), 10)}) // texts always can be
	return string(b)
}

// containers is vulcan with Podman, and without anything else that changes.
func containers() *machine {
	m := vulcan()
	clear(m.units)
	m.files[bin+"podman"] = node{}
	m.programs[askPulls] = sys.Output{}
	m.programs[askPodman] = sys.Output{}
	return m
}

// imagesOf are the lines on images alone.
func imagesOf(t *testing.T, m *machine) string {
	t.Helper()
	c, err := m.keeper(t, Options{}).Changes(t.Context(), 24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for l := range strings.Lines(told(c)) {
		if strings.Contains(l, "image") {
			b.WriteString(l)
		}
	}
	for _, argv := range m.ran {
		if strings.Contains(argv, "podman ") {
			t.Errorf("podman is run: %s", argv)
		}
	}
	return b.String()
}

func recorded(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

const rootless = "? images of other users' containers: known only where their podman writes to the journal\n"

// What Podman really left, in the journal and in root's file. It has no ids, and says
// "pull" of what it only made a container of.
func TestImagesRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2026, 11, 28, 10, 0, 0, 0, time.UTC)))
		m := containers()
		m.programs[askPulls] = sys.Output{Stdout: []byte(recorded(t, "podman-journal.json"))}
		want := `08:57 image podman of user 1000 took image oci-archive:/srv/hello.oci: pulled, or there already | pull 1000 oci-archive:/srv/hello.oci 1795856272693170
08:57 image podman took image localhost/hello:1: pulled, or there already (2 times) | pull 0 localhost/hello:1 1795856269340075
08:57 image podman took image oci-archive:/srv/hello.oci: pulled, or there already | pull 0 oci-archive:/srv/hello.oci 1795856269159135
` + rootless
		if got := imagesOf(t, m); got != want {
			t.Errorf("got\n%s", got)
		}

		m = containers()
		m.files[podmanFile] = node{text: recorded(t, "podman-events.log")}
		want = `08:57 image podman took image oci-archive:/srv/hello.oci: pulled, or there already | pull 0 oci-archive:/srv/hello.oci 1795856273520989
08:57 image podman took image localhost/hello:1: pulled, or there already | pull 0 localhost/hello:1 1795856273450380
? earlier images of root's containers: /run/libpod/events/events.log does not go back further
` + rootless
		if got := imagesOf(t, m); got != want {
			t.Errorf("got\n%s", got)
		}
	})
}

// With ids an image that podman had already is no change, each user for themselves.
func TestImagesKnown(t *testing.T) {
	at(t, func(t *testing.T) {
		m := containers()
		ago := func(d time.Duration) time.Time { return noon.Add(-d) }
		m.programs[askPulls] = backwards(
			pulled(ago(30*time.Hour), "0", "web:1", "aaa"),
			pulled(ago(9*time.Hour), "0", "web:1", "aaa"),                // a container of it
			pulled(ago(8*time.Hour), "0", "localhost/copy", "aaa"),       // another name of it
			pulled(ago(7*time.Hour), "1000", "web:1", "aaa"),             // not theirs before
			pulled(ago(6*time.Hour), "0", "web:1", "bbb"),                // now
			pulled(ago(5*time.Hour), "0", "web:1", "aaa"),                // and back
			pulled(ago(4*time.Hour), "1000", "x\nreboot, now: \x1b", ""), // no name
		)
		want := `08:00 image podman of user 1000 took an image whose name is none: pulled, or there already | pull 1000 x␤reboot, now: ␛ 1768377600000000
07:00 image podman took image web:1: another one than before | pull 0 web:1 1768374000000000
06:00 image podman took image web:1: another one than before | pull 0 web:1 1768370400000000
05:00 image podman of user 1000 took image web:1: pulled, or there already | pull 1000 web:1 1768366800000000
` + rootless
		if got := imagesOf(t, m); got != want {
			t.Errorf("got\n%s", got)
		}
	})
}

// A user writes whatever they like into the journal: what root did is told all the same.
func TestImagesFlooded(t *testing.T) {
	at(t, func(t *testing.T) {
		m := containers()
		var all []string
		for i := range mostPulls {
			all = append(all, pulled(noon.Add(-time.Hour+time.Duration(i)*time.Second), "1000", fmt.Sprintf("x:%d", i), "aaa"+fmt.Sprint(i)))
		}
		m.programs[askPulls] = backwards(all...)
		m.programs[askPulls+" _UID=0"] = backwards(pulled(noon.Add(-2*time.Hour), "0", "web:1", "aaa"))
		got := imagesOf(t, m)
		for _, want := range []string{
			"10:00 image podman took image web:1: pulled, or there already",
			"? earlier images of other users' containers: there were more events than the 1000 that were read\n",
			"? 950 earlier images of other users' containers, which are too many to be told\n",
		} {
			if !strings.Contains(got, want) {
				t.Errorf("%q is missing in\n%s", want, got)
			}
		}
		if n := strings.Count(got, "user 1000"); n != mostOthers {
			t.Errorf("%d are told of another user", n)
		}
		if strings.Contains(got, "of root's") {
			t.Errorf("root's are not all known:\n%s", got)
		}
	})
}

// That nothing is told means that nothing came only where podman is known to tell.
func TestImagesUnknown(t *testing.T) {
	some := sys.Output{Stdout: []byte(`{"PODMAN_TYPE":"container","__REALTIME_TIMESTAMP":"1"}` + "\n")}
	for name, x := range map[string]struct {
		change func(*machine)
		want   string
	}{
		"no podman": {func(m *machine) { delete(m.files, bin+"podman") }, ""},
		"no podman, no journal": {func(m *machine) {
			delete(m.files, bin+"podman")
			delete(m.programs, askPulls)
		}, ""},
		"never used": {func(*machine) {}, "? images of root's containers: its podman has left nothing in the journal, nor in /run/libpod/events/events.log: it was not used, or its events go elsewhere (events_logger).\n" + rootless},
		"used":       {func(m *machine) { m.programs[askPodman] = some }, rootless},
		"declared": {func(m *machine) {
			m.files["/etc/containers/containers.conf"] = node{text: "[engine]\nevents_logger = \"journald\"\n"}
		}, rootless},
		"turned off": {func(m *machine) {
			m.programs[askPodman] = some
			m.files["/etc/containers/containers.conf"] = node{text: "[engine]\nevents_logger=\"journald\"\n"}
			m.files["/etc/containers/containers.conf.d/10-quiet.conf"] = node{text: "[engine]\n # events_logger = \"file\"\n  events_logger = 'none'\n"}
			m.files["/etc/containers/containers.conf.d/20-old"] = node{text: "events_logger = \"file\"\n"}
		}, "? images of root's containers: /etc/containers/containers.conf.d/10-quiet.conf has events_logger = \"none\".\n" + rootless},
		"no journal": {func(m *machine) { clear(m.programs) }, "? images of containers: There is no /run/current-system/sw/bin/journalctl on vulcan.\n"},
		"no journal, but a file": {func(m *machine) {
			clear(m.programs)
			m.files[podmanFile] = node{text: `{"ID":"aaa","Name":"web:1","Status":"pull","Time":"2026-01-14T11:00:00Z","Type":"image"}` + "\n"}
		}, "11:00 image podman took image web:1: pulled, or there already | pull 0 web:1 1768388400000000\n" +
			"? earlier images of root's containers: /run/libpod/events/events.log does not go back further\n" +
			"? images of containers: There is no /run/current-system/sw/bin/journalctl on vulcan.\n"},
		"a strange file": {func(m *machine) { m.files[podmanFile] = node{text: "podman 7 writes otherwise\n"} },
			"? images of root's containers: What stands in /run/libpod/events/events.log on vulcan cannot be understood.\n" + rootless},
		"a line that is being written": {func(m *machine) {
			m.files[podmanFile] = node{text: `{"Status":"refresh","Time":"2026-01-01T00:00:00Z","Type":"system"}` + "\n" + `{"Name":"web:1","Sta`}
		}, rootless},
	} {
		t.Run(name, func(t *testing.T) {
			at(t, func(t *testing.T) {
				m := containers()
				x.change(m)
				if got := imagesOf(t, m); got != x.want {
					t.Errorf("got\n%s", got)
				}
			})
		})
	}
}

// A file that root may not read either is said to be that.
func TestImagesUnreadable(t *testing.T) {
	at(t, func(t *testing.T) {
		m := containers()
		k := m.keeper(t, Options{})
		k.h.Files = unreadable{m}
		c, err := look[host.Changes](t, k, host.LookChanges, bot.Arguments{"hours": {"24"}})
		if err != nil || !strings.Contains(told(c), "? images of root's containers: /run/libpod/events/events.log cannot be read on vulcan.\n") {
			t.Errorf("%v\n%s", err, told(c))
		}
	})
}

type unreadable struct{ *machine }

func (u unreadable) Read(p string, most int64) ([]byte, error) {
	if p == podmanFile {
		return nil, errors.New("input/output error")
	}
	return u.machine.Read(p, most)
}
