package dumps

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
)

// broken is what is wrong with a dump.
type broken string

func (b broken) Error() string { return string(b) }

// ends are what programs write when they are done. PostgreSQL's from 2025 on write a
// line behind it.
var ends = [][]byte{
	[]byte("-- PostgreSQL database dump complete"), []byte("-- PostgreSQL database cluster dump complete"),
	[]byte("-- Dump completed"), // MariaDB and MySQL
}

// tail is how many bytes from the end on the mark may be.
const tail = 4 << 10

// whole reads a dump to its end: nil when it has the mark there, broken when it has not
// or cannot be unpacked, and another error where that cannot be told. gzip is unpacked,
// by which its checksum is looked at.
func whole(ctx context.Context, f io.Reader) error {
	in := bufio.NewReaderSize(reader{ctx, f}, 256<<10)
	head, _ := in.Peek(6)
	var text io.Reader = in
	switch {
	case len(head) == 0:
		return broken("it is empty")
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(in)
		if err != nil {
			return broken("it cannot be unpacked")
		}
		text = z
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}), bytes.HasPrefix(head, []byte("\xfd7zXZ")), bytes.HasPrefix(head, []byte("BZh")):
		return errors.New("it is packed with another program than gzip, which is not unpacked here")
	case bytes.HasPrefix(head, []byte("PGDMP")):
		return errors.New("pg_dump's own format has no mark at its end; pg_restore --list reads it")
	}
	last, err := lastOf(text)
	corrupt, isCorrupt := errors.AsType[flate.CorruptInputError](err)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case isCorrupt:
		return broken(fmt.Sprintf("it cannot be unpacked beyond byte %d", corrupt))
	case errors.Is(err, gzip.ErrChecksum), errors.Is(err, gzip.ErrHeader), errors.Is(err, io.ErrUnexpectedEOF):
		return broken("it cannot be unpacked to its end")
	case err != nil:
		return errors.New("it cannot be read to its end")
	case !slices.ContainsFunc(ends, func(mark []byte) bool { return bytes.Contains(last, mark) }):
		return broken("the mark of a complete dump is not at its end")
	}
	return nil
}

// lastOf reads everything and keeps the end.
func lastOf(r io.Reader) ([]byte, error) {
	buffer := make([]byte, 0, 128<<10)
	for {
		if len(buffer) > cap(buffer)/2 {
			buffer = append(buffer[:0], buffer[len(buffer)-tail:]...)
		}
		n, err := r.Read(buffer[len(buffer):cap(buffer)])
		buffer = buffer[:len(buffer)+n]
		if errors.Is(err, io.EOF) {
			return buffer[max(0, len(buffer)-tail):], nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// reader ends with its context.
type reader struct {
	ctx context.Context
	r   io.Reader
}

func (r reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}
