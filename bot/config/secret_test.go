package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"watchstander/bot/config"
)

func TestSecretRead(t *testing.T) {
	dir := t.TempDir()
	file := func(name, value string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(value), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(file("target", "hunter2", 0o440), link); err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct{ path, want, fault string }{
		{path: file("plain", "hunter2", 0o600), want: "hunter2"},
		{path: file("newline", " hunter2 \t\r\n\n", 0o400), want: " hunter2"},
		{path: file("group", "hunter2", 0o440), want: "hunter2"},
		{path: link, want: "hunter2"},
		{path: file("64KiB", strings.Repeat("x", 64<<10), 0o600), want: strings.Repeat("x", 64<<10)},
		{path: file("larger", strings.Repeat("x", 64<<10)+"\n", 0o600), fault: "is larger than 64 KiB"},
		{path: file("others", "hunter2", 0o604), fault: "has mode 0604"},
		{path: file("all", "hunter2", 0o644), fault: "has mode 0644"},
		{path: file("group_writes", "hunter2", 0o660), fault: "has mode 0660"},
		{path: file("nothing", "", 0o600), fault: "is empty"},
		{path: file("white", " \n\t\n", 0o600), fault: "is empty"},
		{path: file("lines", "hunter2\nhunter2\n", 0o600), fault: "more than one line"},
		{path: file("zero", "hunter2\x00", 0o600), fault: "more than one line of plain text"},
		{path: filepath.Join(dir, "missing"), fault: "does not exist"},
		{path: dir, fault: "is no regular file"},
		{path: pipe, fault: "is no regular file"},
	} {
		s := config.SecretFile(x.path)
		got, err := s.Read()
		switch {
		case x.fault == "" && (err != nil || got != x.want):
			t.Errorf("%s: %q, %v", x.path, got, err)
		case x.fault != "" && (err == nil || !strings.Contains(err.Error(), "the secret's file "+x.path+" ") || !strings.Contains(err.Error(), x.fault) || strings.Contains(err.Error(), "hunter2") || got != ""):
			t.Errorf("%s: %q, %v", x.path, got, err)
		}
		for _, shown := range []string{fmt.Sprintf("%v %+v %s %#v", s, s, s, s), fmt.Sprintf("%v %+v", &s, []config.Secret{s})} {
			if strings.Contains(shown, "hunter2") || strings.Contains(shown, dir) {
				t.Errorf("%s shows %s", x.path, shown)
			}
		}
	}
}

// TestSecretChanges: a secret is read when it is needed.
func TestSecretChanges(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	s := config.SecretFile(path)
	for _, want := range []string{"one", "two"} {
		if err := os.WriteFile(path, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Read(); got != want || err != nil {
			t.Errorf("%q, %v", got, err)
		}
	}
}

func TestSecretFolders(t *testing.T) {
	dir, credentials := t.TempDir(), t.TempDir()
	write := func(folder, name, value string, mode os.FileMode) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(folder, name), []byte(value), mode); err != nil {
			t.Fatal(err)
		}
	}
	write(dir, "matrix-token", "beside the file", 0o600)
	write(dir, "webhook-token", "beside the file", 0o600)
	write(dir, "config.yaml", string(whole("version: 1\n")), 0o644)
	path := filepath.Join(dir, "config.yaml")
	token := func(o config.Options) (string, error) {
		c, err := config.Load(path, o)
		if err != nil {
			return "", err
		}
		return c.Chats[0].Matrix.Token.Read()
	}

	if got, err := token(config.Options{}); got != "beside the file" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	t.Chdir(dir)
	path = "config.yaml"
	if got, err := token(config.Options{}); got != "beside the file" || err != nil {
		t.Errorf("%q, %v", got, err)
	}

	// With a credentials directory, nothing is looked for elsewhere.
	o := config.Options{Getenv: env("CREDENTIALS_DIRECTORY", credentials)}
	_, err := token(o)
	want := "config.yaml:2:120: chats[0].matrix.token_file: the secret's file does not exist (looked up in $CREDENTIALS_DIRECTORY)"
	if f := faultsOf(t, err); len(f) != 2 || f[0].String() != want {
		t.Error(err)
	}
	// Without one, the place where it was looked for is another, and said so. What may
	// be a secret that somebody pasted there is not repeated; a path that can be nothing
	// else is.
	absent := func(value string) error {
		write(dir, "absent.yaml", strings.Replace(string(whole("version: 1\n")), "token_file: matrix-token", "token_file: "+value, 1), 0o644)
		_, err := config.Load("absent.yaml", config.Options{})
		return err
	}
	for value, want := range map[string]string{
		"hunter2":                      "the secret's file does not exist (looked up in the configuration file's folder, since $CREDENTIALS_DIRECTORY is not set)",
		"/hunter2":                     "the secret's file does not exist (its path is absolute)",
		"/hunter2/hunter2":             "the secret's file does not exist (its path is absolute)",
		filepath.Join(dir, "lost"):     "the secret's file " + filepath.Join(dir, "lost") + " does not exist",
		filepath.Join(dir, "no", "it"): "the secret's file does not exist (its path is absolute)",
	} {
		err := absent(value)
		if f := faultsOf(t, err); len(f) != 1 || f[0].Message != want || f[0].Field != "chats[0].matrix.token_file" {
			t.Errorf("%s: %v", value, err)
		}
	}
	// A unit's word on where its secrets lie counts for all, and a path of it is shown.
	handed := map[string]string{"matrix-token": filepath.Join(credentials, "elsewhere"), "webhook-token": filepath.Join(credentials, "no", "such")}
	write(credentials, "elsewhere", "from the unit's place", 0o444)
	o.Credentials = handed
	_, err = config.Load(path, o)
	if f := faultsOf(t, err); len(f) != 1 || f[0].Message != "the secret's file "+handed["webhook-token"]+" does not exist" {
		t.Error(err)
	}
	delete(handed, "webhook-token")
	_, err = config.Load(path, o)
	if f := faultsOf(t, err); len(f) != 1 || f[0].Field != "webhooks[0].bearer_token_file" || f[0].Message != "the unit hands over no secret of this name: add a LoadCredential= to it" {
		t.Error(err)
	}
	handed["webhook-token"] = handed["matrix-token"]
	if got, err := token(o); got != "from the unit's place" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	o.Credentials = nil

	// systemd's modes there are its own affair.
	write(credentials, "matrix-token", "from systemd", 0o444)
	write(credentials, "webhook-token", "from systemd", 0o444)
	if got, err := token(o); got != "from systemd" || err != nil {
		t.Errorf("%q, %v", got, err)
	}

	// An absolute path stays what it is, and is recognised inside the directory.
	text := strings.Replace(string(whole("version: 1\n")), "token_file: matrix-token", "token_file: "+filepath.Join(credentials, "matrix-token"), 1)
	write(dir, "config.yaml", text, 0o644)
	if got, err := token(o); got != "from systemd" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := token(config.Options{}); !strings.Contains(fmt.Sprint(err), "has mode 0444") {
		t.Error(err)
	}

	// A check elsewhere goes without them.
	if _, err := config.Load(path, config.Options{WithoutSecrets: true}); err != nil {
		t.Error(err)
	}
}

