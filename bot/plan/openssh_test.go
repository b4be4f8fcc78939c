package plan

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"watchstander/bot"
)

// program finds a program of OpenSSH, or skips the test; CI has it.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err == nil {
		return path
	}
	if os.Getenv("WATCHSTANDER_REQUIRE_REAL") != "" {
		t.Fatal("no ", name)
	}
	t.Skip("no ", name)
	return ""
}

func ran(t *testing.T, stdin string, argv ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Stdin = strings.NewReader(stdin)
	cmd.Env = []string{"HOME=" + t.TempDir()}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func file(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// What we sign, OpenSSH takes: security keys too.
func TestOpenSSHVerifies(t *testing.T) {
	keygen := program(t, "ssh-keygen")
	s := stated(t)
	b, err := StatementBytes(s)
	if err != nil {
		t.Fatal(err)
	}
	verify := func(key ssh.PublicKey, text, message, namespace string) (string, error) {
		allowed := file(t, "allowed_signers", `alice namespaces="`+Namespace+`" `+string(ssh.MarshalAuthorizedKey(key)))
		return ran(t, message, keygen, "-Y", "verify", "-f", allowed, "-I", "alice", "-n", namespace, "-s", file(t, "sig", text))
	}
	for name, key := range keys(t) {
		text, err := Sign(s, key)
		if err != nil {
			t.Fatal(err)
		}
		if out, err := verify(key.PublicKey(), text, string(b), Namespace); err != nil || !strings.HasPrefix(out, `Good "`+Namespace+`" signature for alice`) {
			t.Errorf("%s: %s, %v", name, out, err)
		}
		if out, err := verify(key.PublicKey(), text, string(b)+"\n", Namespace); err == nil {
			t.Errorf("%s: with a line break more: %s", name, out)
		}
	}
}

// What OpenSSH signs, we take, where it is what we ask for.
func TestOpenSSHSigns(t *testing.T) {
	keygen := program(t, "ssh-keygen")
	s := stated(t)
	b, err := StatementBytes(s)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		key    []string
		sign   []string
		reason string // of the refusal, "" for none
	}{
		"ed25519":            {[]string{"-t", "ed25519"}, []string{"-n", Namespace}, ""},
		"ecdsa":              {[]string{"-t", "ecdsa", "-b", "521"}, []string{"-n", Namespace}, ""},
		"rsa":                {[]string{"-t", "rsa", "-b", "3072"}, []string{"-n", Namespace}, ""},
		"a short rsa key":    {[]string{"-t", "rsa", "-b", "2048"}, []string{"-n", Namespace}, "An RSA key of 2048 bits"},
		"another namespace":  {[]string{"-t", "ed25519"}, []string{"-n", "file"}, `it was made for "file"`},
		"another hash":       {[]string{"-t", "ed25519"}, []string{"-O", "hashalg=sha256", "-n", Namespace}, "it is over sha256"},
		"another statement!": {[]string{"-t", "ed25519"}, []string{"-n", Namespace}, "it is not of this statement"},
	} {
		key, message := filepath.Join(t.TempDir(), "key"), string(b)
		if name == "another statement!" {
			message += "\n"
		}
		if out, err := ran(t, "", append([]string{keygen, "-q", "-N", "", "-C", "alice", "-f", key}, c.key...)...); err != nil {
			t.Fatalf("%s: %s, %v", name, out, err)
		}
		to := file(t, "statement.json", message)
		if out, err := ran(t, "", append(append([]string{keygen, "-Y", "sign", "-f", key}, c.sign...), to)...); err != nil {
			if name == "another hash" {
				t.Logf("this ssh-keygen has no hashalg: %s", out)
				continue
			}
			t.Fatalf("%s: %s, %v", name, out, err)
		}
		text, err := os.ReadFile(to + ".sig")
		if err != nil {
			t.Fatal(err)
		}
		line, err := os.ReadFile(key + ".pub")
		if err != nil {
			t.Fatal(err)
		}
		public, _, _, _, err := ssh.ParseAuthorizedKey(line)
		if err != nil {
			t.Fatal(err)
		}
		err = VerifySignature(s, string(text), []ssh.PublicKey{public})
		if (err == nil) != (c.reason == "") || c.reason != "" && !strings.Contains(bot.ForPeople(err), c.reason) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A key that only an ssh-agent holds signs.
func TestSSHAgentSigns(t *testing.T) {
	program(t, "ssh-agent")
	// A socket's path must be short.
	dir, err := os.MkdirTemp("", "agent")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	socket := filepath.Join(dir, "s")
	cmd := exec.CommandContext(t.Context(), "ssh-agent", "-D", "-a", socket)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	conn := dialed(t, socket)
	defer conn.Close()
	client := agent.NewClient(conn)
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaFile := filepath.Join(t.TempDir(), "key")
	if out, err := ran(t, "", program(t, "ssh-keygen"), "-q", "-N", "", "-t", "rsa", "-b", "3072", "-f", rsaFile); err != nil {
		t.Fatal(out, err)
	}
	text, err := os.ReadFile(rsaFile)
	if err != nil {
		t.Fatal(err)
	}
	if block, _ := pem.Decode(text); block == nil {
		t.Fatal("ssh-keygen wrote no key")
	}
	long, err := ssh.ParseRawPrivateKey(text)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []any{&ed, long} {
		if err := client.Add(agent.AddedKey{PrivateKey: k}); err != nil {
			t.Fatal(err)
		}
	}
	signers, err := client.Signers()
	if err != nil || len(signers) != 2 {
		t.Fatal(len(signers), err)
	}
	for _, signer := range signers {
		signed, err := Sign(stated(t), signer)
		if err != nil {
			t.Errorf("%s: %v", signer.PublicKey().Type(), err)
			continue
		}
		if err := VerifySignature(stated(t), signed, []ssh.PublicKey{signer.PublicKey()}); err != nil {
			t.Errorf("%s: %v", signer.PublicKey().Type(), err)
		}
	}
}

// dialed waits until the agent has made its socket.
func dialed(t *testing.T, socket string) net.Conn {
	t.Helper()
	var dialer net.Dialer
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		conn, err := dialer.DialContext(t.Context(), "unix", socket)
		if err == nil {
			return conn
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}
