package commands

import "testing"

func TestOffered(t *testing.T) {
	i := New(All())
	for _, x := range []struct{ line, says string }{
		{"status", ""},
		{"backup verify", ""},
		{"!backup verify b2", ""},
		{"changes 7d", ""},
		{"journal since 30d", ""},
		{"service frigate", ""},
		{"service", "`service` takes `service nginx`, `service restic-backup.timer`"},
		{"changes often", "`changes` takes `changes`, `changes 6`, `changes 3d`"},
		{"statsu", "There is no command `statsu`. Did you mean `status`?"},
		{"rm -rf /", "There is no command `rm`. `help` lists those that I know"},
		{"", "write what people would type"},
	} {
		if got := i.Offered(x.line); got != x.says {
			t.Errorf("%q: %s; want %s", x.line, got, x.says)
		}
	}
}
