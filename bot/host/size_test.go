package host

import (
	"errors"
	"strings"
	"testing"

	"watchstander/bot"
)

func TestParseBytes(t *testing.T) {
	for text, want := range map[string]Bytes{
		"32GiB": 32 * GiB, "32G": 32 * GiB, "32g": 32 * GiB, " 32 gib ": 32 * GiB, "1.5G": 1536 * MiB, "0.5GiB": 512 * MiB,
		"34359738368": 32 * GiB, "34359738369B": 32*GiB + 1, "67108864b": 64 * MiB, "1T": TiB, "64k": 64 * KiB, "1.000G": GiB,
	} {
		if got, err := ParseBytes(text); err != nil || got != want {
			t.Errorf("%q is %d, want %d: %v", text, got, want, err)
		}
	}
	for text, part := range map[string]string{
		"": "Write a size", "G": "Write a size", "big": "Write a size", "-1G": "Write a size", "+1G": "Write a size", "1e9": "Write a size",
		"32 G B": "Write a size", "0x20": "Write a size", "1.G": "Write a size", ".5G": "Write a size", "1.5.5G": "Write a size", "32Gi": "Write a size",
		"32bib": "Write a size", "٣G": "Write a size", "1_000": "Write a size",
		"32GB": "write e.g. `32GiB`", "5kb": "KB means", "0": "nothing", "0.0G": "nothing", "1.3G": "whole number", "0.1": "whole number",
		"9223372036854775808": "more than any host", "8388608T": "more than any host", "8388607.9T": "more than any host",
		"99999999999999999999G": "Write a size",
	} {
		got, err := ParseBytes(text)
		e, ok := errors.AsType[*bot.Error](err)
		if !ok || e.Code != bot.CodeInvalid || !strings.Contains(e.Message, part) {
			t.Errorf("%q is %d: %v, want an error with %q", text, got, err, part)
		}
	}
}

func TestBytesInWords(t *testing.T) {
	for b, want := range map[Bytes][3]string{
		0:             {"0 B", "0B", "0 B"},
		1023:          {"1023 B", "1023B", "1023 B"},
		1536 * MiB:    {"1.5 GiB", "1536MiB", "1.5 GiB (1610612736 bytes)"},
		32 * GiB:      {"32 GiB", "32GiB", "32 GiB"},
		32*GiB + 1:    {"32 GiB", "34359738369B", "32 GiB (34359738369 bytes)"},
		GiB - 1:       {"1 GiB", "1073741823B", "1 GiB (1073741823 bytes)"},
		-3 * GiB:      {"-3 GiB", "-3GiB", "-3 GiB"},
		64 * TiB:      {"64 TiB", "64TiB", "64 TiB"},
		67321872384:   {"62.7 GiB", "65744016KiB", "62.7 GiB (67321872384 bytes)"},
		2048*TiB + 42: {"2048 TiB", "2251799813685290B", "2048 TiB (2251799813685290 bytes)"},
	} {
		if got := [3]string{b.String(), b.Exact(), b.Precise()}; got != want {
			t.Errorf("%d is %q, want %q", int64(b), got, want)
		}
	}
}

func FuzzParseBytes(f *testing.F) {
	for _, s := range []string{"32G", "1.5GiB", "34359738368", "0.000000001T", "9223372036854775807", "5 kb"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		b, err := ParseBytes(text)
		if err != nil {
			if b != 0 {
				t.Errorf("%q is wrong, and %d", text, b)
			}
			return
		}
		if b <= 0 {
			t.Errorf("%q is %d", text, b)
		}
		if again, err := ParseBytes(b.Exact()); err != nil || again != b {
			t.Errorf("%q is %d, written %s, read %d: %v", text, b, b.Exact(), again, err)
		}
	})
}
