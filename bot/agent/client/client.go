// Package client asks an agent over its Unix socket: an api.Agent for the bot,
// and for people on the host. It believes no more than it must: answers are
// bounded, and an error that is none of the agent's own says only that it does
// not answer.
//
// Neighbours: bot/agent/api has the questions, bot/agent the server; main makes
// one client for each host with an agent.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"syscall"
	"time"

	"watchstander/bot"
	"watchstander/bot/agent/api"
	"watchstander/bot/journal"
)

// answerTime is longer than the agent takes for anything; who wants to wait for
// less says so with the context.
const answerTime = 7 * time.Minute

// thereTime is how long an agent may take to answer at all: longer than a restart.
const thereTime = 15 * time.Second

// Client is the agent behind one socket. It is safe for concurrent use.
type Client struct {
	http *http.Client
	// patience is thereTime; tests have little.
	patience time.Duration
}

var _ api.Agent = (*Client)(nil)

// New makes a client of the socket at path. It connects when it is first asked.
func New(path string) *Client {
	dial := net.Dialer{Timeout: 5 * time.Second}
	return &Client{patience: thereTime, http: &http.Client{
		Timeout: answerTime,
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return dial.DialContext(ctx, "unix", path) },
			// A bot that is busy keeps a few; the agent bounds them all.
			MaxConnsPerHost: 16, MaxIdleConns: 4, IdleConnTimeout: time.Minute,
			DisableCompression: true, MaxResponseHeaderBytes: 16 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Close lets go of idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// ask puts a question to an agent that is there. systemd holds the socket of one
// that does not come up, so that nobody refuses: what may take minutes is asked only
// of an agent that has just answered.
func ask[A any](ctx context.Context, c *Client, path string, q any) (a A, err error) {
	body, err := json.Marshal(q)
	if err != nil {
		return a, err
	}
	if len(body) > api.MaxRequest {
		return a, bot.Errorf(bot.CodeInvalid, "That is more than the agent reads at once.")
	}
	there, cancel := context.WithTimeout(ctx, c.patience)
	defer cancel()
	if _, err := c.Proposals(there, api.Since{Stamp: math.MaxInt64}); errors.Is(err, api.ErrAway) {
		return a, err
	}
	return put[A](ctx, c, path, body)
}

func put[A any](ctx context.Context, c *Client, path string, body []byte) (a A, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://agent"+path, bytes.NewReader(body))
	if err != nil {
		return a, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.http.Do(req)
	if err != nil {
		return a, unanswered(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, api.MaxAnswer+1))
	switch {
	case err != nil:
		return a, unanswered(err)
	case len(data) > api.MaxAnswer:
		return a, bot.Errorf(bot.CodeUnavailable, "The agent's answer is longer than what is read.")
	case resp.StatusCode != http.StatusOK:
		return a, failure(data)
	}
	if err := json.Unmarshal(data, &a); err != nil {
		return a, bot.Errorf(bot.CodeUnavailable, "The agent's answer cannot be read; it may be of another version.").Because(err)
	}
	return a, nil
}

func failure(data []byte) error {
	var f api.Failure
	if err := json.Unmarshal(data, &f); err != nil || !known(f.Code) || f.Message == "" || len(f.Message) > maxMessage {
		return bot.Errorf(bot.CodeUnavailable, "What answers there is no agent.").Because(err)
	}
	return bot.Errorf(f.Code, "%s", f.Message)
}

// maxMessage is longer than any error's message of an agent, in bytes.
const maxMessage = 8 << 10

func known(c bot.Code) bool {
	switch c {
	case bot.CodeInvalid, bot.CodeForbidden, bot.CodeNotFound, bot.CodeConflict, bot.CodeUnavailable, bot.CodeInternal:
		return true
	}
	return false
}

func unanswered(err error) error {
	cause := errors.Join(api.ErrAway, err)
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return bot.Errorf(bot.CodeUnavailable, "The agent did not answer in time.").Because(cause)
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		return bot.Errorf(bot.CodeUnavailable, "The agent's socket does not let us in.").Because(cause)
	}
	return bot.Errorf(bot.CodeUnavailable, "The agent does not answer.").Because(cause)
}

// Propose is api.Agent's.
func (c *Client) Propose(ctx context.Context, q api.Propose) (bot.Proposal, error) {
	return ask[bot.Proposal](ctx, c, api.PathPropose, q)
}

// Shown is api.Agent's.
func (c *Client) Shown(ctx context.Context, q api.Shown) (bot.Proposal, error) {
	return ask[bot.Proposal](ctx, c, api.PathShown, q)
}

// Decide is api.Agent's.
func (c *Client) Decide(ctx context.Context, q api.Decide) (bot.Proposal, error) {
	return ask[bot.Proposal](ctx, c, api.PathDecide, q)
}

// Withdraw is api.Agent's.
func (c *Client) Withdraw(ctx context.Context, q api.Withdraw) (bot.Proposal, error) {
	return ask[bot.Proposal](ctx, c, api.PathWithdraw, q)
}

// Cancel is api.Agent's.
func (c *Client) Cancel(ctx context.Context, q api.Cancel) (bot.Proposal, error) {
	return ask[bot.Proposal](ctx, c, api.PathCancel, q)
}

// Confirm is api.Agent's.
func (c *Client) Confirm(ctx context.Context, q api.Confirm) (bot.Proposal, error) {
	return ask[bot.Proposal](ctx, c, api.PathConfirm, q)
}

// Spend is api.Agent's.
func (c *Client) Spend(ctx context.Context, q api.Spend) (api.Nothing, error) {
	return ask[api.Nothing](ctx, c, api.PathSpend, q)
}

// Statement is api.Agent's.
func (c *Client) Statement(ctx context.Context, q api.Statement) (bot.Statement, error) {
	return ask[bot.Statement](ctx, c, api.PathStatement, q)
}

// Proposals is api.Agent's.
func (c *Client) Proposals(ctx context.Context, q api.Since) (api.Page, error) {
	body, err := json.Marshal(q)
	if err != nil {
		return api.Page{}, err
	}
	return put[api.Page](ctx, c, api.PathProposals, body)
}

// Look is api.Agent's.
func (c *Client) Look(ctx context.Context, q api.Look) (json.RawMessage, error) {
	return ask[json.RawMessage](ctx, c, api.PathLook, q)
}

// Readings is api.Agent's.
func (c *Client) Readings(ctx context.Context, q api.Nothing) ([]bot.Reading, error) {
	return ask[[]bot.Reading](ctx, c, api.PathReadings, q)
}

// Heads is api.Agent's.
func (c *Client) Heads(ctx context.Context, q api.Heads) (journal.Head, error) {
	return ask[journal.Head](ctx, c, api.PathHeads, q)
}

// Trigger is api.Agent's.
func (c *Client) Trigger(ctx context.Context, q api.Trigger) (bot.Proposal, error) {
	return ask[bot.Proposal](ctx, c, api.PathTrigger, q)
}

// BreakGlass is api.Agent's.
func (c *Client) BreakGlass(ctx context.Context, q api.BreakGlass) (bot.Proposal, error) {
	return ask[bot.Proposal](ctx, c, api.PathBreakGlass, q)
}

// BreakGlassRun is api.Agent's.
func (c *Client) BreakGlassRun(ctx context.Context, q api.BreakGlassRun) (bot.Proposal, error) {
	return ask[bot.Proposal](ctx, c, api.PathBreakGlassRun, q)
}