// TestPastedSecret: whoever writes the token itself where its file belongs does
// not find it in the log.
func TestPastedSecret(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.yaml")
	text := strings.NewReplacer("matrix-token", "syt_hunter2", "webhook-token", "/hunter2+base64==").Replace(string(whole("version: 1\n")))
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := config.Load(path, config.Options{})
	if f := faultsOf(t, err); len(f) != 2 || strings.Contains(f.Error(), "hunter2") {
		t.Error(err)
	}
}

func TestDeadManAddress(t *testing.T) {
	dir := t.TempDir()
	write := func(name, value string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(value), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("matrix-token", "a")
	write("webhook-token", "b")
	write("config.yaml", string(whole("dead_man: {url_file: url}\n")))
	for value, want := range map[string]string{
		"https://example.org/ping/hunter2?x=1": "",
		"hunter2":                              "the secret's file holds no address that can be called: an address begins with http:// or https://",
		"https://bob:hunter2@example.org/":     "the secret's file holds no address that can be called: an address holds no user name or password, which have keys and files of their own",
	} {
		write("url", value)
		_, err := config.Load(filepath.Join(dir, "config.yaml"), config.Options{})
		got := ""
		if err != nil {
			got = faultsOf(t, err)[0].Message
		}
		if got != want {
			t.Errorf("%s: %s", value, got)
		}
	}
}
