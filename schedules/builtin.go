package schedules

import (
	"embed"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/goccy/go-yaml"

	"watchstander/bot"
)

// builtin are the checklists that come with the program, a file each.
//
//go:embed checklists/*.yaml
var builtin embed.FS

// builtinNames are their names, in the order in which people read them.
var builtinNames = []string{"daily", "weekly", "monthly", "quarterly", "validation", "incident", "drill"}

// file is a checklist as it is written. The bot's configuration has the same keys, and
// reads files of people by them; a test there holds the two together.
type file struct {
	Title  string           `yaml:"title"`
	Cron   string           `yaml:"cron"`
	Missed bot.MissedFiring `yaml:"missed"`
	After  []bot.ChangeKind `yaml:"after"`
	Lasts  time.Duration    `yaml:"lasts"`
	Remind time.Duration    `yaml:"remind"`
	Report bool             `yaml:"report"`
	Timed  bool             `yaml:"timed"`
	Since  bool             `yaml:"since"`
	Items  []struct {
		ID       string   `yaml:"id"`
		Task     string   `yaml:"task"`
		Plan     string   `yaml:"plan"`
		Look     []string `yaml:"look"`
		Why      string   `yaml:"why"`
		Runbook  string   `yaml:"runbook"`
		Role     bot.Role `yaml:"role"`
		Evidence []string `yaml:"evidence"`
		Optional []string `yaml:"optional"`
		Person   string   `yaml:"person"`
		Offer    string   `yaml:"offer"`
	} `yaml:"items"`
}

// Builtin are the checklists of the plan that the program is for: daily, weekly,
// monthly, quarterly, validation after a change, and the two that people open: an
// incident, and the disaster recovery drill. They have no rooms and no zone:
// these are the operator's. The caller owns what it gets.
func Builtin() []bot.Checklist {
	out := slices.Clone(readBuiltin())
	for i, c := range out {
		out[i].After, out[i].Items = slices.Clone(c.After), slices.Clone(c.Items)
		for k, x := range c.Items {
			y := &out[i].Items[k]
			y.Look, y.Evidence, y.Optional = slices.Clone(x.Look), slices.Clone(x.Evidence), slices.Clone(x.Optional)
		}
	}
	return out
}

var readBuiltin = sync.OnceValue(func() []bot.Checklist {
	out := make([]bot.Checklist, len(builtinNames))
	for i, name := range builtinNames {
		data, err := BuiltinFile(name)
		if err == nil {
			out[i], err = read(name, data)
		}
		if err != nil {
			panic(fmt.Sprintf("schedules: the built-in checklist %s: %v", name, err)) // a test reads them all
		}
	}
	return out
})

// BuiltinFile is a built-in checklist as it is written: a pattern for one's own.
func BuiltinFile(name string) ([]byte, error) {
	return builtin.ReadFile("checklists/" + name + ".yaml")
}

func read(name string, data []byte) (bot.Checklist, error) {
	var f file
	if err := yaml.UnmarshalWithOptions(data, &f, yaml.Strict()); err != nil {
		return bot.Checklist{}, err
	}
	out := bot.Checklist{Name: name, Title: f.Title, Cron: f.Cron, Missed: f.Missed, After: f.After, Lasts: f.Lasts, Remind: f.Remind, Report: f.Report, Timed: f.Timed, Since: f.Since}
	for _, x := range f.Items {
		out.Items = append(out.Items, bot.Item(x))
	}
	return out, nil
}
