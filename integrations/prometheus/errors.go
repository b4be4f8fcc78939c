package prometheus

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"

	"watchstander/bot"
	"watchstander/bot/phrase"
)

// What can go wrong, for errors.Is. Each comes wrapped in a *bot.Error whose
// message tells people what to do.
var (
	// ErrTooLarge: the answer has more bytes than Config.MaxBody.
	ErrTooLarge = errors.New("the answer is too large")
	// ErrTimeout: no whole answer within Config.Timeout.
	ErrTimeout = errors.New("no answer in time")
	// ErrCredentials: a credential's file cannot be used, or the server refused it.
	ErrCredentials = errors.New("the credentials do not work")
	// ErrExpression: the server did not understand or did not finish the expression.
	ErrExpression = errors.New("the expression was refused")
	// ErrUnavailable: the server cannot be reached or is in trouble.
	ErrUnavailable = errors.New("the server does not work")
	// ErrNoExpression: an alert's generatorURL holds no expression.
	ErrNoExpression = errors.New("no expression in the alert's generatorURL")
	// ErrNoSeries: the expression has no series in the time range.
	ErrNoSeries = errors.New("the expression gave no series")

	errRedirect = errors.New("the server redirects")
)

// explain makes a failed call into an error for people. What the server or the
// network said goes into the cause, shortened.
func explain(ctx context.Context, err error, timeout time.Duration) error {
	var api *v1.Error
	var netErr net.Error
	var long *http.MaxBytesError
	isAPI := errors.As(err, &api)
	wrap := func(code bot.Code, kind error, message string) error {
		return bot.Errorf(code, "%s", message).Because(fmt.Errorf("%w: %s", kind, said(err)))
	}
	switch {
	case err == nil:
		return nil
	case errors.As(err, &long):
		return wrap(bot.CodeInvalid, ErrTooLarge,
			"Prometheus' answer is too large to draw. Narrow the expression (fewer series) or the time range.")
	case errors.Is(err, ErrCredentials):
		return wrap(bot.CodeUnavailable, ErrCredentials,
			"The credentials for Prometheus cannot be read. Look at the credential's file and its permissions.")
	case errors.Is(err, errRedirect):
		return wrap(bot.CodeUnavailable, ErrUnavailable,
			"Prometheus redirects to another address. Configure the final address.")
	case errors.Is(ctx.Err(), context.Canceled):
		return wrap(bot.CodeUnavailable, context.Canceled, "Asking Prometheus was broken off.")
	case ctx.Err() != nil, errors.As(err, &netErr) && netErr.Timeout(),
		isAPI && (api.Type == v1.ErrTimeout || strings.Contains(api.Detail, `"errorType":"timeout"`)):
		return wrap(bot.CodeUnavailable, ErrTimeout,
			fmt.Sprintf("Prometheus gave no answer within %s. Try a shorter time range, and look at the server's load.", phrase.Duration(timeout)))
	case isAPI && (strings.HasSuffix(api.Msg, " 401") || strings.HasSuffix(api.Msg, " 403")):
		return wrap(bot.CodeUnavailable, ErrCredentials,
			"Prometheus refused our credentials. Look at the token or password that is configured for it.")
	case isAPI && (api.Type == v1.ErrBadData || api.Type == v1.ErrExec):
		return wrap(bot.CodeInvalid, ErrExpression,
			"Prometheus refused the expression: "+oneLine(api.Msg))
	}
	if isAPI && strings.HasPrefix(api.Msg, "unexpected value type") {
		return wrap(bot.CodeInvalid, ErrExpression, "The expression does not give numbers.")
	}
	return wrap(bot.CodeUnavailable, ErrUnavailable,
		"Prometheus does not answer as it should. Look whether it runs and whether its address is right.")
}

// said is an error's text without addresses that could hold credentials, and
// without a server's whole page.
func said(err error) string {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	s := err.Error()
	if e, ok := errors.AsType[*v1.Error](err); ok && e.Detail != "" {
		s += " (" + e.Detail + ")"
	}
	return oneLine(s)
}

// oneLine makes foreign text fit for one line of a log or a chat.
func oneLine(s string) string {
	const most = 300
	var b strings.Builder
	n := 0
	for _, r := range s {
		if unicode.IsSpace(r) {
			r = ' '
		} else if unicode.In(r, unicode.C) {
			continue
		}
		if n++; n > most {
			b.WriteString("…")
			break
		}
		b.WriteRune(r)
	}
	return strings.Join(strings.Fields(b.String()), " ")
}
