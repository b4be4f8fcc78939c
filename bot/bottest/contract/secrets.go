package contract

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"watchstander/bot"
)

// note keeps an error for the search for secrets.
func (b *bench) note(err error) {
	if err == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.errs = append(b.errs, err)
}

// checkSecrets searches every word that the adapter let out.
func (b *bench) checkSecrets() {
	b.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, secret := range b.Secrets {
		for _, err := range b.errs {
			for e := err; e != nil; e = errors.Unwrap(e) {
				if strings.Contains(fmt.Sprintf("%v\n%+v\n%#v\n%s", e, e, e, bot.ForPeople(e)), secret) {
					b.Errorf("an error of type %T holds a secret", e)
				}
			}
		}
		if strings.Contains(b.log.String(), secret) {
			b.Error("the log holds a secret")
		}
	}
}

// record keeps a log, and shows it with the test.
type record struct {
	mu  sync.Mutex
	all bytes.Buffer
	out io.Writer
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all.Write(p)
	return r.out.Write(p)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.all.String()
}
