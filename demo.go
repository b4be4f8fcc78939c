package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"watchstander/bot"
	"watchstander/bot/config"
	"watchstander/integrations/alertmanager/alertmanagertest"
	"watchstander/integrations/console"
)

func demoCommand() *cobra.Command {
	var tour, slackFake bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Try it here: a simulated host and Alertmanager, in this terminal",
		Long: `Run the real bot and the real agent, in this terminal, on a simulated NixOS host
with a simulated Alertmanager. Nothing is installed or kept. Alerts fire, grow
and end by themselves; type commands as an operator would, post an alert of your
own, or have something done on the host: rollback, zfs arc set, service restart,
backup verify (of a real repository, where restic is installed). A second person,
whom some plans need, is played by the demo.

--tour plays a scripted visit, prints it, and fails when something went wrong.

--slack-fake puts a Slack channel in this terminal's place: the bot's real part for
Slack, against a fake of Slack in this process, whose messages are drawn as text. It
needs no workspace, and reaches none.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d, err := makeDemo(cmd.Context(), slackFake)
			if err != nil {
				return err
			}
			return d.run(cmd.Context(), func(ctx context.Context) error {
				switch in, out := cmd.InOrStdin(), cmd.OutOrStdout(); {
				case slackFake && tour:
					return d.slackTour(ctx, out)
				case slackFake:
					return d.slackVisit(ctx, in, out)
				case tour:
					return d.tour(ctx, out)
				default:
					return d.visit(ctx, in, out)
				}
			})
		},
	}
	cmd.Flags().BoolVar(&tour, "tour", false, "play a scripted visit without a terminal")
	cmd.Flags().BoolVar(&slackFake, "slack-fake", false, "show it in a fake of Slack")
	return cmd
}

// demo is the real house around a simulated world.
type demo struct {
	dir      demoDir
	token    string
	h        *house
	am       *alertmanagertest.Alertmanager
	amServer *http.Server
	amListen net.Listener
	listener net.Listener
	host     *simulatedHost
	operated *demoOperated
	slack    *demoSlack // nil: the chat is this terminal
}

// demoUser is who types in the demo: this process's own user.
func demoUser() bot.UserID { return config.ConsoleUser(os.Getuid()) }

func newDemo(ctx context.Context) (*demo, error) { return makeDemo(ctx, false) }

// makeDemo makes a demo in this terminal, or in a fake of Slack.
func makeDemo(ctx context.Context, slackFake bool) (_ *demo, err error) {
	d := &demo{token: rand.Text(), host: newSimulatedHost(time.Now())}
	if d.dir, err = newDemoDir(os.TempDir()); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.dir.remove())
		}
	}()
	if d.operated, err = newDemoOperated(d.dir); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.operated.close())
		}
	}()
	if slackFake {
		if d.slack, err = newDemoSlack(d.dir); err != nil {
			return nil, err
		}
		defer func() {
			if err != nil {
				d.slack.fake.Close()
			}
		}()
	}
	var listen net.ListenConfig
	if d.amListen, err = listen.Listen(ctx, "tcp", "127.0.0.1:0"); err != nil {
		return nil, err
	}
	if d.listener, err = listen.Listen(ctx, "tcp", "127.0.0.1:0"); err != nil {
		return nil, errors.Join(err, d.amListen.Close())
	}
	if err = os.WriteFile(d.dir.file("token"), []byte(d.token), 0o600); err != nil {
		return nil, err
	}
	d.am = alertmanagertest.New(alertmanagertest.Options{
		Name: "demo", ExternalURL: "http://" + d.amListen.Addr().String(),
		Routes: []alertmanagertest.Route{
			{Receiver: "watchstander", Matchers: []string{`alertname="Watchdog"`}, GroupWait: time.Millisecond, GroupInterval: 20 * time.Second, RepeatInterval: 20 * time.Second},
			{Receiver: "watchstander", GroupBy: []string{"alertname"}, GroupWait: 500 * time.Millisecond, GroupInterval: 2 * time.Second, RepeatInterval: time.Hour},
		},
		Receivers: []alertmanagertest.Receiver{{Name: "watchstander", Header: http.Header{"Authorization": {"Bearer " + d.token}}}},
	})
	d.amServer = &http.Server{Handler: d.front(), ReadHeaderTimeout: 5 * time.Second}
	c, err := config.Parse([]byte(d.config()), config.Options{File: d.dir.file("config.yaml"), Getenv: func(string) string { return "" }})
	if err != nil {
		return nil, err
	}
	st := stage{adjust: simulated(d.host), agents: d.operated.agents(), settleAfter: time.Millisecond}
	if d.slack != nil {
		st.slackAPI = d.slack.fake.URL()
	}
	d.h, err = build(ctx, c, slog.New(slog.DiscardHandler), st)
	if err != nil {
		return nil, err
	}
	d.am.SetHandler("watchstander", d.h.handlers[0])
	return d, nil
}

// front is the simulated Alertmanager with a page for those who follow a
// thread's link to it.
func (d *demo) front() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", d.am)
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `<!doctype html>
<title>Watchstander's demo</title>
<p>This Alertmanager is simulated, and has no more to look at than its
<a href="/api/v2/alerts">alerts</a> and <a href="/api/v2/silences">silences</a>.
`) // to a browser that may have gone
	})
	return mux
}

// config is a whole configuration, as small as they get.
func (d *demo) config() string {
	chats := fmt.Sprintf("chats: [{name: console, console: {socket: %q}}]", d.dir.file("socket"))
	alice, bob, room := fmt.Sprintf("uid: [%d]", os.Getuid()), fmt.Sprintf("uid: [%d]", bobUID), "console"
	if d.slack != nil {
		chats, alice, bob, room = d.slack.chats(), d.slack.account(slackAlice), d.slack.account(slackBob), slackRoom
	}
	return fmt.Sprintf(`
version: 1
zone: %s
state: {path: %q}
listen: %s
hosts:
  - {name: vulcan, match: ['instance="vulcan"'], agent: {}}
%s
people:
  - {name: alice, roles: [operator, approver], %s}
  - {name: bob, roles: [approver], %s}
alertmanagers:
  - {name: demo, urls: ["http://%s"], receivers: [watchstander], poll: 2s}
webhooks:
  - {name: demo, alertmanager: demo, bearer_token_file: token}
routes:
  - {match: ['alertname="Watchdog"'], as: heartbeat, absent_after: 2m, rooms: [%[8]s]}
  - {rooms: [%[8]s]}
`, zoneName(), d.dir.file("state.db"), d.listener.Addr(), chats, alice, bob, d.amListen.Addr(), room)
}

// zoneName is the zone of this terminal, as far as its name can be known.
func zoneName() string {
	name := time.Local.String()
	if _, err := time.LoadLocation(name); err != nil || name == "Local" {
		return "UTC"
	}
	return name
}

// run keeps the world going while somebody visits, and clears it away.
func (d *demo) run(ctx context.Context, visit func(context.Context) error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var wg sync.WaitGroup
	var ran, acted error
	wg.Go(func() { ran = d.h.run(ctx, d.listener); stop() })
	wg.Go(func() { acted = d.operated.core.Run(ctx); stop() })
	wg.Go(func() { d.am.Run(ctx) })
	wg.Go(func() { _ = d.amServer.Serve(d.amListen) }) // ends with Close below
	err := visit(ctx)
	stop()
	closed := d.amServer.Close()
	wg.Wait()
	if errors.Is(err, context.Canceled) {
		err = nil
	}
	if errors.Is(acted, context.Canceled) {
		acted = nil
	}
	all := errors.Join(err, ran, acted, closed, d.h.close(), d.operated.close())
	if d.slack != nil {
		d.slack.fake.Close()
	}
	return errors.Join(all, d.dir.remove())
}

// visit is the demo with somebody at the keyboard.
func (d *demo) visit(ctx context.Context, in io.Reader, out io.Writer) error {
	fmt.Fprintf(out, `Watchstander, on a simulated NixOS host named vulcan with a simulated
Alertmanager. You are alice, an operator. Alerts will fire in a moment. Type
help, status, alerts; "ack t1 looking" speaks in thread t1, "silence t1 1h"
silences it. Ctrl-D leaves and ends the demo; Ctrl-C clears a line that was
begun, and leaves where there is none.

Have something done on the host, too: "rollback" makes a plan, to which somebody
else must agree: bob, whom this demo plays. "rollback %d" goes wrong, and is
undone. To "zfs arc set max 32G", "service restart nginx" and "backup verify"
you may agree yourself: "approve t3" in their thread, or "deny t3 because …",
"cancel t3". After "rollback 39" somebody must say that all is well: "confirm t3".
"service restart smokeping" waits for its window. "service restart postgresql"
wants a code of yours, "approve t3 123456", from an authenticator with the seed
that was made for this demo (or from oathtool --totp -b SEED):

  %s

An alert of your own, from another terminal:

%s

`, demoBroken, d.operated.proofs.seed, d.curl())
	if f, ok := in.(*os.File); ok && !term.IsTerminal(int(f.Fd())) {
		fmt.Fprint(out, noTerminal)
	}
	// Before anybody can ask for it: what is known of a repository is asked for again
	// after minutes only.
	switch err := d.operated.backUp(ctx); {
	case errors.Is(err, errNoRestic):
		fmt.Fprintf(out, "%s\n\n", noRestic)
	case err != nil:
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var wg sync.WaitGroup
	notes := make(chan string)
	wg.Go(func() { d.play(ctx, notes) })
	bob := d.newBob(ctx)
	wg.Go(func() { bob.agrees(ctx, d.operated.bots(), notes) })
	err := console.Local(ctx, d.h.consoles[0], demoUser(), in, out,
		console.ClientOptions{HistoryFile: os.DevNull, SaveDir: savedDir(), Notes: notes})
	stop()
	bob.leave()
	wg.Wait()
	return err
}

// noTerminal is said where nobody can type, or only what was written before.
const noTerminal = `Standard input is no terminal: its lines are taken one by one, and the demo ends
with them. A scripted visit without a terminal: demo --tour.

`

// curl is how a visitor posts an alert.
func (d *demo) curl() string {
	return fmt.Sprintf(`  curl http://%s/api/v2/alerts \
    -H 'Content-Type: application/json' \
    -d '[{"labels":{"alertname":"MyAlert","severity":"critical",
          "instance":"vulcan"},"annotations":{"summary":"Made by hand"}}]'`, d.amListen.Addr())
}
