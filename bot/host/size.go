package host

import (
	"math"
	"strconv"
	"strings"

	"watchstander/bot"
)

// Bytes is an amount of memory or disk. It may be negative, where something is
// short of it.
type Bytes int64

// The units in which people write sizes. ZFS, the kernel and systemd all count
// in powers of 1024.
const (
	KiB Bytes = 1 << 10
	MiB Bytes = 1 << 20
	GiB Bytes = 1 << 30
	TiB Bytes = 1 << 40
)

var units = []struct {
	name string
	size Bytes
}{{"TiB", TiB}, {"GiB", GiB}, {"MiB", MiB}, {"KiB", KiB}}

// String rounds to what people read at a glance: "28.1 GiB", "32 GiB", "512 B".
// Two amounts that differ may read alike; Exact tells them apart.
func (b Bytes) String() string {
	for i, u := range units {
		if b > -u.size && b < u.size {
			continue
		}
		tenths := math.Round(float64(b) / float64(u.size) * 10)
		if math.Abs(tenths) >= 10240 && i > 0 {
			u = units[i-1] // 1,024 MiB by rounding is 1 GiB
			tenths = math.Round(float64(b) / float64(u.size) * 10)
		}
		return strings.TrimSuffix(strconv.FormatFloat(tenths/10, 'f', 1, 64), ".0") + " " + u.name
	}
	return strconv.FormatInt(int64(b), 10) + " B"
}

// Exact is the one form of an amount in plans and arguments: a whole number of
// the largest unit that holds it without a rest, without a blank: "32GiB",
// "1536MiB", "34359738369B". ParseBytes reads it back as the same amount.
func (b Bytes) Exact() string {
	for _, u := range units {
		if b != 0 && b%u.size == 0 {
			return strconv.FormatInt(int64(b/u.size), 10) + u.name
		}
	}
	return strconv.FormatInt(int64(b), 10) + "B"
}

// Precise is both forms where they differ, for figures that must be exact and
// read by people: "32 GiB", "62.7 GiB (67321872384 bytes)".
func (b Bytes) Precise() string {
	for _, u := range units {
		if b != 0 && b%u.size == 0 && b/u.size < 1024 {
			return strconv.FormatInt(int64(b/u.size), 10) + " " + u.name
		}
	}
	if b > -KiB && b < KiB {
		return b.String()
	}
	return b.String() + " (" + strconv.FormatInt(int64(b), 10) + " bytes)"
}

// ParseBytes reads an amount as people write it: "32GiB", "32G", "1.5g", "512 M",
// "34359738368". Letters alone are powers of 1024, as ZFS' own tools have it;
// "GB" and its like are refused, since to some they are powers of 1000. The
// amount is exact: a fraction that comes to no whole number of bytes is refused,
// and so is nothing at all (0). Errors are *bot.Error.
func ParseBytes(text string) (Bytes, error) {
	text = strings.TrimSpace(text)
	digits := strings.TrimRight(text, "kKmMgGtTiIbB")
	unit := Bytes(1)
	switch name := strings.ToLower(text[len(digits):]); name {
	case "", "b":
	case "k", "kib":
		unit = KiB
	case "m", "mib":
		unit = MiB
	case "g", "gib":
		unit = GiB
	case "t", "tib":
		unit = TiB
	case "kb", "mb", "gb", "tb":
		letter := strings.ToUpper(name[:1])
		return 0, bot.Errorf(bot.CodeInvalid, "%sB means powers of 1000 to some and of 1024 to others; write e.g. `32%[1]siB`.", letter)
	default:
		return 0, noSize()
	}
	whole, fraction, point := strings.Cut(strings.TrimSpace(digits), ".")
	if !onlyDigits(whole) || point && !onlyDigits(fraction) || len(whole) > 19 || len(fraction) > 9 {
		return 0, noSize()
	}
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || n > int64(math.MaxInt64/unit)-1 {
		return 0, bot.Errorf(bot.CodeInvalid, "That is more than any host has.")
	}
	b := Bytes(n) * unit
	if point {
		// Both factors are small: at most 10^9 and 2^40.
		part, _ := strconv.ParseInt(fraction, 10, 64)
		scale := int64(math.Pow10(len(fraction)))
		high, low := int64(unit)/scale*part, int64(unit)%scale*part
		if low%scale != 0 {
			return 0, bot.Errorf(bot.CodeInvalid, "That is no whole number of bytes; write e.g. `1536M`.")
		}
		b += Bytes(high + low/scale)
	}
	if b == 0 {
		return 0, bot.Errorf(bot.CodeInvalid, "That is nothing; write e.g. `32G`, `1536M`.")
	}
	return b, nil
}

func noSize() error {
	return bot.Errorf(bot.CodeInvalid, "Write a size, e.g. `32G`, `1536M`, `34359738368`.")
}

func onlyDigits(s string) bool {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return s != ""
}
