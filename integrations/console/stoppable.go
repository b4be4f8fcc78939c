package console

import (
	"errors"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// stoppable is a reader whose waiting Read can be ended. A terminal's Read has
// no other end than the person's next key.
type stoppable struct {
	r    io.Reader
	file *os.File
	fd   int32
	wake [2]int // a pipe, for files
}

func newStoppable(r io.Reader) *stoppable {
	s := &stoppable{r: r, wake: [2]int{-1, -1}}
	if f, ok := r.(*os.File); ok {
		var p [2]int
		if unix.Pipe2(p[:], unix.O_CLOEXEC) == nil {
			s.file, s.fd, s.wake = f, int32(f.Fd()), p
		}
	}
	return s
}

func (s *stoppable) Read(b []byte) (int, error) {
	if s.file == nil {
		return s.r.Read(b)
	}
	fds := []unix.PollFd{{Fd: s.fd, Events: unix.POLLIN}, {Fd: int32(s.wake[0]), Events: unix.POLLIN}}
	for {
		_, err := unix.Poll(fds, -1)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return 0, err
		case fds[1].Revents != 0:
			return 0, io.EOF
		}
		return s.file.Read(b)
	}
}

// ready tells whether something can be read before d is over, false where that
// cannot be known.
func (s *stoppable) ready(d time.Duration) bool {
	if s.file == nil {
		return false
	}
	fds := []unix.PollFd{{Fd: s.fd, Events: unix.POLLIN}, {Fd: int32(s.wake[0]), Events: unix.POLLIN}}
	n, err := unix.Poll(fds, int(d.Milliseconds()))
	return err == nil && n > 0 && fds[1].Revents == 0
}

// stop tells whether a waiting Read will return.
func (s *stoppable) stop() bool {
	if s.file != nil {
		_, err := unix.Write(s.wake[1], []byte{0})
		return err == nil
	}
	if d, ok := s.r.(interface{ SetReadDeadline(time.Time) error }); ok {
		return d.SetReadDeadline(time.Unix(1, 0)) == nil
	}
	return false
}

func (s *stoppable) close() {
	if s.file != nil {
		_ = unix.Close(s.wake[0])
		_ = unix.Close(s.wake[1])
		s.file, s.r = nil, eof{}
	}
}

type eof struct{}

func (eof) Read([]byte) (int, error) { return 0, io.EOF }
