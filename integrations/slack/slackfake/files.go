package slackfake

import (
	"encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// file is an uploaded file. It is seen by its uploader alone until a message refers to
// it.
type file struct {
	id, name, title, alt string
	length               int
	data                 []byte
	uploaded, complete   bool
	readyAt              time.Time
	shared               []string // channels
}

// File is what a test can read of an uploaded file.
type File struct {
	ID, Name, Title, Alt string
	Data                 []byte
	// Complete tells that files.completeUploadExternal was called; Shared are the
	// channels in which a message shows or links it.
	Complete bool
	Shared   []string
}

// Files are all files that were uploaded, those without a home too.
func (f *Fake) Files() []File {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []File
	for _, x := range f.files {
		if x.uploaded {
			all = append(all, File{ID: x.id, Name: x.name, Title: x.title, Alt: x.alt, Data: slices.Clone(x.data), Complete: x.complete, Shared: slices.Clone(x.shared)})
		}
	}
	slices.SortFunc(all, func(a, b File) int { return strings.Compare(a.ID, b.ID) })
	return all
}

func (f *Fake) getUploadURL(c *call) *failure {
	n, err := strconv.Atoi(c.args.Get("length"))
	if err != nil || n < 1 || n > 1<<30 {
		return fail("invalid_arguments", "length must be the file's size in bytes")
	}
	name := c.args.Get("filename")
	if strings.ContainsAny(name, "/\\\x00\n") {
		return fail("invalid_arguments", "filename is no name of a file")
	}
	alt := c.args.Get("alt_txt") + c.args.Get("alt_text")
	if len([]rune(alt)) > 1000 {
		return fail("alt_txt_too_large") // documented: at most 1,000 characters
	}
	x := &file{id: f.newID("F"), name: name, length: n, alt: alt}
	secret := f.secret()
	f.files[x.id], f.uploads[secret] = x, x
	c.took = true
	c.out["upload_url"], c.out["file_id"] = "http://"+f.host+"/upload/v1/"+secret, x.id
	return nil
}

// serveUpload takes a file's bytes: raw, or as a form's file (documented: both). What
// has not the promised length is refused.
func (f *Fake) serveUpload(w http.ResponseWriter, r *http.Request, secret string) {
	data, err := uploaded(r)
	c := &call{f: f, method: "upload", at: f.now(), record: Call{Method: "upload", At: f.now(), Status: http.StatusOK}}
	f.mu.Lock()
	trouble := f.troubleFor("upload", "")
	f.mu.Unlock()
	if trouble != nil && !f.before(w, r, c, trouble) {
		return
	}
	f.mu.Lock()
	x := f.uploads[secret]
	status := http.StatusOK
	switch {
	case r.Method != http.MethodPost:
		status = http.StatusMethodNotAllowed
	case x == nil, x.uploaded:
		status = http.StatusNotFound // an upload's address is for one upload
	case err != nil, len(data) != x.length:
		status = http.StatusBadRequest
	default:
		x.data, x.uploaded, c.record.Took = data, true, true
		delete(f.uploads, secret)
	}
	c.record.Status = status
	f.calls = append(f.calls, c.record)
	f.mu.Unlock()
	if trouble != nil && !f.afterwards(w, r, c, trouble) {
		return
	}
	w.WriteHeader(status)
	if status == http.StatusOK {
		_, _ = io.WriteString(w, "OK - "+strconv.Itoa(len(data)))
	}
}

func uploaded(r *http.Request) ([]byte, error) {
	kind, params, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	body := io.LimitReader(r.Body, maxBody)
	if kind != "multipart/form-data" {
		return io.ReadAll(body)
	}
	parts := multipart.NewReader(body, params["boundary"])
	for {
		p, err := parts.NextPart()
		if err != nil {
			return nil, err
		}
		if p.FileName() != "" {
			data, err := io.ReadAll(p)
			_, _ = io.Copy(io.Discard, body) // what follows it
			return data, err
		}
	}
}

func (f *Fake) completeUpload(c *call) *failure {
	var asked []struct {
		ID    string `json:"id"`
		Title string `json:"title"`
	}
	if err := json.Unmarshal([]byte(c.args.Get("files")), &asked); err != nil || len(asked) == 0 {
		return fail("invalid_arguments", "files is no list of files")
	}
	if c.args.Get("channel_id")+c.args.Get("channels")+c.args.Get("initial_comment")+c.args.Get("blocks") != "" {
		// It would post a message that has no metadata, so that nobody could find it again.
		return fail("invalid_arguments", "this workspace takes files without a channel only")
	}
	for _, a := range asked {
		if x := f.files[a.ID]; x == nil || !x.uploaded || x.complete {
			return fail("file_not_found")
		}
	}
	var out []any
	for _, a := range asked {
		x := f.files[a.ID]
		x.complete, x.title, x.readyAt = true, a.Title, c.at.Add(f.o.FileDelay)
		out = append(out, object{"id": x.id, "title": x.title})
	}
	c.took = true
	c.out["files"] = out
	return nil
}

func (f *Fake) filesInfo(c *call) *failure {
	x := f.files[c.args.Get("file")]
	if x == nil || !x.complete {
		return fail("file_not_found")
	}
	c.out["file"], c.out["comments"], c.out["paging"] = f.fileShape(x), []any{}, object{"count": 0, "total": 0, "page": 1, "pages": 0}
	return nil
}

func (f *Fake) filesDelete(c *call) *failure {
	x := f.files[c.args.Get("file")]
	if x == nil || !x.complete {
		return fail("file_not_found")
	}
	delete(f.files, x.id)
	c.took = true
	return nil
}

// ready tells whether Slack has done with a file. It is asynchronous (measured:
// slackapi/slack-github-action#413): until then the mimetype is missing.
func (f *Fake) ready(x *file) bool { return x.complete && !f.now().Before(x.readyAt) }

func (x *file) picture() bool { return strings.HasPrefix(x.kind(), "image/") }

// kind is the mimetype, by what the file holds.
func (x *file) kind() string {
	kind, _, _ := mime.ParseMediaType(http.DetectContentType(x.data))
	return kind
}

func (f *Fake) fileShape(x *file) object {
	o := object{"id": x.id, "name": x.name, "title": x.title, "size": len(x.data), "user": f.o.BotUser, "mode": "hosted", "alt_txt": x.alt,
		"permalink": f.permalinkOf(x), "url_private": "https://files.slack.com/files-pri/" + f.o.Team + "-" + x.id + "/" + x.name,
		"is_public": len(x.shared) > 0, "channels": x.shared, "groups": []string{}, "ims": []string{}, "mimetype": "", "filetype": ""}
	if f.ready(x) {
		kind := x.kind()
		o["mimetype"] = kind
		_, o["filetype"], _ = strings.Cut(kind, "/")
	}
	return o
}

func (f *Fake) permalinkOf(x *file) string {
	return "https://" + f.o.TeamName + ".slack.com/files/" + f.o.BotUser + "/" + x.id + "/" + x.name
}

func (f *Fake) fileByURL(url string) *file {
	for _, x := range f.files {
		if f.ready(x) && (url == f.permalinkOf(x) || strings.HasSuffix(url, f.o.Team+"-"+x.id+"/"+x.name)) {
			return x
		}
	}
	return nil
}

// share makes known the files that a message shows or links.
func (f *Fake) share(c *channel, m *message) {
	if len(f.files) == 0 {
		return
	}
	b, _ := json.Marshal([]any{m.blocks, m.attachments, m.text})
	words := string(b)
	for id, x := range f.files {
		if x.complete && strings.Contains(words, id) && !slices.Contains(x.shared, c.ID) {
			x.shared = append(x.shared, c.ID)
		}
	}
}
