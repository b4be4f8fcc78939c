package api

import (
	"errors"
	"net/http"

	"watchstander/bot"
)

// Paths of the questions at a socket.
const (
	PathPropose       = "/v1/propose"
	PathShown         = "/v1/shown"
	PathDecide        = "/v1/decide"
	PathWithdraw      = "/v1/withdraw"
	PathCancel        = "/v1/cancel"
	PathConfirm       = "/v1/confirm"
	PathSpend         = "/v1/spend"
	PathStatement     = "/v1/statement"
	PathProposals     = "/v1/proposals"
	PathLook          = "/v1/look"
	PathReadings      = "/v1/readings"
	PathHeads         = "/v1/heads"
	PathTrigger       = "/v1/trigger"
	PathBreakGlass    = "/v1/break-glass"
	PathBreakGlassRun = "/v1/break-glass-run"
)

// ErrAway is wrapped by what a client says when no agent answered: whether the
// question reached one is not known.
var ErrAway = errors.New("no agent answered")

// Failure is how an error travels.
type Failure struct {
	Code    bot.Code `json:"code"`
	Message string   `json:"message"`
}

// Status is the HTTP status that goes with a code.
func Status(c bot.Code) int {
	switch c {
	case bot.CodeInvalid:
		return http.StatusBadRequest
	case bot.CodeForbidden:
		return http.StatusForbidden
	case bot.CodeNotFound:
		return http.StatusNotFound
	case bot.CodeConflict:
		return http.StatusConflict
	case bot.CodeUnavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}
