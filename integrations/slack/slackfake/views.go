package slackfake

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// Modals (documented: "Modals", views.open, views.update, "view_submission payload").

type view struct {
	id, user, hash string
	def            object // as the app gave it
	closed         bool
	errors         map[string]string
	hashes         int
}

// View is a modal as its person sees it.
type View struct {
	ID, User, CallbackID, Title, Text, Private string
	// Submit and Close are what stands on its two buttons.
	Submit, Close string
	// Fields are what can be filled in or picked.
	Fields []Button
	Open   bool
	// Errors are what the app said against the last submission, by block id.
	Errors map[string]string
}

// View is one modal.
func (f *Fake) View(id string) (View, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	v := f.views[id]
	if v == nil {
		return View{}, false
	}
	return f.seen(v), true
}

// Views are all modals so far of a person, the newest last.
func (f *Fake) Views(user string) []View {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []View
	for _, v := range f.views {
		if v.user == user {
			all = append(all, f.seen(v))
		}
	}
	slices.SortFunc(all, func(a, b View) int {
		if len(a.ID) != len(b.ID) {
			return len(a.ID) - len(b.ID)
		}
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
	return all
}

func (f *Fake) seen(v *view) View {
	r := &reader{f: f, where: "block"}
	r.blocks(o2list(v.def["blocks"]))
	str := func(name string) string { s, _ := v.def[name].(string); return s }
	return View{ID: v.id, User: v.user, CallbackID: str("callback_id"), Private: str("private_metadata"), Title: r.text(v.def["title"]), Text: r.out.String(),
		Submit: r.text(v.def["submit"]), Close: r.text(v.def["close"]),
		Fields: r.buttons, Open: !v.closed, Errors: maps.Clone(v.errors)}
}

// maxView is the documented size of a view ("view_too_large").
const maxView = 250 << 10

// define reads and checks a view.
func (f *Fake) define(raw string) (object, *failure) {
	if len(raw) > maxView {
		return nil, fail("view_too_large")
	}
	var def object
	if err := json.Unmarshal([]byte(raw), &def); err != nil {
		return nil, fail("invalid_arguments", "view is no JSON object")
	}
	v := &checker{f: f, actions: map[string]bool{}, blockIDs: map[string]bool{}}
	fields{"!type": word("modal"), "!title": text(24, plainText), "submit": text(24, plainText), "close": text(24, plainText),
		"!blocks": list(1, 100, func(v *checker, at string, x any) { modalBlock(v, at, x) }), "private_metadata": str(0, 3000), "callback_id": str(0, 255),
		"clear_on_close": truth, "notify_on_close": truth, "external_id": str(0, 255)}.check(v, "/view", def)
	if v.inputs > 0 && def["submit"] == nil {
		v.fault("/view", "missing required field: submit") // documented: with inputs
	}
	if len(v.faults) > 0 {
		return nil, fail("invalid_arguments", v.faults...)
	}
	holder := &message{blocks: o2list(def["blocks"])}
	f.dress(holder)
	for i, b := range holder.blocks {
		b, _ := b.(object)
		if e, _ := b["element"].(object); e != nil && e["action_id"] == nil {
			e["action_id"] = fmt.Sprintf("action-%d", i)
		}
	}
	return def, nil
}

// exchange takes a trigger: once, in time.
func (f *Fake) exchange(c *call) (*trigger, *failure) {
	t := f.triggers[c.args.Get("trigger_id")]
	switch {
	case t == nil:
		return nil, fail("invalid_trigger_id")
	case t.used:
		return nil, fail("exchanged_trigger_id")
	case !c.at.Before(t.until):
		return nil, fail("expired_trigger_id")
	}
	return t, nil
}

func (f *Fake) viewsOpen(c *call) *failure {
	t, refused := f.exchange(c)
	if refused != nil {
		return refused
	}
	def, refused := f.define(c.args.Get("view"))
	if refused != nil {
		return refused
	}
	t.used = true
	v := &view{id: f.newID("V"), user: t.user, def: def}
	f.touch(v)
	f.views[v.id] = v
	c.took = true
	c.out["view"] = f.viewShape(v, nil)
	return nil
}

func (f *Fake) viewsPush(c *call) *failure { return f.viewsOpen(c) }

func (f *Fake) viewsUpdate(c *call) *failure {
	v := f.views[c.args.Get("view_id")]
	if id := c.args.Get("external_id"); v == nil && id != "" {
		for _, o := range f.views {
			if o.def["external_id"] == id {
				v = o
			}
		}
	}
	switch hash := c.args.Get("hash"); {
	case v == nil, v.closed:
		return fail("not_found")
	case hash != "" && hash != v.hash:
		return fail("hash_conflict")
	}
	def, refused := f.define(c.args.Get("view"))
	if refused != nil {
		return refused
	}
	v.def = def
	f.touch(v)
	c.took = true
	c.out["view"] = f.viewShape(v, nil)
	return nil
}

func (f *Fake) touch(v *view) {
	v.hashes++
	v.errors = nil
	v.hash = fmt.Sprintf("%d.%s%d", f.now().Unix(), v.id, v.hashes)
}

func (f *Fake) viewShape(v *view, state object) object {
	if state == nil {
		state = object{}
	}
	o := object{"id": v.id, "team_id": f.o.Team, "type": "modal", "private_metadata": "", "callback_id": "", "external_id": "", "clear_on_close": false,
		"notify_on_close": false, "close": nil, "submit": nil}
	maps.Copy(o, v.def)
	o["state"], o["hash"], o["root_view_id"], o["previous_view_id"] = object{"values": state}, v.hash, v.id, nil
	o["app_id"], o["bot_id"], o["app_installed_team_id"] = f.o.AppID, f.o.BotID, f.o.Team
	return o
}

// Submit fills a modal in and submits it; values are by action id or block id, an
// option's value for menus. Slack itself refuses what is required and empty, or too
// long.
func (f *Fake) Submit(id string, values map[string]string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	v := f.views[id]
	if v == nil || v.closed {
		return fmt.Errorf("slackfake: no open view %q", id)
	}
	state := object{}
	for _, b := range o2list(v.def["blocks"]) {
		b, _ := b.(object)
		e, _ := b["element"].(object)
		if b["type"] != "input" || e == nil {
			continue
		}
		block, action := fmt.Sprint(b["block_id"]), fmt.Sprint(e["action_id"])
		value, given := values[action]
		if !given {
			value, given = values[block]
		}
		if initial, _ := e["initial_value"].(string); !given {
			value = initial
		}
		one := object{"type": e["type"], "value": value}
		if e["type"] == "plain_text_input" {
			if most, ok := e["max_length"].(float64); ok && float64(len([]rune(value))) > most {
				return fmt.Errorf("slackfake: %s is too long for its field", action)
			}
			if value == "" {
				one["value"] = nil
			}
		} else {
			one = object{"type": e["type"], "selected_option": nil}
			if !given {
				one["selected_option"] = e["initial_option"]
			}
			for _, o := range o2list(e["options"]) {
				if o, _ := o.(object); o["value"] == value && given {
					one["selected_option"] = o
				}
			}
			if given && one["selected_option"] == nil {
				return fmt.Errorf("slackfake: %s has no option %q", action, value)
			}
		}
		if b["optional"] != true && one["value"] == nil && one["selected_option"] == nil {
			return fmt.Errorf("slackfake: %s must be filled in", action)
		}
		state[block] = object{action: one}
	}
	payload := f.common("view_submission", v.user)
	payload["view"], payload["response_urls"] = f.viewShape(v, state), []any{}
	f.deliver("interactive", payload, func(answer json.RawMessage) { f.submitted(v, answer) })
	return nil
}

// submitted does what an app answers to a submission: nothing closes the modal.
func (f *Fake) submitted(v *view, answer json.RawMessage) {
	var said struct {
		Action string            `json:"response_action"`
		Errors map[string]string `json:"errors"`
		View   json.RawMessage   `json:"view"`
	}
	_ = json.Unmarshal(answer, &said)
	switch said.Action {
	case "errors":
		v.errors = said.Errors
	case "update", "push":
		def, refused := f.define(string(said.View))
		if refused != nil {
			f.refused = append(f.refused, Refused{Method: "view_submission", Error: refused.code, Messages: refused.messages})
			return
		}
		v.def = def
		f.touch(v)
	default:
		v.closed = true
	}
}

// Dismiss closes a modal without submitting it.
func (f *Fake) Dismiss(id string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	v := f.views[id]
	if v == nil || v.closed {
		return fmt.Errorf("slackfake: no open view %q", id)
	}
	v.closed = true
	if v.def["notify_on_close"] == true {
		payload := f.common("view_closed", v.user)
		payload["view"], payload["is_cleared"] = f.viewShape(v, nil), false
		f.deliver("interactive", payload, nil)
	}
	return nil
}
