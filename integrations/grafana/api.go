package grafana

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// mostAnswer bounds an answer, in bytes; 5000 dashboards have about 2 MiB.
const mostAnswer = 8 << 20

var (
	errToken    = errors.New("the token's file cannot be read, or is not one line")
	errRedirect = errors.New("it redirects elsewhere; configure the address that answers itself")
	errForeign  = errors.New("what answers there is no Grafana")
	errLarge    = errors.New("its answer is larger than I read")
)

// refused is an answer with a status that is no success.
type refused int

func (r refused) Error() string {
	switch r {
	case http.StatusUnauthorized:
		return "it knows nobody by that token (401)"
	case http.StatusForbidden:
		return "the token may not do that (403)"
	}
	return fmt.Sprintf("it answers %d", int(r))
}

// denied tells whether an error says that whoever asks may not know.
func denied(err error) bool {
	r, ok := errors.AsType[refused](err)
	return ok && (r == http.StatusUnauthorized || r == http.StatusForbidden)
}

// get asks, and reads the answer into one, also that of the status 400 and above. What the
// server or the network said is in no error: it may hold anything.
func (p *Probe) get(ctx context.Context, path string, query url.Values, into any) error {
	ctx, cancel := context.WithTimeout(ctx, p.o.Timeout)
	defer cancel()
	at := p.o.URL + path
	if len(query) > 0 {
		at += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return errForeign
	}
	req.Header.Set("Accept", "application/json")
	if p.o.Token != nil {
		token, err := p.o.Token()
		if token = strings.TrimSpace(token); err != nil || token == "" || strings.ContainsAny(token, "\r\n\x00") {
			return errToken
		}
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := p.client.Do(req)
	if err != nil {
		return unreached(ctx, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, mostAnswer+1))
	switch {
	case err != nil:
		return unreached(ctx, err)
	case len(body) > mostAnswer:
		return errLarge
	}
	bad := json.Unmarshal(body, into)
	switch {
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		return refused(resp.StatusCode)
	case bad != nil:
		return errForeign
	}
	return nil
}

// errAway is that it cannot be reached, with the reason.
type errAway string

func (e errAway) Error() string { return string(e) }

func unreached(ctx context.Context, err error) error {
	var why interface{ Timeout() bool }
	switch {
	case errors.Is(err, errRedirect):
		return errRedirect
	case ctx.Err() != nil, errors.As(err, &why) && why.Timeout():
		return errAway("no answer in time")
	}
	// `Get "http://…": dial tcp …: connect: connection refused`: the end says why.
	text := err.Error()
	if i := strings.LastIndex(text, ": "); i >= 0 {
		text = text[i+2:]
	}
	return errAway(said(text))
}
