package plan

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"io"
	"strings"
	"unicode"

	"watchstander/bot"
)

// Slip is a statement to be signed, together with its plan, on the way from the
// agent through a chat to the approver's own computer.
type Slip struct {
	Statement bot.Statement
	Plan      bot.Plan
}

const (
	slipType  = "WATCHSTANDER SLIP"
	slipBegin = "-----BEGIN " + slipType + "-----"
	slipEnd   = "-----END " + slipType + "-----"
	// maxSlip bounds the text, in bytes: two canonical forms, badly compressed.
	maxSlip = 3 * MaxBytes
)

// EncodeSlip makes the text block that people copy. Within its armor it is the
// plan's canonical form, a line break, and the statement's, compressed.
func EncodeSlip(s bot.Statement, p bot.Plan) (string, error) {
	if err := Check(s, p); err != nil {
		return "", err
	}
	pb, err := Canonical(p)
	if err != nil {
		return "", err
	}
	sb, err := StatementBytes(s)
	if err != nil {
		return "", err
	}
	var packed bytes.Buffer
	z := zlib.NewWriter(&packed)
	_, err = z.Write(bytes.Join([][]byte{pb, sb}, []byte("\n")))
	if err = errors.Join(err, z.Close()); err != nil {
		return "", err
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: slipType, Bytes: packed.Bytes()})), nil
}

// DecodeSlip reads a block as it was copied: with lines set in or broken anew, with
// the bar that a console draws beside a thread, and with whatever else was copied around it, which does not count. The
// statement that comes out is about the plan that comes out, by its digest, and
// its words are those of this program about the plan's bytes.
func DecodeSlip(text string) (Slip, error) {
	packed, err := armored(text)
	if err != nil {
		return Slip{}, err
	}
	damaged := invalid("The slip is damaged; copy it again, whole.")
	z, err := zlib.NewReader(bytes.NewReader(packed))
	if err != nil {
		return Slip{}, damaged.Because(err)
	}
	b, err := io.ReadAll(io.LimitReader(z, 2*MaxBytes+2))
	if err != nil {
		return Slip{}, damaged.Because(err)
	}
	pb, sb, two := bytes.Cut(b, []byte("\n"))
	if !two {
		return Slip{}, damaged
	}
	p, err := Parse(pb)
	if err != nil {
		return Slip{}, err
	}
	s, err := ParseStatement(sb)
	if err != nil {
		return Slip{}, err
	}
	if err := Check(s, p); err != nil {
		return Slip{}, err
	}
	return Slip{Statement: s, Plan: p}, nil
}

// armored is what stands between the only two markers of a text.
func armored(text string) ([]byte, error) {
	if len(text) > maxSlip {
		return nil, invalid("This is too long for a slip.")
	}
	text = squeezed(text)
	begin, end := squeezed(slipBegin), squeezed(slipEnd)
	_, rest, begins := strings.Cut(text, begin)
	body, rest, ends := strings.Cut(rest, end)
	if !begins || !ends {
		return nil, invalid("There is no slip; copy it whole, from %s to %s.", slipBegin, slipEnd)
	}
	if strings.Contains(body, begin) || strings.Contains(rest, begin) {
		return nil, invalid("There is more than one slip; copy one.")
	}
	b, err := base64.StdEncoding.Strict().DecodeString(body)
	if err != nil {
		return nil, invalid("The slip is damaged; copy it again, whole.").Because(err)
	}
	return b, nil
}

// squeezed is a text without blanks, ends of lines, and the bars of a console.
func squeezed(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || r == '│' || r == '▌' {
			return -1
		}
		return r
	}, text)
}
