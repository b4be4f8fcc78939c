package console

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"watchstander/bot"
)

// version of the protocol and of the transcript, which share their lines.
const version = 1

// Bounds on what one side takes from the other.
const (
	maxText   = 8 << 10   // what a person types, in bytes
	maxAsked  = 64 << 10  // a client's line: the text, with JSON's escapes
	maxFrame  = 1 << 20   // a post's frame
	maxTold   = 2 << 20   // a server's line: a frame and what is around it
	maxPast   = 500       // messages in one answer
	maxWords  = 1000      // completions
	maxThread = 1_000_000 // a thread's number
)

// hello is the first line of each side.
type hello struct {
	Version int `json:"watchstander"`
	// The client's.
	Session string `json:"session,omitempty"`
	Past    int    `json:"past,omitempty"`
	// The server's.
	Chat  bot.ChatID `json:"chat,omitempty"`
	Room  bot.RoomID `json:"room,omitempty"`
	User  bot.UserID `json:"user,omitempty"`
	Name  string     `json:"name,omitempty"`
	Zone  string     `json:"zone,omitempty"`
	Words []string   `json:"words,omitempty"`
	// Threaded are those of the words, and their short forms, that can be aimed
	// at a thread.
	Threaded []string `json:"threaded,omitempty"`
}

// toServer is one line of a client; one member is set.
type toServer struct {
	Say     *say    `json:"say,omitempty"`
	History *asking `json:"history,omitempty"`
	Threads *asking `json:"threads,omitempty"`
	Show    *asking `json:"show,omitempty"`
}

type say struct {
	N      int    `json:"n"`
	Thread int    `json:"t,omitempty"`
	Text   string `json:"text"`
}

type asking struct {
	N      int  `json:"n"`
	Last   int  `json:"last,omitempty"`
	Thread int  `json:"t,omitempty"`
	All    bool `json:"all,omitempty"`
}

// toClient is one line of the server; one member beside Re is set.
type toClient struct {
	Re      *int     `json:"re,omitempty"`
	Post    *post    `json:"post,omitempty"`
	Said    *said    `json:"said,omitempty"`
	Erased  *said    `json:"erased,omitempty"`
	Taken   *taken   `json:"taken,omitempty"`
	Refused *refused `json:"refused,omitempty"`
	Done    *done    `json:"done,omitempty"`
	Hello   *hello   `json:"hello,omitempty"`
	Bye     *string  `json:"bye,omitempty"`
	// Again: it may help to attach again after the bye.
	Again bool `json:"again,omitempty"`
}

// post is one message of the bot.
type post struct {
	At time.Time `json:"at"`
	// Thread is the short number of the thread it belongs to, 0 outside threads.
	Thread int `json:"t,omitempty"`
	// Changed is when a root came to what the frame shows, zero while it is as it
	// was posted.
	Changed time.Time       `json:"changed,omitzero"`
	Frame   json.RawMessage `json:"frame"`
}

// said is what a person typed.
type said struct {
	At     time.Time     `json:"at"`
	ID     bot.MessageID `json:"id"`
	User   bot.UserID    `json:"user"`
	Name   string        `json:"name,omitempty"` // the person's, at that time
	Thread int           `json:"t,omitempty"`
	Root   bot.MessageID `json:"root,omitempty"`
	Text   string        `json:"text"`
}

type taken struct {
	N int `json:"n"`
}

type refused struct {
	N   int    `json:"n"`
	Why string `json:"why"`
	// Again: it may help to say the same once more.
	Again bool `json:"again,omitempty"`
}

type done struct {
	N    int    `json:"n"`
	Note string `json:"note,omitempty"`
	// Left counts what the answer left out.
	Left int `json:"left,omitempty"`
}

// envelope is what is frozen for one post and carried unchanged: to the
// transcript, and to every client. Its message is read by clients only.
type envelope struct {
	Key     bot.SendKey   `json:"key"`
	Kind    bot.SendKind  `json:"kind"`
	Room    bot.RoomID    `json:"room"`
	Root    bot.MessageID `json:"root,omitempty"`
	ReplyTo bot.MessageID `json:"reply_to,omitempty"`
}

// frame is an envelope with its message.
type frame struct {
	envelope
	Message bot.Message `json:"message"`
}

// messageID names a typed line. The user is part of it, so that nobody can take
// the id of another one's next line.
func messageID(user bot.UserID, session string, n int) bot.MessageID {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d:%s%d:%s%d", len(user), user, len(session), session, n))
	return bot.MessageID("say_" + base32.StdEncoding.EncodeToString(sum[:])[:26])
}

// line is v as one line, without its end.
func line(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		// Only a time beyond the year 9999 could get here, and times are ours.
		panic(fmt.Sprintf("console: %v", err))
	}
	return b
}

// answering is a line as part of the answer to n.
func answering(n int, line []byte) []byte {
	return append(fmt.Appendf(nil, `{"re":%d,`, n), line[1:]...)
}

// errLong is a line longer than the reader takes.
var errLong = errors.New("console: a line is too long")

// lines reads lines of at most limit bytes.
type lines struct{ r *bufio.Reader }

func newLines(r io.Reader, limit int) lines { return lines{bufio.NewReaderSize(r, limit)} }

// next gives the next line without its end; it is valid until the next call.
// What comes after the last line's end is half a line, and none.
func (l lines) next() ([]byte, error) {
	b, err := l.r.ReadSlice('\n')
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return nil, errLong
	case err != nil:
		return nil, err
	}
	return bytes.TrimSuffix(b[:len(b)-1], []byte("\r")), nil
}
