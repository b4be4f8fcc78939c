package main

// printed is an error as stderr may have it, which is a log as a rule: what others
// wrote stands in errors, and may hold a secret.
func printed(err error) string {
	out, _ := unknowing().Redact(err.Error())
	return out
}

// hushed is an error that says less than it holds.
type hushed struct {
	error
	text string
}

func (h hushed) Error() string { return h.text }
func (h hushed) Unwrap() error { return h.error }

// hush has hide look at what an error says: where somebody knows the secrets, more is
// found than by their form.
func hush(err error, hide func(string) string) error {
	if err == nil {
		return nil
	}
	if text := hide(err.Error()); text != err.Error() {
		return hushed{err, text}
	}
	return err
}
