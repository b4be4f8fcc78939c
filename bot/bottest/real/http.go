package real

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// client keeps no connection open, so that it leaves no goroutine behind and
// never meets a dead connection after a part was restarted.
var client = &http.Client{
	Timeout:   30 * time.Second,
	Transport: &http.Transport{DisableKeepAlives: true},
}

// StatusError is an answer other than 2xx.
type StatusError struct {
	Method, Path string // the path without the query, which may hold a token
	Status       int
	Header       http.Header
	Body         []byte
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("%s %s: %d %s: %s", e.Method, e.Path, e.Status, http.StatusText(e.Status), bytes.TrimSpace(e.Body))
}

// do sends one request and returns the body of its 2xx answer.
func do(ctx context.Context, method, url string, header http.Header, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for key, values := range header {
		req.Header[key] = values
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("%s %s: the answer broke off: %w", method, req.URL.Path, err)
	}
	if resp.StatusCode/100 != 2 {
		return nil, &StatusError{Method: method, Path: req.URL.Path, Status: resp.StatusCode, Header: resp.Header, Body: answer}
	}
	return answer, nil
}

// doJSON sends in (nil: no body) as JSON and decodes the answer into out (nil:
// the answer is not looked at).
func doJSON(ctx context.Context, method, url string, header http.Header, in, out any) error {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return err
		}
		header = header.Clone()
		if header == nil {
			header = http.Header{}
		}
		header.Set("Content-Type", "application/json")
	}
	answer, err := do(ctx, method, url, header, body)
	if err != nil || out == nil {
		return err
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return fmt.Errorf("%s: the answer is not the JSON that was expected: %w", method, err)
	}
	return nil
}

// answers is a [Command.Ready] that wants a 2xx from url.
func answers(url string) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := do(ctx, http.MethodGet, url, nil, nil)
		return err
	}
}
